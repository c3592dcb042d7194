import * as v from "valibot";

/*
 * What the process that supervises and the processes that serve tell each other, as JSON over a channel that ends with either.
 */

/** What a worker can be asked by its siblings. */
export const questions = ["metrics", "state", "live", "unsent"] as const;
export type Question = (typeof questions)[number];

/** What one worker answered. */
export interface Answer {
  /** 1 to as many as there are; a worker that takes another's place has its number. */
  worker: number;
  text: string;
}

const answer = v.strictObject({ worker: v.number(), text: v.string() });
const note = { topic: v.string(), value: v.string() };
const ask = v.strictObject({
  type: v.literal("ask"),
  id: v.number(),
  what: v.picklist(questions),
  /** What exactly, where the question has more to it. */
  detail: v.optional(v.string()),
});

const toWorker = v.variant("type", [
  v.strictObject({
    type: v.literal("begin"),
    worker: v.number(),
    port: v.number(),
    /** The configuration file as the supervisor read it; absent where there is none. */
    fileText: v.optional(v.string()),
    notes: v.array(v.strictObject(note)),
  }),
  /** It is its turn to listen: one at a time, so that the order of listeners is known. */
  v.strictObject({ type: v.literal("listen") }),
  /** New connections go to every listener but the one at this place; to all of them where it is absent. */
  v.strictObject({
    type: v.literal("steer"),
    around: v.optional(v.strictObject({ at: v.number(), of: v.number() })),
  }),
  /** Whether it goes on: it says so at once. */
  v.strictObject({ type: v.literal("ping") }),
  /** Others take over: ends once nobody needs it. */
  v.strictObject({ type: v.literal("leave") }),
  /** The gateway shuts down. */
  v.strictObject({ type: v.literal("stop") }),
  v.strictObject({ type: v.literal("force") }),
  ask,
  v.strictObject({ type: v.literal("answers"), id: v.number(), answers: v.array(answer) }),
  v.strictObject({ type: v.literal("note"), ...note }),
]);
export type ToWorker = v.InferOutput<typeof toWorker>;

const fromWorker = v.variant("type", [
  v.strictObject({ type: v.literal("built") }),
  v.strictObject({ type: v.literal("ready"), url: v.string(), providers: v.string() }),
  v.strictObject({ type: v.literal("steered"), ok: v.boolean() }),
  v.strictObject({ type: v.literal("pong") }),
  /** It listens no more. */
  v.strictObject({ type: v.literal("closed") }),
  /** Somebody sent it a signal to end. */
  v.strictObject({ type: v.literal("signalled") }),
  ask,
  v.strictObject({ type: v.literal("answer"), id: v.number(), text: v.string() }),
  v.strictObject({ type: v.literal("note"), ...note }),
]);
export type FromWorker = v.InferOutput<typeof fromWorker>;

/** A message of the supervisor; undefined for what is none. */
export function readToWorker(message: unknown): ToWorker | undefined {
  const read = v.safeParse(toWorker, message);
  return read.success ? read.output : undefined;
}

/** A message of a worker; undefined for what is none. */
export function readFromWorker(message: unknown): FromWorker | undefined {
  const read = v.safeParse(fromWorker, message);
  return read.success ? read.output : undefined;
}
