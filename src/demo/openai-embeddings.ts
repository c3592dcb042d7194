import { vectorOf } from "#src/demo/vector.ts";
import { type Reading, refuse } from "#src/demo/wire.ts";
import { countTokens } from "#src/demo/words.ts";
import { numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

const most = 2048;

/** OpenAI's embeddings: vectors that depend on the text only. */
export function embeddings(model: string, body: JsonObject): Reading {
  const inputs = inputsOf(body.input);
  if (inputs === undefined || inputs.length === 0 || inputs.includes(""))
    return refuse("'$.input' is invalid", "input");
  if (inputs.length > most) return refuse(`'$.input' is too long, at most ${most}`, "input");
  const format = body.encoding_format ?? "float";
  if (format !== "float" && format !== "base64")
    return refuse(`Invalid value for 'encoding_format'`, "encoding_format", "invalid_value");
  const usual = model.endsWith("-large") ? 3072 : 1536;
  const dimensions = numberOf(body.dimensions) ?? usual;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > usual)
    return refuse(`Invalid value for 'dimensions'`, "dimensions", "invalid_value");
  const write = () => {
    const tokens = inputs.reduce((sum, input) => sum + countTokens(input), 0);
    return {
      object: "list",
      data: inputs.map((input, index) => {
        const vector = vectorOf(input, dimensions);
        const embedding = format === "float" ? vector : base64(vector);
        return { object: "embedding", index, embedding };
      }),
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  };
  return { plain: { text: inputs.at(-1) ?? "", write } };
}

/** Texts, or token arrays written as texts of four bytes a token. */
function inputsOf(input: Json | undefined): string[] | undefined {
  const list = Array.isArray(input) && typeof input[0] !== "number" ? input : [input];
  const texts = list.map((one) => {
    if (typeof one === "string") return one;
    return Array.isArray(one) && one.every((token) => typeof token === "number")
      ? one.map((token) => String(token).padStart(4, "0").slice(-4)).join("")
      : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Little-endian float32, as OpenAI sends it. */
function base64(vector: number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) view.setFloat32(index * 4, value, true);
  return Buffer.from(view.buffer).toString("base64");
}
