import type { Answer, FromWorker, Question, ToWorker } from "#src/workers/messages.ts";
import { readToWorker } from "#src/workers/messages.ts";
import type { Siblings } from "#src/workers/siblings.ts";
import { steer } from "#src/workers/steer.ts";

/** The variable by which a process knows that it is a worker. */
export const workerVariable = "LOWROUTER_WORKER";

type Begin = Extract<ToWorker, { type: "begin" }>;

/** What a worker does when it is told to. */
export interface Orders {
  leave(): void;
  stop(): void;
  force(): void;
  /** The supervisor is gone. */
  orphaned(): void;
}

/** A worker's end of the channel to its supervisor. */
export interface Link extends Siblings {
  readonly begin: Begin;
  /** Says that all but listening is done, and resolves when it may listen. */
  turn(): Promise<void>;
  send(message: FromWorker): void;
  /** Takes orders from now on; those that came before are carried out at once. */
  obey(orders: Orders): void;
  /** Lets go of the channel, so that the process can end. */
  close(): void;
}

/** A sibling that is stuck must not hold up those that are well. */
const askMs = 1500;

/** Joins the supervisor; undefined in a process that is no worker. */
export async function joinSupervisor(): Promise<Link | undefined> {
  if (process.env[workerVariable] === undefined || process.send === undefined) return undefined;
  delete process.env[workerVariable];
  const began = Promise.withResolvers<Begin>();
  const turn = Promise.withResolvers<void>();
  const answers = new Map<number, (answers: Answer[]) => void>();
  const makers = new Map<Question, (detail: string) => string>();
  const listeners = new Map<string, (value: string) => void>();
  const notes = new Map<string, string>();
  let orders: Orders | undefined;
  const early: (keyof Orders)[] = [];
  /** Whether it was told to listen. */
  let mayListen = false;
  let asked = 0;

  function send(message: FromWorker): void {
    // Who is gone needs no word: `disconnect` tells of it.
    if (process.connected) process.send?.(message);
  }
  function order(name: keyof Orders): void {
    if (orders === undefined) early.push(name);
    else orders[name]();
  }
  function note(topic: string, value: string): void {
    notes.set(topic, value);
    listeners.get(topic)?.(value);
  }
  function take(message: ToWorker, port: number): void {
    switch (message.type) {
      case "begin":
        for (const { topic, value } of message.notes) notes.set(topic, value);
        return began.resolve(message);
      case "listen":
        mayListen = true;
        return turn.resolve();
      case "steer":
        return send({ type: "steered", ok: steer(port, message.around) });
      case "ping":
        return send({ type: "pong" });
      case "ask":
        return send({
          type: "answer",
          id: message.id,
          text: makers.get(message.what)?.(message.detail ?? "") ?? "",
        });
      case "answers":
        answers.get(message.id)?.(message.answers);
        return;
      case "note":
        return note(message.topic, message.value);
      default:
        return order(message.type);
    }
  }

  let port = 0;
  process.on("message", (raw: unknown) => {
    const message = readToWorker(raw);
    if (message?.type === "begin") port = message.port;
    if (message !== undefined) take(message, port);
  });
  process.on("disconnect", () => {
    // Nobody would ever tell it to begin or to listen, and nobody was answered by it.
    if (!mayListen) process.exit(1);
    order("orphaned");
  });
  const begin = await began.promise;

  return {
    begin,
    worker: begin.worker,
    turn() {
      send({ type: "built" });
      return turn.promise;
    },
    send,
    obey(given) {
      orders = given;
      for (const name of early.splice(0)) given[name]();
    },
    close: () => process.disconnect?.(),
    async ask(what, detail) {
      const id = ++asked;
      const { promise, resolve } = Promise.withResolvers<Answer[]>();
      answers.set(id, resolve);
      const alone = () =>
        resolve([{ worker: begin.worker, text: makers.get(what)?.(detail ?? "") ?? "" }]);
      const late = setTimeout(alone, askMs);
      send({ type: "ask", id, what, ...(detail === undefined ? {} : { detail }) });
      try {
        return await promise;
      } finally {
        clearTimeout(late);
        answers.delete(id);
      }
    },
    answer: (what, make) => void makers.set(what, make),
    tell: (topic, value) => send({ type: "note", topic, value }),
    hear(topic, listen) {
      listeners.set(topic, listen);
      const known = notes.get(topic);
      if (known !== undefined) listen(known);
    },
  };
}
