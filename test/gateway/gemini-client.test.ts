import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import {
  ApiError,
  type FunctionDeclaration,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
  Type,
} from "@google/genai";
import { decode } from "#src/lib/bytes.ts";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
/** The official client, of the gateway and of the simulated upstream itself. */
let ai: GoogleGenAI;
let direct: GoogleGenAI;
beforeAll(async () => {
  gateway = await startGateway();
  ai = clientOf(gateway.url, gateway.key);
  direct = clientOf(gateway.places.all.google.url.replace(/\/v1beta$/, ""), "any");
});
afterEach(() => {
  for (const place of Object.values(gateway.places.all)) place.behave();
});
afterAll(() => gateway.close());

function clientOf(baseUrl: string, apiKey: string): GoogleGenAI {
  return new GoogleGenAI({
    apiKey,
    httpOptions: { baseUrl, apiVersion: "v1beta", retryOptions: { attempts: 1 } },
  });
}

const google = "gemini-2.5-flash";
const signing = "google/gemini-3-flash-preview";
const foreign = ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4.5"];
const paths = { generate: "generateContent", stream: "streamGenerateContent" };
const path = (model: string, verb: string, query = "") => `/v1beta/models/${model}:${verb}${query}`;
const hi = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };

/** What an answer says, without ids and what caching changes. */
function saidBy({ candidates, usageMetadata }: GenerateContentResponse) {
  const { candidatesTokenCount, totalTokenCount } = usageMetadata ?? {};
  return { candidates, candidatesTokenCount, totalTokenCount };
}

async function assembled(stream: AsyncIterable<GenerateContentResponse>) {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: GenerateContentResponse[]) => chunks.map(({ text }) => text ?? "").join("");

test("the official client gets of a Gemini upstream what the upstream said", async () => {
  const question = { model: google, contents: "Tell me of CO₂ in Zürich" };
  const [answer, original] = [
    await ai.models.generateContent(question),
    await direct.models.generateContent(question),
  ];
  expect(saidBy(answer)).toEqual(saidBy(original));
  expect(answer.text).toBe(original.text ?? "");
  expect(answer.modelVersion).toBe("google/gemini-2.5-flash");
  expect(`gen_${answer.responseId}`).toBe(
    answer.sdkHttpResponse?.headers?.["x-lowrouter-generation-id"] ?? "",
  );
});

test("the official client gets of a Gemini upstream the stream that it sent", async () => {
  const question = { model: google, contents: "Tell me of CO₂ in Zürich, streamed" };
  const chunks = await assembled(await ai.models.generateContentStream(question));
  const original = await assembled(await direct.models.generateContentStream(question));
  expect(chunks.map(saidBy)).toEqual(original.map(saidBy));
  expect(new Set(chunks.map(({ responseId }) => responseId)).size).toBe(1);
});

test.each(foreign)("%s answers the official client, whole and streamed alike", async (model) => {
  const question = { model, contents: "Say something about Zürich" };
  const answer = await ai.models.generateContent(question);
  const chunks = await assembled(await ai.models.generateContentStream(question));
  expect(answer.text).toContain("Zürich");
  expect(textOf(chunks)).toBe(answer.text ?? "");
  const last = chunks.at(-1);
  expect(last?.candidates?.[0]?.finishReason).toBe(answer.candidates?.[0]?.finishReason);
  expect<unknown>(last?.candidates?.[0]?.finishReason).toBe("STOP");
  expect(last?.usageMetadata?.candidatesTokenCount).toBe(
    answer.usageMetadata?.candidatesTokenCount ?? -1,
  );
  expect(answer.modelVersion).toBe(model);
});

