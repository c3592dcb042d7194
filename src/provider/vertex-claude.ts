import { editedRequest } from "#src/dialect/edited.ts";
import { rawTextOf, readRaw } from "#src/dialect/raw-text.ts";
import { type Member, membersOf, valueIn } from "#src/dialect/splice.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import type { Shaped } from "#src/provider/deployment.ts";

const version = '"vertex-2023-10-16"';

/**
 * A Messages request as Vertex takes it: the model and the verb stand in the path, the version in the body.
 * Other paths stay as they are. Source: the Vertex client of Anthropic's SDK for TypeScript.
 */
export function claudeAtVertex(path: string, body: UpstreamBody | undefined): Shaped {
  const counts = path === "/messages/count_tokens";
  if (body === undefined || (path !== "/messages" && !counts)) return { path, body };
  const raw = rawTextOf(body);
  const members = membersOf(raw);
  const put = { anthropic_version: version };
  const edits = { set: counts ? put : { ...put, model: undefined }, add: put };
  const shaped = editedRequest(raw, edits, typeof body === "string", members);
  // Counting names the model in the body, and a place of its own in the path.
  if (counts) return { path: "/models/count-tokens:rawPredict", body: shaped };
  const name = encodeURIComponent(modelIn(raw, members)).replaceAll("%40", "@");
  const verb = valueIn(raw, "stream", members) === "true" ? "streamRawPredict" : "rawPredict";
  return { path: `/models/${name}:${verb}`, body: shaped };
}

/** The model that a body in raw text names; empty where it names none. */
export function modelIn(raw: string, members: readonly Member[]): string {
  const written = valueIn(raw, "model", members);
  const model: unknown = written === undefined ? undefined : JSON.parse(readRaw(written));
  return typeof model === "string" ? model : "";
}
