// Client, byte path and provider of one small wire are claimed together: 320 lines.
import { describe, expect, test } from "bun:test";
import { type Target, UpstreamStreamError } from "#src/dialect/dialect.ts";
import {
  openaiEmbeddingsClient as client,
  openaiEmbeddingsSplice as splice,
  openaiEmbeddingsUpstream as upstream,
} from "#src/dialect/embedding/openai-embeddings.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import {
  asked,
  objectOf,
  plainBlock,
  vectorSummary,
  vectorTurn,
} from "#test/dialect/embedding/embeddings-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { bodyOf, fixture, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";

const hi = { model: "openai/embed-x", input: "Hi" };
const two = { ...hi, input: ["one", "two"] };
const many = (item: unknown, count: number) => Array.from({ length: count }, () => item);

describe("peek()", () => {
  test.each<[string, unknown, string, string]>([
    ["nothing", undefined, "missing_field", "input"],
    ["null", null, "missing_field", "input"],
    ["an empty string", "", "invalid_value", "input"],
    ["an empty array", [], "invalid_value", "input"],
    ["an object", { text: "SECRET" }, "invalid_value", "input"],
    ["an empty string among others", ["SECRET", ""], "invalid_value", "input[1]"],
    ["a token among strings", ["SECRET", 5], "invalid_value", "input[1]"],
    ["a string among tokens", [5, "SECRET"], "invalid_value", "input[1]"],
    ["a token that is no integer", [5, 1.5], "invalid_value", "input[1]"],
    ["a negative token", [-1], "invalid_value", "input[0]"],
    ["an empty token array", [[5], []], "invalid_value", "input[1]"],
    ["a string among token arrays", [[5], "SECRET"], "invalid_value", "input[1]"],
    ["a fraction in a token array", [[5, 0.5]], "invalid_value", "input[0][1]"],
    ["an array of objects", [{ text: "SECRET" }], "invalid_value", "input[0]"],
    ["more than 2048 strings", many("x", 2049), "invalid_value", "input"],
    ["more than 2048 token arrays", many([1], 2049), "invalid_value", "input"],
  ])("refuses %s as input, names the member and quotes nothing", (_, input, code, param) => {
    const error = refusalOf(() => asked(client, JSON.stringify({ ...hi, input })));
    expect<unknown[]>([error.code, error.detail.param, error.status]).toEqual([code, param, 400]);
    expect(error.message).not.toContain("SECRET");
  });

  test.each<[string, JsonObject, string]>([
    ["an unknown encoding", { encoding_format: "int8" }, "encoding_format"],
    ["no dimensions at all", { dimensions: 0 }, "dimensions"],
    ["dimensions in a string", { dimensions: "256" }, "dimensions"],
    ["a fraction of dimensions", { dimensions: 2.5 }, "dimensions"],
    ["a stream", { stream: true }, "stream"],
    ["a user that is no string", { user: 5 }, "user"],
    ["a route that is none", { route: "anywhere" }, "route"],
  ])("refuses %s", (_, members, param) => {
    const error = refusalOf(() => asked(client, { ...hi, ...members }));
    expect<unknown[]>([error.code, error.detail.param]).toEqual(["invalid_value", param]);
  });

  test("wants a model named: vectors of different models cannot be compared", () => {
    const error = refusalOf(() => asked(client, { input: "Hi" }));
    expect([error.code, error.detail.param]).toEqual(["missing_field", "model"]);
    expect(asked(client, { input: "Hi", models: ["openai/embed-x"] }).models).toHaveLength(1);
  });

  test("takes 2048 strings, and more tokens than that as one input", () => {
    expect(asked(client, { ...hi, input: Array(2048).fill("x") }).kind).toBe("embedding");
    expect(asked(client, { ...hi, input: Array(9000).fill(7) }).inputTokensAtMost).toBe(9016);
  });

  test("bounds the tokens by bytes of text, or by the tokens themselves, with no output", () => {
    const bound = (input: JsonObject["input"]) => asked(client, { ...hi, input }).inputTokensAtMost;
    expect(bound("é🌦")).toBe(6 + 16);
    expect(bound(["ab", "c"])).toBe(3 + 32);
    expect(bound([[1, 2], [3]])).toBe(3 + 32);
    const ask = asked(client, { ...hi, user: "u", route: { region: "eu-west" }, dimensions: 3 });
    expect(ask).toMatchObject({
      dialect: "openai-embeddings",
      stream: false,
      maxOutputTokens: 0,
      choices: 1,
      user: "u",
      route: { region: "eu-west" },
      parameters: ["dimensions"],
    });
  });
});

function retargeted(body: JsonObject | string, changes: Partial<Target> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const target = targetOf({ model: "up-1", provider: "openai", ...changes });
  return splice.retarget(encode(text), asked(client, text), target);
}