test.each([google, ...foreign])(
  "%s: the block is on the answer and on the last event",
  async (model) => {
    const whole = await gateway.ask(path(model, paths.generate), { body: hi });
    const expected = {
      generation_id: expect.any(String),
      provider: expect.any(String),
      eco: expect.any(Object),
    };
    expect(at(whole.json, "lowrouter")).toMatchObject(expected);
    const { text, headers } = await gateway.ask(path(model, paths.stream, "?alt=sse"), {
      body: hi,
    });
    expect(headers.get("content-type")).toStartWith("text/event-stream");
    const events = text.split("\r\n\r\n").filter((event) => event !== "");
    expect(at(JSON.parse(events.at(-1)?.slice("data: ".length) ?? ""), "lowrouter")).toMatchObject(
      expected,
    );
    for (const event of events.slice(0, -1)) expect(event).not.toContain("lowrouter");
  },
);

const weather: FunctionDeclaration = {
  name: "weather",
  description: "The weather of a place",
  parameters: {
    type: Type.OBJECT,
    properties: { city: { type: Type.STRING } },
    required: ["city"],
  },
};
const clock: FunctionDeclaration = { name: "clock" };
const config = { tools: [{ functionDeclarations: [weather, clock] }] };

const callsOf = (chunks: GenerateContentResponse[]) =>
  chunks.flatMap(({ functionCalls }) => functionCalls ?? []);
const answersTo = (chunks: GenerateContentResponse[]): Part[] =>
  callsOf(chunks).map(({ id, name }) => ({
    functionResponse: {
      ...(id ? { id } : {}),
      ...(name ? { name } : {}),
      response: { output: `${name}: 21` },
    },
  }));

test.each(
  [google, signing, ...foreign].flatMap((model) => [
    [model, "whole"],
    [model, "streamed"],
  ]),
)("a chat with %s calls functions over two turns, %s", async (model = "", how) => {
  const chat = ai.chats.create({ model, config });
  const send = async (message: string | Part[]) =>
    how === "whole"
      ? [await chat.sendMessage({ message })]
      : assembled(await chat.sendMessageStream({ message }));
  for (const question of ["Use two tools for the weather", "And two tools again"]) {
    const asked = await send(question);
    expect(callsOf(asked).map(({ name }) => name)).toEqual(["weather", "clock"]);
    expect(callsOf(asked)[0]?.args).toHaveProperty("city");
    const answered = await send(answersTo(asked));
    expect(textOf(answered)).toContain("weather: 21");
    expect(textOf(answered)).toContain("clock: 21");
  }
});

test("thought signatures of a Gemini upstream come back to it unchanged", async () => {
  const chat = ai.chats.create({ model: signing, config });
  const asked = await chat.sendMessage({ message: "Use a tool for the weather" });
  const [part] = asked.candidates?.[0]?.content?.parts ?? [];
  expect(part?.thoughtSignature).toBeString();
  await chat.sendMessage({ message: answersTo([asked]) });
  const { lastBody } = gateway.places.all.google.stats;
  expect(decode(lastBody ?? new Uint8Array())).toContain(
    `"thoughtSignature":"${part?.thoughtSignature}"`,
  );
});

test("a conversation that another model began goes on at a model that checks signatures", async () => {
  const first = await ai.models.generateContent({
    model: "openai/gpt-4o-mini",
    contents: "Use a tool for the weather",
    config,
  });
  const said = first.candidates?.[0]?.content ?? {};
  const answer = await ai.models.generateContent({
    model: signing,
    contents: [
      { role: "user", parts: [{ text: "Use a tool for the weather" }] },
      said,
      { role: "user", parts: answersTo([first]) },
    ],
    config,
  });
  expect(answer.text).toContain("weather: 21");
});

test.each([google, ...foreign])("%s follows a schema of Google's subset", async (model) => {
  const { text } = await ai.models.generateContent({
    model,
    contents: "Where is the Jet d'Eau?",
    config: {
      responseMimeType: "application/json",
      responseSchema: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } },
    },
  });
  expect(JSON.parse(text ?? "")).toHaveProperty("city");
});

