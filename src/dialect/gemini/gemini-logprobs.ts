import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Log probabilities as the chat wire shows them; this one has no bytes of tokens. */
export function readLogprobs(result: Json | undefined): JsonObject | undefined {
  if (!isObject(result) || !Array.isArray(result.chosenCandidates)) return undefined;
  const tops = Array.isArray(result.topCandidates) ? result.topCandidates : [];
  const content = result.chosenCandidates.filter(isObject).map((chosen, at) => {
    const top = tops[at];
    const candidates = isObject(top) && Array.isArray(top.candidates) ? top.candidates : [];
    return { ...logprob(chosen), top_logprobs: candidates.filter(isObject).map(logprob) };
  });
  return { content, refusal: null };
}

function logprob(candidate: JsonObject): JsonObject {
  return { token: candidate.token ?? "", logprob: candidate.logProbability ?? null, bytes: null };
}
