import { afterAll, expect, test } from "bun:test";
import { post, read, startUpstreams } from "#test/lib/upstream.ts";

const upstreams = startUpstreams();
afterAll(() => upstreams.stop());

const user = (...parts: unknown[]) => ({ role: "user", parts });
const model = (...parts: unknown[]) => ({ role: "model", parts });
const ask = (
  body: Record<string, unknown>,
  call = "gemini-2.5-flash:generateContent",
): Promise<Response> =>
  post(upstreams, "gemini", `/models/${call}`, { contents: [user({ text: "Hi" })], ...body });
const tools = [
  {
    functionDeclarations: [
      {
        name: "weather",
        parameters: {
          type: "OBJECT",
          properties: { city: { type: "STRING" }, days: { type: "INTEGER" } },
          required: ["city"],
        },
      },
    ],
  },
];
const question = user({ text: "The weather" });
const call = { functionCall: { name: "weather", args: { city: "Paris" } } };
const response = { functionResponse: { name: "weather", response: { output: "21 C" } } };

test("a whole answer counts thoughts beside the candidates", async () => {
  const answer = await read(
    ask({ generationConfig: { thinkingConfig: { includeThoughts: true } } }),
  );
  const [candidate] = answer.candidates;
  expect(candidate.finishReason).toBe("STOP");
  expect(candidate.content.parts[0].thought).toBe(true);
  expect(candidate.content.parts[1].text).toStartWith("This is a simulated answer");
  const usage = answer.usageMetadata;
  expect(usage.thoughtsTokenCount).toBeGreaterThan(0);
  expect(usage.totalTokenCount).toBe(
    usage.promptTokenCount + usage.candidatesTokenCount + usage.thoughtsTokenCount,
  );
});

test("a stream ends its lines with CRLF, has no [DONE], and counts cumulatively", async () => {
  const whole = await read(ask({}));
  const streamed = await ask({}, "gemini-2.5-flash:streamGenerateContent?alt=sse");
  const text = await streamed.text();
  expect(text).not.toContain("[DONE]");
  expect(text.replaceAll("\r\n", "")).not.toContain("\n");
  const all = text
    .split("\r\n\r\n")
    .filter(Boolean)
    .map((event) => JSON.parse(event.slice("data: ".length)));
  expect(all.map((one) => one.candidates[0].content.parts[0].text).join("")).toBe(
    whole.candidates[0].content.parts[0].text,
  );
  const counts = all.map((one) => one.usageMetadata.candidatesTokenCount);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(all.at(-1).usageMetadata).toEqual(whole.usageMetadata);
  expect(all.filter((one) => one.candidates[0].finishReason)).toHaveLength(1);
});

test("calls end with STOP, and carry a signature from Gemini 3 on", async () => {
  for (const name of ["gemini-2.5-flash", "gemini-3-flash"]) {
    const answer = await read(ask({ tools, contents: [question] }, `${name}:generateContent`));
    const [candidate] = answer.candidates;
    expect(candidate.finishReason).toBe("STOP");
    expect(candidate.content.parts[0].functionCall).toEqual(call.functionCall);
    const signature = candidate.content.parts[0].thoughtSignature;
    expect(typeof signature).toBe(name === "gemini-3-flash" ? "string" : "undefined");
    const next = [question, model({ ...call, thoughtSignature: signature }), user(response)];
    const second = await read(ask({ tools, contents: next }, `${name}:generateContent`));
    expect(second.candidates[0].content.parts[0].text).toContain("21 C");
  }
});

test("JSON follows the schema, limits and stops end the text", async () => {
  const json = { responseMimeType: "application/json" };
  const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
  const text = async (generationConfig: unknown, contents = [user({ text: "echo: a b c" })]) => {
    const answer = await read(ask({ generationConfig, contents }));
    return [answer.candidates[0].content.parts[0].text, answer.candidates[0].finishReason];
  };
  expect(await text({ ...json, responseJsonSchema: schema })).toEqual(['{"ok":true}', "STOP"]);
  expect(await text({ stopSequences: [" b"] })).toEqual(["a", "STOP"]);
  expect(await text({ maxOutputTokens: 1 })).toEqual(["a b ", "MAX_TOKENS"]);
});

test.each([
  ["contents is not specified", { contents: [] }, "gemini-2.5-flash"],
  ["valid role", { contents: [{ role: "system", parts: [{ text: "x" }] }] }, "gemini-2.5-flash"],
  ["immediately after a function call", { contents: [user(response)] }, "gemini-2.5-flash"],
  ["user turn", { contents: [model(call)] }, "gemini-2.5-flash"],
  [
    "number of function response parts",
    { contents: [question, model(call, call), user(response)] },
    "gemini-2.5-flash",
  ],
  [
    "Struct",
    {
      contents: [
        question,
        model(call),
        user({ functionResponse: { name: "weather", response: "21 C" } }),
      ],
    },
    "gemini-2.5-flash",
  ],
  ["thought_signature", { contents: [question, model(call), user(response)] }, "gemini-3-flash"],
])("refuses with 400: %s", async (reason, body, name) => {
  const refused = await ask(body, `${name}:generateContent`);
  expect(refused.status).toBe(400);
  const { error } = await read(refused);
  expect(error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT" });
  expect(error.message).toContain(reason);
});

test("embeds one and many, and refuses a wrong key in Google's way", async () => {
  const content = { parts: [{ text: "fox" }] };
  const one = await read(
    ask({ content, outputDimensionality: 8 }, "gemini-embedding-001:embedContent"),
  );
  const many = await read(
    ask(
      { requests: [{ content, outputDimensionality: 8 }] },
      "gemini-embedding-001:batchEmbedContents",
    ),
  );
  expect(one.embedding.values).toHaveLength(8);
  expect(many.embeddings).toEqual([one.embedding]);
  const headers = { "x-goog-api-key": "other" };
  const refused = await post(upstreams, "gemini", "/models/x:generateContent", {}, { headers });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain("API_KEY_INVALID");
});
