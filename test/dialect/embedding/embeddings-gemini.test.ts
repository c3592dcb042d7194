import { describe, expect, test } from "bun:test";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import {
  geminiEmbedClient,
  geminiEmbedSplice,
  geminiEmbedUpstream as gemini,
} from "#src/dialect/embedding/gemini-embed.ts";
import type { EmbedVerb } from "#src/dialect/embedding/gemini-embed-request.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import {
  asked,
  objectOf,
  plainBlock,
  vectorSummary,
  vectorTurn,
} from "#test/dialect/embedding/embeddings-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { bodyOf, fixture, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";

const target = targetOf({ model: "gemini-embedding-001", provider: "google" });
const urlOf = (verb: string) =>
  `http://gateway/v1beta/models/google/gemini-embedding-001:${verb}?key=k`;
const ask = (verb: EmbedVerb, body: JsonObject | string) =>
  asked(geminiEmbedClient(verb), body, urlOf(verb));
const say = (text: string) => ({ content: { parts: [{ text }] } });

describe("as a client", () => {
  test("the model stands in the path, and the bound is the bytes of the texts", () => {
    const single = ask("embedContent", { model: "models/other", ...say("é") });
    expect(single).toMatchObject({
      model: "google/gemini-embedding-001",
      dialect: "gemini-embed",
      kind: "embedding",
      stream: false,
      maxOutputTokens: 0,
      inputTokensAtMost: 2 + 16,
    });
    const batch = ask("batchEmbedContents", { requests: [say("ab"), say("c")] });
    expect(batch.inputTokensAtMost).toBe(3 + 32);
  });

  test.each<[EmbedVerb, JsonObject, string, string]>([
    ["embedContent", {}, "missing_field", "content"],
    ["embedContent", { content: "SECRET" }, "invalid_value", "content"],
    ["embedContent", { content: { parts: [] } }, "invalid_value", "content"],
    ["embedContent", { content: { parts: ["SECRET"] } }, "invalid_value", "content.parts[0]"],
    [
      "embedContent",
      { content: { parts: [{ text: 5 }] } },
      "invalid_value",
      "content.parts[0].text",
    ],
    ["embedContent", say(""), "invalid_value", "content"],
    [
      "embedContent",
      { content: { parts: [{ text: "a" }, { inlineData: {} }] } },
      "unsupported_feature",
      "content.parts[1]",
    ],
    ["embedContent", { ...say("a"), taskType: 1 }, "invalid_value", "taskType"],
    [
      "embedContent",
      { ...say("a"), output_dimensionality: 0 },
      "invalid_value",
      "output_dimensionality",
    ],
    ["batchEmbedContents", {}, "missing_field", "requests"],
    ["batchEmbedContents", { requests: [] }, "invalid_value", "requests"],
    ["batchEmbedContents", { requests: ["SECRET"] }, "invalid_value", "requests[0]"],
    ["batchEmbedContents", { requests: [say("a"), {}] }, "missing_field", "requests[1].content"],
    [
      "batchEmbedContents",
      { requests: [say("a"), { ...say("b"), outputDimensionality: 1.5 }] },
      "invalid_value",
      "requests[1].outputDimensionality",
    ],
  ])("%s refuses %j", (verb, body, code, param) => {
    const error = refusalOf(() => ask(verb, body));
    expect<unknown[]>([error.code, error.detail.param]).toEqual([code, param]);
    expect(error.message).not.toContain("SECRET");
  });

  test("is read in both ways of writing names, and names what only this wire says", () => {
    const read = (verb: EmbedVerb, body: JsonObject) =>
      geminiEmbedClient(verb).readRequest(ask(verb, body));
    const members = { task_type: "RETRIEVAL_QUERY", output_dimensionality: 8, title: "T" };
    expect(read("embedContent", { ...say("a"), ...members })).toEqual({
      inputs: ["a"],
      dimensions: 8,
      taskType: "RETRIEVAL_QUERY",
      user: undefined,
      leftover: ["title"],
    });
    const parts = { content: { parts: [{ text: "a" }, { text: "b" }] } };
    const requests = [parts, say("c")].map((one) => ({ ...one, taskType: "NEW_ONE" }));
    expect(read("batchEmbedContents", { requests })).toMatchObject({
      inputs: ["ab", "c"],
      taskType: undefined,
      leftover: ["taskType"],
    });
  });

  test.each(["taskType", "outputDimensionality"])(
    "a batch of several values of %s is refused where another wire serves it",
    (name) => {
      const value: Json = name === "taskType" ? "CLUSTERING" : 8;
      const requests = [say("a"), { ...say("b"), [name]: value }];
      const verb = "batchEmbedContents";
      const asked = ask(verb, { requests });
      const error = refusalOf(() => geminiEmbedClient(verb).readRequest(asked));
      expect(error.code).toBe("unsupported_feature");
      expect(error.message).toContain(name);
    },
  );

  test("answers hold values and the block; base64 of another wire is decoded", () => {
    const write = (verb: EmbedVerb, vectors: (number[] | string)[]) => {
      const body = verb === "embedContent" ? say("a") : { requests: [say("a"), say("b")] };
      const reply = { vectors, usage: undefined };
      return objectOf(
        decode(geminiEmbedClient(verb).writeReply(reply, ask(verb, body), vectorSummary())),
      );
    };
    expect(write("embedContent", ["AAAAPwAAgL4="])).toMatchObject({
      embedding: { values: [0.5, -0.25] },
      lowrouter: plainBlock,
    });
    expect(write("batchEmbedContents", [[1], [2]])).toMatchObject({
      embeddings: [{ values: [1] }, { values: [2] }],
      lowrouter: plainBlock,
    });
  });
});

