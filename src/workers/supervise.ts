/** Over 300 lines long: begin, serve, leave and die are one course of a worker, and each step has to know of the others. */

import type { Clock } from "#src/lib/clock.ts";
import type { Log } from "#src/observe/log.ts";
import { createAskings } from "#src/workers/askings.ts";
import { type Exit, type Member, startMember } from "#src/workers/member.ts";
import type { FromWorker, ToWorker } from "#src/workers/messages.ts";
import { keepPulse, type PulseRate } from "#src/workers/pulse.ts";

export interface SuperviseOptions {
  /** The program and its arguments, as a worker is started. */
  command: readonly string[];
  /** Where all of them listen. */
  port: number;
  /** How long a worker may go on with the answers that it has begun, milliseconds. */
  drainMs: number;
  clock: Clock;
  log: Log;
  /** How often workers are asked whether they go on. */
  pulse?: PulseRate;
}

/** What workers are begun with. */
export interface Crew {
  workers: number;
  /** The configuration file as it was read; absent where there is none. */
  fileText: string | undefined;
}

/** Workers that serve, kept at their number. */
export interface Supervisor {
  /** Starts them and resolves when all serve, with what the first one found. Throws WorkerFault where one cannot. */
  start(): Promise<{ url: string; providers: string }>;
  /** Replaces every worker by a new one, one after the other, without an end of service. Whether all were. */
  replace(next: Crew): Promise<boolean>;
  /** Lets all of them drain; a second call ends them. */
  stop(): void;
  /** Resolves when nobody is left, with whether all ended well. */
  readonly stopped: Promise<boolean>;
}

/** A worker that could not start. */
export class WorkerFault extends Error {
  override readonly name = "WorkerFault";
  constructor(readonly exit: Exit) {
    super("Cannot start a worker: what it said stands above");
  }
}

/** A worker that ran so long did not die of its start. */
const wellMs = 10_000;
/** Pauses before a worker is started again after so many short lives. */
const pausesMs: readonly number[] = [0, 200, 500, 1000, 2000, 5000, 10_000];
/** How often another takes the place of a worker that was killed before it ever served. */
const startTries = 3;
/** A worker that does not serve by then never will. */
const startMs = 60_000;
/** After its drain, a worker has this long to write what is left. */
const afterDrainMs = 15_000;
/** A filter that is not attached by then is not waited for. */
const steerMs = 1000;

