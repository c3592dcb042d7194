/**
 * The load generator, a process of its own: `bun test/bench/load.ts`, with its plan as JSON on standard input.
 * Raw sockets and as little parsing as can be, since it shares the cores with what it measures.
 */
import type { Socket } from "bun";
import * as v from "valibot";
import { AnswerReader } from "#test/bench/answer-reader.ts";
import { outcomeSchema, planSchema, type Outcome, type Plan } from "#test/bench/plan.ts";
import { Samples } from "#test/bench/samples.ts";

/** How long answers may still take after the last request of a timed run, in milliseconds. */
const graceMilliseconds = 10_000;
/** Connections that are opened at once. */
const atOnce = 1000;
/** Between two groups of requests that begin together. */
const groupPauseMilliseconds = 50;

interface Connection {
  reader: AnswerReader;
  /** When the request in flight was due, by performance.now(); undefined when idle. */
  sentAt: number | undefined;
  firstByteAt: number | undefined;
  socket: Socket<Connection> | undefined;
  /** What the socket did not take yet of a large request. */
  unsent: Buffer | undefined;
}

class Run {
  readonly #plan: Plan;
  readonly #request: Buffer;
  readonly #total = new Samples();
  readonly #firstByte = new Samples();
  readonly #failures: Record<string, number> = {};
  readonly #idle: Connection[] = [];
  /** Due times of requests that wait for a connection; only at a fixed rate. */
  readonly #waiting: number[] = [];
  readonly #finished = Promise.withResolvers<void>();
  #ok = 0;
  #inFlight = 0;
  #sent = 0;
  #startedAt = 0;
  #lastAnswerAt = 0;
  #closing = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#request = request(plan);
  }

  async measure(): Promise<Outcome> {
    const { rate, together } = this.#plan;
    const ready = await this.#connectAll();
    this.#startedAt = this.#lastAnswerAt = performance.now();
    if (ready.length === 0) return this.#outcome();
    if (rate !== undefined) this.#sendAtRate(rate, ready);
    else if (together === undefined) for (const connection of ready) this.#next(connection);
    else await this.#inGroups(ready, together);
    const deadline = setTimeout(() => this.#finished.resolve(), this.#deadlineMilliseconds());
    await this.#finished.promise;
    clearTimeout(deadline);
    return this.#outcome();
  }

  /** In groups: a listening socket queues no more than some thousand. */
  async #connectAll(): Promise<Connection[]> {
    const opened: Connection[] = [];
    for (let left = this.#plan.connections; left > 0; left -= atOnce) {
      const group = Array.from({ length: Math.min(left, atOnce) }, () => this.#connect());
      for (const connection of await Promise.all(group))
        if (connection !== undefined) opened.push(connection);
    }
    return opened;
  }

  async #inGroups(ready: readonly Connection[], together: number): Promise<void> {
    for (let at = 0; at < ready.length; at += together) {
      for (const connection of ready.slice(at, at + together)) this.#next(connection);
      await Bun.sleep(groupPauseMilliseconds);
    }
  }

  #deadlineMilliseconds(): number {
    const { until } = this.#plan;
    return graceMilliseconds + ("seconds" in until ? until.seconds * 1000 : 110_000);
  }

  async #connect(): Promise<Connection | undefined> {
    const connection: Connection = {
      reader: new AnswerReader(this.#plan),
      sentAt: undefined,
      firstByteAt: undefined,
      socket: undefined,
      unsent: undefined,
    };
    try {
      connection.socket = await Bun.connect<Connection>({
        hostname: "127.0.0.1",
        port: this.#plan.port,
        data: connection,
        socket: {
          data: (socket, bytes) => this.#receive(socket.data, bytes),
          drain: (socket) => write(socket.data, socket.data.unsent),
          close: (socket) => void this.#closed(socket.data),
          error: () => {},
        },
      });
      return connection;
    } catch {
      this.#fail("connect");
      return undefined;
    }
  }

  #mayStart(): boolean {
    const { until } = this.#plan;
    if ("requests" in until) return this.#sent < until.requests;
    return performance.now() - this.#startedAt < until.seconds * 1000;
  }

  /** Closed loop: the next request leaves when the last answer has come. */
  #next(connection: Connection): void {
    if (this.#plan.rate !== undefined) {
      const due = this.#waiting.shift();
      if (due === undefined) this.#idle.push(connection);
      else this.#send(connection, due);
    } else if (this.#mayStart()) {
      this.#send(connection, performance.now());
      return;
    }
    this.#finishWhenQuiet();
  }

  /** Open loop: a request that finds no idle connection waits, and its wait counts. */
  #sendAtRate(rate: number, ready: Connection[]): void {
    this.#idle.push(...ready);
    let due = 0;
    const tick = setInterval(() => {
      const now = performance.now();
      const upTo = ((now - this.#startedAt) / 1000) * rate;
      for (; due < upTo && this.#mayStart(); due++) {
        const connection = this.#idle.pop();
        if (connection === undefined) this.#waiting.push(now);
        else this.#send(connection, now);
      }
      if (this.#mayStart()) return;
      clearInterval(tick);
      this.#finishWhenQuiet();
    }, 1);
  }

  #send(connection: Connection, due: number): void {
    this.#sent++;
    this.#inFlight++;
    connection.sentAt = due;
    connection.firstByteAt = undefined;
    connection.reader.reset();
    write(connection, this.#request);
  }

  #receive(connection: Connection, bytes: Buffer): void {
    const { sentAt, reader } = connection;
    if (sentAt === undefined) return;
    const progress = reader.read(bytes);
    if (progress === "head") return;
    connection.firstByteAt ??= performance.now();
    if (progress === "body") return;
    const now = performance.now();
    this.#lastAnswerAt = now;
    this.#inFlight--;
    connection.sentAt = undefined;
    if (reader.status !== 200) this.#fail(String(reader.status));
    else if (progress === "cut") this.#fail("cut");
    else {
      this.#ok++;
      this.#total.add(now - sentAt);
      this.#firstByte.add(connection.firstByteAt - sentAt);
    }
    this.#next(connection);
  }

  async #closed(connection: Connection): Promise<void> {
    if (this.#closing) return;
    if (connection.sentAt !== undefined) {
      this.#fail("cut");
      this.#inFlight--;
      connection.sentAt = undefined;
    }
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!this.#mayStart()) return this.#finishWhenQuiet();
    const again = await this.#connect();
    if (again !== undefined) this.#next(again);
    else this.#finishWhenQuiet();
  }

  #finishWhenQuiet(): void {
    if (this.#inFlight > 0 || this.#waiting.length > 0) return;
    if (this.#plan.rate === undefined || !this.#mayStart()) this.#finished.resolve();
  }

  #fail(reason: string): void {
    this.#failures[reason] = (this.#failures[reason] ?? 0) + 1;
  }

  #outcome(): Outcome {
    this.#closing = true;
    const unanswered = this.#inFlight + this.#waiting.length;
    if (unanswered > 0) this.#failures["unanswered"] = unanswered;
    return {
      ok: this.#ok,
      failures: this.#failures,
      elapsedSeconds: (this.#lastAnswerAt - this.#startedAt) / 1000,
      total: this.#total.quantiles(),
      firstByte: this.#firstByte.quantiles(),
    };
  }
}

function write(connection: Connection, bytes: Buffer | undefined): void {
  if (bytes === undefined) return;
  const sent = Math.max(0, connection.socket?.write(bytes) ?? 0);
  connection.unsent = sent < bytes.length ? bytes.subarray(sent) : undefined;
}

function request(plan: Plan): Buffer {
  const headers = { ...plan.headers, "content-length": String(Buffer.byteLength(plan.body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const host = `host: 127.0.0.1:${plan.port}\r\n`;
  return Buffer.from(`POST ${plan.path} HTTP/1.1\r\n${host}${lines.join("")}\r\n${plan.body}`);
}

if (import.meta.main) {
  const plan = v.parse(planSchema, await Bun.stdin.json());
  const outcome = await new Run(plan).measure();
  // Parsed on both sides, so that a mistake in the shape shows where it was made.
  await Bun.write(Bun.stdout, JSON.stringify(v.parse(outcomeSchema, outcome)));
  process.exit(0);
}
