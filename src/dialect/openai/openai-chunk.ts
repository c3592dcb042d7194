import { answerJson } from "#src/dialect/provider-json.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import type { SseEvent } from "#src/dialect/sse.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** An event of an OpenAI-shaped stream as its chunk. Throws UpstreamStreamError on garbage and on an error. */
export function readChunk({ data, event }: SseEvent): JsonObject {
  const parsed = parseAnswer(data);
  if (event === "error" || hasError(parsed)) throw failed(parsed);
  return parsed;
}

/** A whole OpenAI-shaped answer. Throws UpstreamStreamError when it is none, also for an error under status 200. */
export function readAnswer(text: string): JsonObject & { choices: Json[] } {
  const parsed = parseAnswer(text);
  if (hasError(parsed)) throw failed(parsed);
  const { choices } = parsed;
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new UpstreamStreamError("The provider answered with something that is no completion");
  }
  const broken = choices.find((choice) => isObject(choice) && isFailure(choice.finish_reason));
  if (broken !== undefined) throw failed(parsed);
  return { ...parsed, choices };
}

/** Whether the upstream's word for the ending says that it could not go on. */
export function isFailure(finish: Json | undefined): boolean {
  return (
    finish === "error" || finish === "network_error" || finish === "insufficient_system_resource"
  );
}

function parseAnswer(text: string): JsonObject {
  const parsed: Json = answerJson(text);
  if (isObject(parsed)) return parsed;
  throw new UpstreamStreamError("The provider answered with something that is no completion");
}

function hasError({ error }: JsonObject): boolean {
  return error !== undefined && error !== null && error !== false && error !== "";
}

/** The failure by the error's type or code alone: its message may quote the prompt. */
export function failed({ error }: JsonObject): UpstreamStreamError {
  const told = isObject(error) ? error : {};
  const word = [told.type, told.code]
    .map(stringOf)
    .find((one) => one !== undefined && /^\w{1,64}$/.test(one));
  return new UpstreamStreamError(
    `The provider ended its answer with ${word === undefined ? "an error" : `"${word}"`}`,
  );
}