describe("on both sides", () => {
  const retargeted = (verb: EmbedVerb, text: string) => {
    const request = geminiEmbedSplice(verb).retarget(encode(text), ask(verb, text), target);
    return [request.path, decode(request.body)];
  };

  test("a single request keeps every byte but the model and the gateway's members", () => {
    const text =
      '{ "content":{"parts":[ {"text":"\\u00e9 🌦"} ]}, "route":{"region":"eu-west"},"model" : "models/x","later":1.0 }';
    expect(retargeted("embedContent", text)).toEqual([
      "/models/gemini-embedding-001:embedContent",
      '{ "content":{"parts":[ {"text":"\\u00e9 🌦"} ]},"model" : "models/gemini-embedding-001","later":1.0 }',
    ]);
  });

  test("a batch has the model put into each of its requests", () => {
    const text =
      '{"requests":[ {"content":{"parts":[{"text":"a"}]}} , {"model":"models/x","content":{"parts":[{"text":"b"}]},"title":"T"}], "user":"u"}';
    expect(retargeted("batchEmbedContents", text)).toEqual([
      "/models/gemini-embedding-001:batchEmbedContents",
      '{"requests":[ {"content":{"parts":[{"text":"a"}]},"model":"models/gemini-embedding-001"} , {"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"title":"T"}]}',
    ]);
  });

  test("an answer keeps its bytes; its usage is read or estimated, never zero", async () => {
    const single = await fixture("gemini-embed/single.json");
    const splice = geminiEmbedSplice("embedContent");
    const reply = splice.meterReply(single, ask("embedContent", say("eight by")));
    expect(reply.usage).toMatchObject({ input: { fresh: 2 }, estimated: true });
    const before = decode(single).trimEnd().slice(0, -2);
    const after = decode(reply.attach(vectorSummary())).trimEnd();
    expect(after).toStartWith(before);
    expect(objectOf(after)).toMatchObject({ lowrouter: plainBlock });

    const requests = [say("a"), say("b")];
    const batch = geminiEmbedSplice("batchEmbedContents").meterReply(
      await fixture("gemini-embed/batch.json"),
      ask("batchEmbedContents", { requests }),
    );
    expect(batch.usage).toEqual({
      input: { fresh: 9, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 0, reasoning: 0 },
      raw: { promptTokenCount: 9 },
    });
  });
});

describe("as a provider", () => {
  test("one input goes to embedContent, several to batchEmbedContents", () => {
    const one = gemini.writeRequest(
      vectorTurn({ taskType: "CLUSTERING", dimensions: 8, user: "u" }),
      target,
    );
    const request = { model: "models/gemini-embedding-001", taskType: "CLUSTERING" };
    expect([one.path, bodyOf(one), one.dropped]).toEqual([
      "/models/gemini-embedding-001:embedContent",
      { ...request, ...say("one"), outputDimensionality: 8 },
      ["user"],
    ]);
    const two = gemini.writeRequest(vectorTurn({ inputs: ["one", "two"] }), target);
    expect([two.path, bodyOf(two)]).toEqual([
      "/models/gemini-embedding-001:batchEmbedContents",
      {
        requests: ["one", "two"].map((text) => ({
          model: "models/gemini-embedding-001",
          ...say(text),
        })),
      },
    ]);
  });

  test("100 inputs go out, 101 are refused with the limit, and tokens are refused", () => {
    const texts = (count: number) =>
      vectorTurn({ inputs: Array.from({ length: count }, () => "x") });
    expect(bodyOf(gemini.writeRequest(texts(100), target)).requests).toHaveLength(100);
    const error = refusalOf(() => gemini.writeRequest(texts(101), target));
    expect([error.code, error.detail.metadata]).toEqual(["unsupported_feature", { limit: 100 }]);
    const tokens = refusalOf(() => gemini.writeRequest(vectorTurn({ inputs: [[1]] }), target));
    expect(tokens.code).toBe("unsupported_feature");
    const verb = "batchEmbedContents";
    const body = { requests: Array.from({ length: 101 }, () => say("x")) };
    const bytes = encode(JSON.stringify(body));
    const same = refusalOf(() => geminiEmbedSplice(verb).retarget(bytes, ask(verb, body), target));
    expect(same.code).toBe("unsupported_feature");
  });

  test("vectors are normalised where dimensions were asked for, and only there", async () => {
    const body = await fixture("gemini-embed/single.json");
    expect(gemini.readReply(body, vectorTurn()).vectors).toEqual([[3, 4]]);
    expect(gemini.readReply(body, vectorTurn({ dimensions: 2 })).vectors).toEqual([[0.6, 0.8]]);
    const batch = await fixture("gemini-embed/batch.json");
    const turn = vectorTurn({ inputs: ["a", "b"], dimensions: 2 });
    expect(gemini.readReply(batch, turn)).toMatchObject({
      vectors: [
        [0.6, 0.8],
        [0, -1],
      ],
      usage: { input: { fresh: 9 } },
    });
  });

  test.each(["", "[]", "{}", '{"embedding":{}}', '{"embeddings":[{"values":[]}]}', "<html>"])(
    "%p is no answer",
    (text) => {
      expect(() => gemini.readReply(encode(text), vectorTurn())).toThrow(UpstreamStreamError);
    },
  );

  test("an error under status 200 is told by its kind, not its words", () => {
    const body = encode('{"error":{"code":500,"message":"SECRET","status":"INTERNAL"}}');
    const call = () => gemini.readReply(body, vectorTurn());
    expect(call).toThrow("INTERNAL");
    expect(call).not.toThrow("SECRET");
  });
});
