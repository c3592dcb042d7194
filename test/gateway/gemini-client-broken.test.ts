import { afterEach, beforeEach, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(() => gateway.close());

const google = "gemini-2.5-flash";
const paths = { generate: "generateContent", stream: "streamGenerateContent" };
const path = (model: string, verb: string, query = "") => `/v1beta/models/${model}:${verb}${query}`;
const hi = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };

test.each([
  [google, "?alt=sse"],
  [google, ""],
  ["openai/gpt-4o-mini", "?alt=sse"],
  ["openai/gpt-4o-mini", ""],
])("%s%s: a stream that breaks ends with an error that the client sees", async (model, query) => {
  for (const place of Object.values(gateway.places.all)) place.behave({ fault: "error_event" });
  const { status, text } = await gateway.ask(path(model, paths.stream, query), { body: hi });
  expect(status).toBe(200);
  const events =
    query === ""
      ? JSON.parse(text)
      : text
          .split("\r\n\r\n")
          .filter((event) => event !== "")
          .map((event) => JSON.parse(event.slice("data: ".length)));
  const last = events.at(-1);
  expect(last).toMatchObject({ error: { code: 502, status: "UNAVAILABLE" } });
  expect(last.lowrouter).not.toHaveProperty("eco");
  expect(events.length).toBeGreaterThan(1);
});

test("the official client throws when a stream breaks", async () => {
  gateway.places.all.google.behave({ fault: "cut_mid_stream" });
  const ai = new GoogleGenAI({
    apiKey: gateway.key,
    httpOptions: { baseUrl: gateway.url, apiVersion: "v1beta" },
  });
  const stream = await ai.models.generateContentStream({ model: google, contents: "Hello" });
  const heard = async () => {
    for await (const chunk of stream) expect(chunk.candidates).toBeArray();
  };
  await expect(heard()).rejects.toThrow("UNAVAILABLE");
});

test.each(["?alt=sse", ""])("hanging up%s stops the upstream and is recorded", async (query) => {
  gateway.places.all.google.behave({ perTokenMs: 50, answerTokens: 200 });
  const { aborted } = gateway.places.all.google.stats;
  const before = (await gateway.rows()).length;
  const leave = new AbortController();
  const response = await gateway.post(path(google, paths.stream, query), hi, {
    signal: leave.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  leave.abort();
  await gateway.until(async () => (await gateway.rows()).length > before);
  expect((await gateway.rows()).at(-1)?.status).toBe("client_cancelled");
  expect(gateway.places.all.google.stats.aborted).toBe(aborted + 1);
  expect(await gateway.imbalances()).toBe(0);
});

test("a model that fails is followed by the next one, whatever its wire", async () => {
  gateway.places.all.google.behave({ status: 503 });
  const body = { ...hi, models: ["openai/gpt-4o-mini"] };
  const reply = await gateway.ask(path(google, paths.generate), { body });
  expect([reply.status, at(reply.json, "modelVersion")]).toEqual([200, "openai/gpt-4o-mini"]);
});

test("tokens are estimated when the upstream cannot count them", async () => {
  gateway.places.all.google.behave({ status: 503 });
  const estimated = await gateway.ask(path(google, "countTokens"), { body: hi });
  expect(at(estimated.json, "totalTokens")).toBeNumber();
});