test("tokens are counted by a Gemini upstream, and by ourselves for others", async () => {
  const contents = "How many tokens are these?";
  const counted = await direct.models.countTokens({ model: google, contents });
  expect((await ai.models.countTokens({ model: google, contents })).totalTokens).toBe(
    counted.totalTokens ?? -1,
  );
  const before = (await gateway.rows()).length;
  const estimated = await ai.models.countTokens({ model: "openai/gpt-4o-mini", contents });
  expect(estimated.totalTokens).toBeGreaterThan(5);
  expect((await gateway.rows()).length).toBe(before);
});

test("a count is refused without contents, and its upstream's refusal is told", async () => {
  const empty = await gateway.ask(path(google, "countTokens"), { body: {} });
  expect([empty.status, at(empty.json, "error.status")]).toEqual([400, "INVALID_ARGUMENT"]);
  const body = { contents: [{ role: "user", parts: [] }] };
  const refused = await gateway.ask(path(google, "countTokens"), { body });
  expect([refused.status, at(refused.json, "error.status")]).toEqual([400, "INVALID_ARGUMENT"]);
});

test("models are listed in Google's shape, page by page", async () => {
  const all = await gateway.ask("/v1beta/models");
  const names = listAt(all.json, "models").map((model) => at(model, "name"));
  expect(names).toContain("models/google/gemini-2.5-flash");
  expect(names).toContain("models/openai/gpt-4o-mini");
  expect(names).not.toContain("models/google/gemini-embedding-001");
  const paged: unknown[] = [];
  for await (const model of await ai.models.list({ config: { pageSize: 7 } }))
    paged.push(model.name);
  expect(paged).toEqual(names);
  const model = await ai.models.get({ model: google });
  expect(model).toMatchObject({
    name: "models/google/gemini-2.5-flash",
    displayName: expect.any(String),
    inputTokenLimit: 1_048_576,
    supportedActions: ["generateContent", "streamGenerateContent", "countTokens"],
  });
  for (const query of ["?pageSize=x", "?pageToken=none"])
    expect((await gateway.ask(`/v1beta/models${query}`)).status).toBe(400);
});

test("a key sees the models that it may use, and no other", async () => {
  const key = await gateway.mint({ allowedModels: ["gemini-2.5-flash"] });
  const list = await gateway.ask("/v1beta/models", { key });
  expect(listAt(list.json, "models").map((model) => at(model, "name"))).toEqual([
    "models/google/gemini-2.5-flash",
  ]);
  const hidden = await gateway.ask("/v1beta/models/openai/gpt-4o-mini", { key });
  expect([hidden.status, at(hidden.json, "error.status")]).toEqual([404, "NOT_FOUND"]);
  const provider = await gateway.mint({ allowedProviders: ["anthropic"] });
  const theirs = await gateway.ask("/v1beta/models", { key: provider });
  expect(listAt(theirs.json, "models").length).toBeGreaterThan(0);
  expect(theirs.text).not.toContain("gpt-4o-mini");
});

test.each([
  ["x-goog-api-key", ""],
  ["query", "?key="],
])("the key is taken from %s", async (carrier, query) => {
  const { key } = gateway;
  const request = carrier === "query" ? {} : { headers: { "x-goog-api-key": key } };
  const url = path(google, paths.generate, query === "" ? "" : query + key);
  const reply = await gateway.ask(url, { key: null, body: hi, ...request });
  expect(reply.status).toBe(200);
  const { lastPath, lastHeaders } = gateway.places.all.google.stats;
  expect(JSON.stringify([lastPath, lastHeaders])).not.toContain(key);
});

test.each<[string, string, number, string]>([
  ["an unknown model", path("no-such-model", paths.generate), 404, "NOT_FOUND"],
  ["an unknown verb", path(google, "predict"), 404, "NOT_FOUND"],
  ["no verb", `/v1beta/models/${google}`, 404, "NOT_FOUND"],
  ["the list", "/v1beta/models", 405, "UNIMPLEMENTED"],
  ["a broken path", "/v1beta/models/%E0%A4%A:generateContent", 404, "NOT_FOUND"],
])("%s is refused in Google's envelope", async (_, url, code, status) => {
  const reply = await gateway.ask(url, { body: hi });
  expect(reply.status).toBe(code);
  expect(reply.json).toMatchObject({ error: { code, status, message: expect.any(String) } });
});

