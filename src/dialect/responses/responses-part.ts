import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A part of a message that is being told. */
export interface Part {
  type: "output_text" | "refusal";
  text: string;
  /** Where it begins in all text. */
  from: number;
  annotations: JsonObject[];
  logprobs: JsonObject[];
}

/** A part of which nothing was told yet; `from` is where it begins in all text. */
export function newPart(type: Part["type"], from: number): Part {
  return { type, text: "", from, annotations: [], logprobs: [] };
}

/** A part as it stands in the output. */
export function partItem({ type, text, annotations, logprobs }: Part): JsonObject {
  return type === "refusal"
    ? { type, refusal: text }
    : { type, text, annotations: [...annotations], logprobs: [...logprobs] };
}

/** Log probabilities out of the shape of chat; this wire has no null for bytes that are unknown. */
export function logprobsOf(logprobs: Json | undefined): JsonObject[] {
  const content = isObject(logprobs) ? logprobs.content : undefined;
  return Array.isArray(content) ? content.filter(isObject).map(tokenOf) : [];
}

function tokenOf({ token, logprob, bytes, top_logprobs: top }: JsonObject): JsonObject {
  const others = Array.isArray(top) ? top.filter(isObject) : [];
  const top_logprobs = others.map((one) => ({
    ...{ token: one.token, logprob: one.logprob },
    bytes: one.bytes ?? [],
  }));
  return { token, logprob, bytes: bytes ?? [], top_logprobs };
}