describe("retarget()", () => {
  test("changes the model, removes the gateway's members, and leaves every other byte", () => {
    const text =
      '{ "input" : ["\\u00e9 🌦", "b"],\n "route":{"region":"eu-west"}, "model":"openai/embed-x" ,"future":{"model":"keep","x":1.0,"n":12345678901234567890},"encoding_format":"base64","models":[],"provider":{} }';
    const { path, body, dropped } = retargeted(text);
    expect(decode(body)).toBe(
      '{ "input" : ["\\u00e9 🌦", "b"], "model":"up-1" ,"future":{"model":"keep","x":1.0,"n":12345678901234567890},"encoding_format":"base64" }',
    );
    expect([path, dropped]).toEqual(["/embeddings", []]);
  });

  test("passes tokens, dimensions and the wished encoding on", () => {
    const members = { input: [[1, 2], [3]], dimensions: 256, encoding_format: "float", user: "u" };
    expect(bodyOf(retargeted({ ...hi, ...members }))).toEqual({ model: "up-1", ...members });
  });

  test("leaves out a null encoding, which some providers refuse", () => {
    expect(bodyOf(retargeted({ ...hi, encoding_format: null }))).toEqual({ ...hi, model: "up-1" });
  });

  test("says it as Mistral and Voyage do, and names what it drops", () => {
    const body = { ...hi, dimensions: 256, user: "u", encoding_format: "float" };
    const mistral = retargeted(body, { provider: "mistral" });
    expect(bodyOf(mistral)).toEqual({
      model: "up-1",
      input: "Hi",
      encoding_format: "float",
      output_dimension: 256,
    });
    expect(mistral.dropped).toEqual(["user"]);
    const voyage = retargeted(body, { provider: "voyage" });
    expect(bodyOf(voyage)).toEqual({ model: "up-1", input: "Hi", output_dimension: 256 });
  });

  test("refuses a provider whose vectors are no float32", () => {
    const error = refusalOf(() => retargeted(hi, { provider: "perplexity" }));
    expect(error.code).toBe("unsupported_feature");
  });
});

function metered(answer: JsonObject | Uint8Array, body: JsonObject = two) {
  const bytes = answer instanceof Uint8Array ? answer : encode(JSON.stringify(answer));
  return splice.meterReply(bytes, asked(client, body));
}
const attached = (answer: JsonObject | Uint8Array, body?: JsonObject) =>
  decode(metered(answer, body).attach(vectorSummary()));

const item = (index: number, embedding: number[] | string) => ({
  object: "embedding",
  index,
  embedding,
});
const answerOf = (...data: JsonObject[]) => ({
  object: "list",
  data,
  model: "up-1",
  usage: { prompt_tokens: 7, total_tokens: 7 },
});
/** 0.5 and -0.25 as float32, little-endian. */
const encoded = "AAAAPwAAgL4=";

