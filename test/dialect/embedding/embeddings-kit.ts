import type { Ask, Summary } from "#src/dialect/dialect.ts";
import type { EmbeddingClient, EmbeddingTurn } from "#src/dialect/embedding/embedding.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { summaryOf } from "#test/dialect/openai/openai-kit.ts";

/** The block of an answer that has no eco figures. */
export const plainBlock = { generation_id: "gen_1", provider: "acme", region: "eu-west" };

/** A summary of vectors, with what a test changes about it. */
export function vectorSummary(changes: Partial<Summary> = {}): Summary {
  return summaryOf({
    completionId: "embd-1",
    model: "openai/embed-x",
    cost: { total: 0.00007, prompt: 0.00007, completion: 0 },
    block: plainBlock,
    ...changes,
  });
}

/** A request as it is understood; a URL counts where the model stands in it. */
export function asked(
  client: EmbeddingClient,
  body: JsonObject | string,
  url = "http://gateway/v1/embeddings",
): Ask {
  return client.peek(encode(typeof body === "string" ? body : JSON.stringify(body)), url);
}

/** A canonical request, with what a test changes about it. */
export function vectorTurn(changes: Partial<EmbeddingTurn> = {}): EmbeddingTurn {
  return { inputs: ["one"], leftover: [], ...changes };
}

/** A text as a JSON object. */
export function objectOf(text: string): JsonObject {
  const value: Json = JSON.parse(text);
  if (!isObject(value)) throw new Error("the text is no object");
  return value;
}