/** Supervises workers. None is started yet. */
export function createSupervisor(options: SuperviseOptions, crew: Crew): Supervisor {
  const { command, clock, log, drainMs, port, pulse: rate } = options;
  let { workers, fileText } = crew;
  const members = new Set<Member>();
  /** Those that listen, in the order in which the kernel has them. */
  const listeners: Member[] = [];
  const notes = new Map<string, string>();
  const askings = createAskings();
  const shortLives = new Map<number, number>();
  const starts = new Map<Member, PromiseWithResolvers<void>>();
  const closings = new Map<Member, () => void>();
  const ended = Promise.withResolvers<boolean>();
  const pulse = keepPulse(members, endStill, rate);
  let steered: (() => void) | undefined;
  /** Resolves when whoever listens next may. */
  let listening: Promise<unknown> = Promise.resolve();
  let changing: Promise<unknown> = Promise.resolve();
  let isStopping = false;
  let isWell = true;

  function begin(worker: number): Member {
    const startedAt = clock.monotonic();
    const member = startMember({ command, worker, startedAt, onMessage: take });
    const start = Promise.withResolvers<void>();
    // Whoever waits for it is told; where nobody does, its exit says the same.
    start.promise.catch(() => undefined);
    members.add(member);
    starts.set(member, start);
    member.send({
      type: "begin",
      worker,
      port,
      ...(fileText === undefined ? {} : { fileText }),
      notes: [...notes].map(([topic, value]) => ({ topic, value })),
    });
    const late = setTimeout(() => member.kill(), startMs);
    void start.promise.catch(() => undefined).finally(() => clearTimeout(late));
    void member.exited.then((exit) => gone(member, exit));
    return member;
  }

  /** Ends one that hangs: another takes its place, as of any that dies. */
  function endStill(member: Member): void {
    log.write("error", "worker_hung", { worker: member.worker, pid: member.pid });
    member.kill();
  }

  /** Resolves when it serves; rejects with WorkerFault when it ends before. */
  function serving(member: Member): Promise<void> {
    return starts.get(member)?.promise ?? Promise.resolve();
  }

  /**
   * Resolves with who serves. What is wrong with a start ends with a code; a worker that somebody killed, as the kernel
   * does where memory is short, says nothing of the next.
   */
  async function begun(member: Member, triesLeft = startTries): Promise<Member> {
    try {
      await serving(member);
      return member;
    } catch (thrown) {
      const isKilled = thrown instanceof WorkerFault && thrown.exit.signal !== undefined;
      const isLate = clock.monotonic() - member.startedAt >= startMs;
      if (!isKilled || isLate || isStopping || triesLeft === 0) throw thrown;
      return await begun(begin(member.worker), triesLeft - 1);
    }
  }

  function take(member: Member, message: FromWorker): void {
    switch (message.type) {
      case "built":
        listening = listening.then(() => {
          member.send({ type: "listen" });
          return serving(member).catch(() => undefined);
        });
        return;
      case "ready":
        member.ready = { url: message.url, providers: message.providers };
        member.state = "serving";
        listeners.push(member);
        return starts.get(member)?.resolve();
      case "closed":
        return unlisten(member);
      case "steered":
        if (!message.ok) log.write("warn", "connections_not_steered");
        return steered?.();
      case "pong":
        return pulse.felt(member);
      case "signalled":
        void inTurn(() => renew(member));
        return;
      case "ask":
        // What one that leaves still has under way is to be seen, too.
        return askings.ask(
          member,
          message,
          [...members].filter(message.what === "live" ? hasServed : isServing),
        );
      case "answer":
        return askings.answered(member, message.id, message.text);
      case "note":
        notes.set(message.topic, message.value);
        for (const one of members) if (one !== member) one.send(message);
    }
  }

  function unlisten(member: Member): void {
    const at = listeners.indexOf(member);
    if (at !== -1) {
      // As the kernel does it: the last one takes the place.
      const last = listeners.pop();
      if (last !== undefined && last !== member) listeners[at] = last;
      if (!isStopping) void steer();
    }
    closings.get(member)?.();
    closings.delete(member);
  }

  /** Leads new connections around whoever leaves. Resolves when that is so, or cannot be. */
  async function steer(): Promise<void> {
    const at = listeners.findIndex(({ state }) => state === "leaving");
    const guide = listeners.find(isServing);
    if (guide === undefined) return;
    const done = Promise.withResolvers<void>();
    steered = done.resolve;
    const late = setTimeout(done.resolve, steerMs);
    guide.send({
      type: "steer",
      ...(at === -1 ? {} : { around: { at, of: listeners.length } }),
    });
    await done.promise;
    clearTimeout(late);
  }

  /** One change at a time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = changing.then(work);
    changing = done.catch(() => undefined);
    return done;
  }

  /** Puts a new worker in the place of one that serves; where it cannot start, the old one goes on. */
  async function renew(member: Member): Promise<void> {
    if (isStopping || !members.has(member) || !isServing(member)) return;
    try {
      await serving(begin(member.worker));
    } catch {
      log.write("error", "worker_kept", { worker: member.worker, pid: member.pid });
      return;
    }
    await dismiss(member);
  }

  /** Lets one leave whose place is taken; resolves when it listens no more. */
  async function dismiss(member: Member): Promise<void> {
    if (isStopping || !members.has(member)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    void member.exited.then(() => resolve());
    const isStarting = member.state === "starting";
    member.state = "leaving";
    if (isStarting) member.kill();
    else {
      closings.set(member, resolve);
      await steer();
      member.send({ type: "leave" });
      endWithin(member, drainMs + afterDrainMs);
    }
    await promise;
  }

  function endWithin(member: Member, milliseconds: number): void {
    const late = setTimeout(() => {
      log.write("warn", "worker_ended_late", { worker: member.worker, pid: member.pid });
      member.kill();
    }, milliseconds);
    void member.exited.then(() => clearTimeout(late));
  }

  function gone(member: Member, exit: Exit): void {
    const { worker, pid, state } = member;
    members.delete(member);
    unlisten(member);
    askings.gone(member);
    if (isStopping || state === "leaving") {
      // One that did not serve yet had nothing to lose.
      if (member.ready !== undefined && exit.code !== 0) isWell = false;
    } else {
      log.write("error", "worker_died", { worker, pid, code: exit.code, signal: exit.signal });
      if (state === "serving") revive(member);
    }
    starts.get(member)?.reject(new WorkerFault(exit));
    starts.delete(member);
    if (isStopping && members.size === 0) end();
  }

  function end(): void {
    pulse.stop();
    ended.resolve(isWell);
  }

  /** Starts one that died again, ever later where it dies soon. */
  function revive({ worker, startedAt }: Pick<Member, "worker" | "startedAt">): void {
    const lived = clock.monotonic() - startedAt;
    const lives = lived >= wellMs ? 0 : (shortLives.get(worker) ?? 0);
    shortLives.set(worker, lives + 1);
    const pause = pausesMs[Math.min(lives, pausesMs.length - 1)] ?? 0;
    setTimeout(() => {
      const isThere = [...members].some((one) => one.worker === worker && one.state !== "leaving");
      if (isStopping || worker > workers || isThere) return;
      try {
        const next = begin(worker);
        serving(next).then(
          () => log.write("info", "worker_restarted", { worker, pid: next.pid }),
          () => revive(next),
        );
      } catch (cause) {
        // No memory for a process, or its file is being replaced: the others go on, and this one is tried again.
        log.write("error", "worker_not_started", { worker }, cause);
        revive({ worker, startedAt: clock.monotonic() });
      }
    }, pause);
  }

  async function replaceAll(next: Crew): Promise<boolean> {
    const before = { workers, fileText };
    ({ workers, fileText } = next);
    try {
      for (let worker = 1; worker <= Math.max(workers, before.workers); worker++) {
        if (isStopping) return false;
        const old = [...members].filter((one) => one.worker === worker && one.state !== "leaving");
        if (worker <= workers) await serving(begin(worker));
        for (const one of old) await dismiss(one);
      }
      return true;
    } catch (thrown) {
      if (!(thrown instanceof WorkerFault)) throw thrown;
      // The first new one could not start: nothing was replaced. A later one: what follows is begun as before.
      ({ workers, fileText } = before);
      return false;
    }
  }

  function stop(): void {
    const message: ToWorker = { type: isStopping ? "force" : "stop" };
    isStopping = true;
    for (const member of members) {
      member.send(message);
      if (member.state === "starting") member.kill();
      else endWithin(member, (message.type === "stop" ? drainMs : 0) + afterDrainMs);
    }
    if (members.size === 0) end();
  }

  return {
    async start() {
      const first = Array.from({ length: workers }, (_, at) => begun(begin(at + 1)));
      try {
        const [one] = await Promise.all(first);
        return one?.ready ?? { url: "", providers: "" };
      } catch (thrown) {
        stop();
        for (const member of members) member.kill();
        await ended.promise;
        throw thrown;
      }
    },
    replace: (next) => inTurn(() => replaceAll(next)),
    stop,
    stopped: ended.promise,
  };
}

function hasServed({ ready }: Member): boolean {
  return ready !== undefined;
}

function isServing({ state }: Member): boolean {
  return state === "serving";
}