test("the official client tells a refusal with its status", async () => {
  const refused = async (client: GoogleGenAI, model: string) => {
    try {
      await client.models.generateContent({ model, contents: "Hello" });
    } catch (thrown) {
      if (thrown instanceof ApiError) return thrown;
      throw thrown;
    }
    throw new Error("nothing was refused");
  };
  const unknown = await refused(ai, "no-such-model");
  expect(unknown.status).toBe(404);
  expect(unknown.message).toContain("NOT_FOUND");
  expect((await refused(clientOf(gateway.url, "lr_live_wrong"), google)).status).toBe(401);
  expect((await refused(clientOf(gateway.url, gateway.managementKey), google)).status).toBe(403);
});

test("a tool that runs at Google reaches Google, and is refused elsewhere", async () => {
  const body = { ...hi, tools: [{ googleSearch: {} }] };
  const own = await gateway.ask(path(google, paths.generate), { body });
  expect(own.status).toBe(200);
  expect(decode(gateway.places.all.google.stats.lastBody ?? new Uint8Array())).toContain(
    "googleSearch",
  );
  const other = await gateway.ask(path("openai/gpt-4o-mini", paths.generate), { body });
  expect([other.status, at(other.json, "error.details.0.reason")]).toEqual([
    400,
    "UNSUPPORTED_FEATURE",
  ]);
});

test("what another wire could not say is named in a header", async () => {
  const body = { ...hi, safetySettings: [{ category: "X", threshold: "OFF" }] };
  const reply = await gateway.ask(path("openai/gpt-4o-mini", paths.generate), { body });
  expect([reply.status, reply.headers.get("x-lowrouter-dropped")]).toEqual([200, "safetySettings"]);
});

test.each([google, ...foreign])("%s: without alt=sse a stream is one JSON array", async (model) => {
  const reply = await gateway.ask(path(model, paths.stream), { body: hi });
  expect(reply.headers.get("content-type")).toStartWith("application/json");
  expect(reply.headers.get("x-lowrouter-provider")).toBeString();
  const chunks = Array.isArray(reply.json) ? reply.json : [];
  expect(chunks.length).toBeGreaterThan(2);
  expect(at(chunks.at(-1), "candidates.0.finishReason")).toBe("STOP");
  expect(at(chunks.at(-1), "lowrouter.provider")).toBeString();
  const refused = await gateway.ask(path("no-such-model", paths.stream), { body: hi });
  expect([refused.status, at(refused.json, "error.code")]).toEqual([404, 404]);
});

test("what is streamed as an array comes in pieces", async () => {
  gateway.places.all.google.behave({ perTokenMs: 20, answerTokens: 20 });
  const response = await gateway.post(path(google, paths.stream), hi);
  const pieces: string[] = [];
  for await (const piece of response.body ?? []) pieces.push(new TextDecoder().decode(piece));
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces[0]).toStartWith('[{"candidates"');
  expect(JSON.parse(pieces.join(""))).toBeArray();
});

test("unknown members and large numbers pass through a Gemini upstream untouched", async () => {
  gateway.places.all.google.behave({ unknownMembers: true });
  const unknown = '"unknown_number":12345678901234567890,"unknown":{"nested":[1.50,{"b":1e400}]}';
  const whole = await gateway.ask(path(google, paths.generate), { body: hi });
  expect(whole.text).toContain(unknown);
  const streamed = await gateway.ask(path(google, paths.stream, "?alt=sse"), { body: hi });
  const events = streamed.text.split("\r\n\r\n").filter((event) => event !== "");
  for (const event of events) expect(event).toContain(unknown);
});

test("vectors are asked for at the same address", async () => {
  const { embeddings } = await ai.models.embedContent({
    model: "gemini-embedding-001",
    contents: ["one", "two"],
  });
  expect(embeddings?.map(({ values }) => values?.length)).toEqual([3072, 3072]);
});
