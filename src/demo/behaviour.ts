/** Faults. In mid-stream they strike after `afterEvents` events; on a whole answer they strike half-way. */
export const faults = [
  /** 200 with an error body in the wire's shape. */
  "error_body",
  /** 200 with bytes that are neither JSON nor events. */
  "garbage",
  /** Takes the request and never answers. */
  "silent",
  /** Closes the connection without a byte. */
  "reset",
  /** Closes the connection in the middle of the answer, between two events. */
  "cut_mid_stream",
  /** The same, inside an event and inside a UTF-8 character. */
  "cut_mid_character",
  /** Ends cleanly, but the terminal events are missing. */
  "no_terminal",
  /** An error event in mid-stream, then a clean end. */
  "error_event",
  /** Stops in the middle and keeps the connection open. */
  "hang_mid_stream",
  /** Says nothing about usage. */
  "no_usage",
] as const;
export type Fault = (typeof faults)[number];

/** What a simulated provider does wrong, for tests and for the demo's own failures. Absent means it behaves. */
export interface Behaviour {
  /** Answers with this status and an error body. */
  status?: number;
  /** Retry-After of an error, seconds; Google says it in the body. A 429 without a code says 1 when absent. */
  retryAfter?: number;
  /** Code of an error, as `insufficient_quota`; at Anthropic its type, at Google its reason. */
  code?: string;
  fault?: Fault;
  /** Events before a fault in mid-stream; 2 when absent. */
  afterEvents?: number;
  /** Replaces the provider's latency: milliseconds before the first byte, and between two tokens. */
  delayMs?: number;
  perTokenMs?: number;
  /** Length of the answer, tokens. */
  answerTokens?: number;
  /** Numbers beyond 2^53 and members nobody knows, in the answer and in each event. */
  unknownMembers?: boolean;
  /** Sends each event, or each byte, in a write to the socket of its own, or the whole stream in one. */
  eventByEvent?: boolean;
  byteByByte?: boolean;
  oneWrite?: boolean;
}

/** Puts what a magic word says into a behaviour. */
const words: Readonly<Record<string, (value: string, into: Behaviour) => void>> = {
  status: (value, into) => (into.status = numeric(value)),
  retryAfter: (value, into) => (into.retryAfter = numeric(value)),
  code: (value, into) => (into.code = value),
  fault: (value, into) => (into.fault = faults.find((fault) => fault === value)),
  afterEvents: (value, into) => (into.afterEvents = numeric(value)),
  delayMs: (value, into) => (into.delayMs = numeric(value)),
  perTokenMs: (value, into) => (into.perTokenMs = numeric(value)),
  answerTokens: (value, into) => (into.answerTokens = numeric(value)),
  unknownMembers: (value, into) => (into.unknownMembers = value !== "false"),
  eventByEvent: (value, into) => (into.eventByEvent = value !== "false"),
  byteByByte: (value, into) => (into.byteByByte = value !== "false"),
  oneWrite: (value, into) => (into.oneWrite = value !== "false"),
};

/**
 * Behaviour asked for in a prompt, by the names of its members: `simulate:status=503,retryAfter=2` or
 * `simulate:byteByByte`. The list ends at a space; a word that nobody knows is ignored. It works in the demo too.
 */
export function behaviourIn(prompt: string): Behaviour | undefined {
  if (!prompt.includes("simulate:")) return undefined;
  const behaviour: Behaviour = {};
  const list = /simulate:([\w=,.]+)/.exec(prompt)?.[1] ?? "";
  for (const pair of list.split(",")) {
    const [word = "", value = ""] = pair.split("=");
    if (Object.hasOwn(words, word)) words[word]?.(value, behaviour);
  }
  return behaviour;
}

function numeric(value: string): number | undefined {
  const number = Number(value);
  return value === "" || Number.isNaN(number) ? undefined : number;
}
