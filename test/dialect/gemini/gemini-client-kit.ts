import type { Ask } from "#src/dialect/dialect.ts";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import type { Turn } from "#src/dialect/turn.ts";

/** The address of a call to a model. */
export function urlOf(model = "gemini-2.5-flash", verb = "generateContent", query = ""): string {
  return `http://gateway/v1beta/models/${model}:${verb}${query}`;
}

/** What the gateway sees of a body, as JSON or as text. */
export function asked(body: JsonObject | string, url = urlOf()): Ask {
  return geminiClient.peek(encode(typeof body === "string" ? body : JSON.stringify(body)), url);
}

/** A body that says "Hi", with what a test adds. */
export function bodyWith(changes: JsonObject = {}): JsonObject {
  return { contents: [{ role: "user", parts: [{ text: "Hi" }] }], ...changes };
}

/** The canonical form of a body. */
export function turnFrom(body: JsonObject | string): Turn {
  return geminiClient.readRequest(asked(body));
}

/** The events of a stream as JSON. */
export function eventsIn(text: string): JsonObject[] {
  return text
    .split("\r\n\r\n")
    .filter((event) => event !== "")
    .map((event) => JSON.parse(event.replaceAll(/^data: /gm, "")));
}
