/** What a simulated provider does wrong, for tests and for the demo's own failures. Absent means it behaves. */
export interface Behaviour {
  /** Answers with this status and an error body. */
  status?: number;
  /** Adds this Retry-After to an error, seconds. */
  retryAfter?: number;
  /** 200 with an error body, bytes that are no JSON, silence, or no usage. */
  fault?:
    | "error_body"
    | "garbage"
    | "silent"
    | "no_usage"
    | "hang_mid_stream"
    | "cut_mid_stream"
    | "cut_mid_character"
    | "no_terminal"
    | "error_event";
  /** Milliseconds before the first byte. */
  delayMs?: number;
  /** Events before a fault in mid-stream. */
  afterEvents?: number;
  /** Splits a stream into single bytes. */
  byteByByte?: boolean;
  /** Numbers beyond 2^53 and members nobody knows, in the answer. */
  unknownMembers?: boolean;
}

const names = new Set([
  "status",
  "retryAfter",
  "fault",
  "delayMs",
  "afterEvents",
  "byteByByte",
  "unknownMembers",
]);

/** Behaviour asked for in a prompt: `simulate:status=503,retryAfter=2`. The same words work in the demo. */
export function asked(prompt: string): Behaviour {
  const match = /simulate:([\w=,.]+)/.exec(prompt);
  const pairs = match?.[1]?.split(",") ?? [];
  const behaviour: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [name = "", value = "true"] = pair.split("=");
    if (!names.has(name)) continue;
    behaviour[name] = value === "true" ? true : Number.isNaN(Number(value)) ? value : Number(value);
  }
  return behaviour;
}
