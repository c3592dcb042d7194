import { expect, test } from "bun:test";
import { cohereEmbedUpstream as cohere } from "#src/dialect/embedding/cohere-embed.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import type { TaskType } from "#src/dialect/embedding/embedding.ts";
import { readErrorOf } from "#src/dialect/upstreams.ts";
import { encode } from "#src/lib/bytes.ts";
import { vectorTurn } from "#test/dialect/embedding/embeddings-kit.ts";
import { bodyOf, fixture, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";

const target = targetOf({ model: "embed-v4.0", provider: "cohere" });

test("a request asks for floats and says what the vectors are for", () => {
  const request = cohere.writeRequest(
    vectorTurn({ inputs: ["one", "two"], dimensions: 256 }),
    target,
  );
  expect([request.path, bodyOf(request), request.dropped]).toEqual([
    "/embed",
    {
      model: "embed-v4.0",
      texts: ["one", "two"],
      input_type: "search_document",
      embedding_types: ["float"],
      output_dimension: 256,
    },
    [],
  ]);
});

test.each<[TaskType, string, string[]]>([
  ["RETRIEVAL_QUERY", "search_query", []],
  ["QUESTION_ANSWERING", "search_query", []],
  ["FACT_VERIFICATION", "search_query", []],
  ["CODE_RETRIEVAL_QUERY", "search_query", []],
  ["RETRIEVAL_DOCUMENT", "search_document", []],
  ["CLASSIFICATION", "classification", []],
  ["CLUSTERING", "clustering", []],
  ["SEMANTIC_SIMILARITY", "search_document", ["taskType"]],
])("%s is %s here", (taskType, word, dropped) => {
  const request = cohere.writeRequest(vectorTurn({ taskType }), target);
  expect<unknown[]>([bodyOf(request).input_type, request.dropped]).toEqual([word, dropped]);
});

test("96 texts go out, 97 are refused with the limit, and tokens are refused", () => {
  const texts = (count: number) => vectorTurn({ inputs: Array.from({ length: count }, () => "x") });
  expect(bodyOf(cohere.writeRequest(texts(96), target)).texts).toHaveLength(96);
  const tooMany = refusalOf(() => cohere.writeRequest(texts(97), target));
  expect([tooMany.code, tooMany.status, tooMany.detail.param]).toEqual([
    "unsupported_feature",
    400,
    "input",
  ]);
  expect(tooMany.message).toContain("at most 96");
  const tokens = refusalOf(() => cohere.writeRequest(vectorTurn({ inputs: [[1, 2]] }), target));
  expect([tokens.code, tokens.detail.param]).toEqual(["unsupported_feature", "input"]);
});

test("an answer holds the vectors in order and what was billed", async () => {
  const body = await fixture("cohere-embed/reply.json");
  const reply = cohere.readReply(body, vectorTurn({ inputs: ["one", "two"] }));
  expect(reply).toMatchObject({
    id: "0b0c5a4e-made-up",
    vectors: [
      [0.25, -0.5],
      [0.75, 0.125],
    ],
    usage: { input: { fresh: 5 }, output: { visible: 0 } },
  });
  expect(reply.usage?.raw).toMatchObject({ billed_units: { input_tokens: 5 } });
});

test.each(["", "<html>", "[]", "{}", '{"embeddings":{"int8":[[1],[2]]}}', '{"embeddings":[[1]]}'])(
  "%p is no answer",
  (text) => {
    const call = () => cohere.readReply(encode(text), vectorTurn({ inputs: ["one", "two"] }));
    expect(call).toThrow(UpstreamStreamError);
  },
);

test("fewer vectors than inputs are no answer", async () => {
  const body = await fixture("cohere-embed/reply.json");
  const call = () => cohere.readReply(body, vectorTurn({ inputs: ["one", "two", "three"] }));
  expect(call).toThrow("2 vectors for 3 inputs");
});

test("an error's message is found", async () => {
  const body = await fixture("cohere-embed/error.json");
  expect(readErrorOf("cohere-v2-embed")(404, body).message).toContain("not found");
});