describe("meterReply()", () => {
  test("keeps the bytes of the vectors and of every unknown member", async () => {
    const bytes = await fixture("openai-embeddings/reply.json");
    const text = attached(bytes);
    const before = decode(bytes);
    expect(text).toContain(before.slice(before.indexOf('"data"'), before.indexOf('  "model"')));
    expect(text).toContain('"weather": "🌦 \\u00e9"');
    expect(text).toContain('"ratio": 1.0');
    expect(objectOf(text)).toMatchObject({
      object: "list",
      model: "openai/embed-x",
      usage: {
        prompt_tokens: 7,
        total_tokens: 7,
        cost: 0.00007,
        is_byok: false,
        cost_details: { upstream_inference_cost: 0.00007 },
      },
      lowrouter: plainBlock,
    });
    expect(objectOf(text)).not.toHaveProperty("id");
    expect(metered(bytes).usage).toMatchObject({ input: { fresh: 7 }, output: { visible: 0 } });
  });

  test("encodes floats for a client that asked for base64, and the other way round", () => {
    const base64 = { ...two, encoding_format: "base64" };
    const floats = answerOf({ ...item(0, [0.5, -0.25]), later: 1 }, item(1, encoded));
    expect(objectOf(attached(floats, base64)).data).toEqual([
      { ...item(0, encoded), later: 1 },
      item(1, encoded),
    ]);
    expect(objectOf(attached(floats)).data).toEqual([
      { ...item(0, [0.5, -0.25]), later: 1 },
      item(1, [0.5, -0.25]),
    ]);
  });

  test("leaves numbers of a type alone that was asked for in the provider's own words", () => {
    const body = { ...two, output_dtype: "int8" };
    const answer = answerOf(item(0, "AQI="), item(1, "AwQ="));
    expect(objectOf(attached(answer, body)).data).toEqual(answer.data);
  });

  test("puts vectors in the order of the inputs, and numbers them where nothing does", () => {
    const [a, b] = [[1], [2]];
    const shuffled = attached(answerOf(item(1, b), item(0, a)));
    expect(objectOf(shuffled).data).toEqual([item(0, a), item(1, b)]);
    const unnumbered = attached(answerOf({ embedding: a }, { embedding: b }));
    expect(objectOf(unnumbered).data).toEqual([
      { embedding: a, index: 0 },
      { embedding: b, index: 1 },
    ]);
    const alike = attached(answerOf(item(0, a), item(0, b)));
    expect(objectOf(alike).data).toEqual([item(0, a), item(1, b)]);
  });

  test("takes the total for the prompt where only it is told", () => {
    const answer = { ...answerOf(item(0, [1])), usage: { total_tokens: 5 } };
    expect(metered(answer, hi).usage).toMatchObject({ input: { fresh: 5 } });
    expect(objectOf(attached(answer, hi)).usage).toMatchObject({
      prompt_tokens: 5,
      total_tokens: 5,
    });
  });

  test.each([undefined, null, {}, { prompt_tokens: 0, total_tokens: 0 }])(
    "estimates a usage that was not told (%p), marks it, and never says zero",
    (usage) => {
      const answer = { ...answerOf(item(0, [1])), usage };
      const input = "twenty bytes of text";
      expect(metered(answer, { ...hi, input }).usage).toMatchObject({
        input: { fresh: 5 },
        output: { visible: 0, reasoning: 0 },
        estimated: true,
      });
      expect(metered(answer, { ...hi, input: [1, 2, 3] }).usage).toMatchObject({
        input: { fresh: 3 },
      });
      const told = objectOf(attached(answer, { ...hi, input })).usage;
      expect(told).toMatchObject({ prompt_tokens: 5, total_tokens: 5 });
    },
  );

  test("makes an id that the provider adds one that can be looked up", () => {
    const answer = { id: "embd-theirs", ...answerOf(item(0, [1])) };
    expect(metered(answer, hi).id).toBe("embd-theirs");
    expect(objectOf(attached(answer, hi)).id).toBe("embd-1");
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["HTML", "<html>SECRET</html>"],
    ["an array", "[]"],
    ["an error under status 200", '{"error":{"message":"SECRET","type":"server_error"}}'],
    ["no data", '{"object":"list"}'],
    ["too few vectors", JSON.stringify(answerOf(item(0, [1])))],
    ["too many vectors", JSON.stringify(answerOf(item(0, [1]), item(1, [1]), item(2, [1])))],
    ["an empty vector", JSON.stringify(answerOf(item(0, [1]), item(1, [])))],
    ["a null vector", '{"data":[{"embedding":[1]},{"embedding":null}]}'],
    ["a null in a vector", '{"data":[{"embedding":[1]},{"embedding":[1,null]}]}'],
    ["base64 of three bytes", JSON.stringify(answerOf(item(0, [1]), item(1, "AAAA")))],
    ["text that is no base64", JSON.stringify(answerOf(item(0, [1]), item(1, "SECRET!!")))],
    ["base64 of no number", JSON.stringify(answerOf(item(0, [1]), item(1, "AADAfw==")))],
    ["JSON that is cut", JSON.stringify(answerOf(item(0, [1]), item(1, [2]))).slice(0, -5)],
  ])("takes %s for no answer, and quotes nothing of it", (_, text) => {
    const call = () => metered(encode(text));
    expect(call).toThrow(UpstreamStreamError);
    expect(call).not.toThrow("SECRET");
  });
});

describe("the canonical form", () => {
  test("is read with the purpose in any provider's words, and names what only this wire says", () => {
    const ask = asked(client, {
      ...two,
      dimensions: 8,
      user: "u",
      input_type: "query",
      truncate: "END",
      future: null,
    });
    expect(client.readRequest(ask)).toEqual({
      inputs: ["one", "two"],
      dimensions: 8,
      user: "u",
      taskType: "RETRIEVAL_QUERY",
      leftover: ["truncate"],
    });
    const words = ["passage", "search_document", "retrieval_document", "CLUSTERING", "other"];
    const types = words.map((input_type) =>
      client.readRequest(asked(client, { ...hi, input_type })),
    );
    expect(types.map(({ taskType }) => taskType)).toEqual([
      "RETRIEVAL_DOCUMENT",
      "RETRIEVAL_DOCUMENT",
      "RETRIEVAL_DOCUMENT",
      "CLUSTERING",
      undefined,
    ]);
    expect(types.at(-1)?.leftover).toEqual(["input_type"]);
  });

  test("is written for a provider, with the purpose where it takes one", () => {
    const turn = vectorTurn({ dimensions: 4, taskType: "RETRIEVAL_QUERY", user: "u" });
    const openai = upstream.writeRequest(turn, targetOf());
    expect([openai.path, bodyOf(openai), openai.dropped]).toEqual([
      "/embeddings",
      { model: "model-x", input: ["one"], dimensions: 4, user: "u" },
      ["taskType"],
    ]);
    const voyage = upstream.writeRequest(turn, targetOf({ provider: "voyage" }));
    expect([bodyOf(voyage), voyage.dropped]).toEqual([
      { model: "model-x", input: ["one"], output_dimension: 4, input_type: "query" },
      ["user"],
    ]);
  });

  test("holds an answer's vectors in the order of the inputs", () => {
    const answer = encode(JSON.stringify(answerOf(item(1, [2]), item(0, encoded))));
    const reply = upstream.readReply(answer, vectorTurn({ inputs: ["one", "two"] }));
    expect(reply.vectors).toEqual([encoded, [2]]);
    expect(reply.usage).toMatchObject({ input: { fresh: 7 } });
  });
});
