import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** How text becomes JSON: the runtime's way, or parseExact() where integers beyond 2^53 have to survive. */
type Parse = (text: string) => Json;

/** A whole answer of a provider. Throws UpstreamStreamError, which quotes nothing of it as the parser would. */
export function answerJson(text: string, parse: Parse = JSON.parse): Json {
  return read(text, parse, "The provider answered with something that is not JSON");
}

/** The data of an event of a provider. Throws UpstreamStreamError, which quotes nothing of it. */
export function eventJson(text: string, parse: Parse = JSON.parse): Json {
  return read(text, parse, notAnEvent);
}

/** As eventJson(), for wires whose events are objects. */
export function eventObject(text: string): JsonObject {
  const value = eventJson(text);
  if (isObject(value)) return value;
  throw new UpstreamStreamError(notAnEvent);
}

const notAnEvent = "The provider sent an event that is not JSON";

function read(text: string, parse: Parse, refusal: string): Json {
  try {
    return parse(text);
  } catch {
    throw new UpstreamStreamError(refusal);
  }
}
