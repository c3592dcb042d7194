import { afterEach, beforeEach, expect, test } from "bun:test";
import { byteByByte, fixture } from "#test/dialect/upstream-kit.ts";
import {
  at,
  eventsOf,
  listAt,
  refusal,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let received: { path: string; authorization: string | null; body: unknown }[];
let answer: () => Response;
beforeEach(async () => {
  received = [];
  upstream = scriptedUpstream(async (request) => {
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    received.push({ path: pathname, authorization, body: await request.json() });
    return answer();
  });
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => (name === "COHERE_API_KEY" ? "co-key" : undefined);
      config.providers = { cohere: { base_url: upstream.url } };
    },
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

const model = { model: "cohere/command-a-03-2025" };
const json = { "content-type": "application/json" };

test("a chat request reaches Cohere's own wire, and its answer is billed as Cohere bills it", async () => {
  const bytes = await fixture("cohere-v2/reply.json");
  answer = () => new Response(bytes, { headers: json });
  const reply = await gateway.chat({ ...model, max_tokens: 50, top_p: 1 });
  expect(reply.status).toBe(200);
  expect(at(reply.json, "choices.0.message.content")).toBe("Hello!");
  expect(at(reply.json, "usage")).toMatchObject({ prompt_tokens: 5, completion_tokens: 18 });
  expect(received).toEqual([
    {
      path: "/v1/chat",
      authorization: "Bearer co-key",
      body: {
        model: "command-a-03-2025",
        messages: [{ role: "user", content: "Hello" }],
        max_tokens: 50,
        p: 0.99,
        stream: false,
      },
    },
  ]);
  expect(await gateway.rows()).toMatchObject([
    { status: "ok", provider: "cohere", model: "cohere/command-a-03-2025" },
  ]);
});

test("a stream of calls, cut anywhere, becomes the client's events with usage", async () => {
  const bytes = await fixture("cohere-v2/stream-tools.sse");
  answer = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const piece of byteByByte(bytes)) controller.enqueue(piece);
          controller.close();
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { status, text } = await gateway.chat({
    ...model,
    stream: true,
    stream_options: { include_usage: true },
    tools: [{ type: "function", function: { name: "weather" } }],
    tool_choice: "required",
  });
  expect(status).toBe(200);
  expect(at(received[0]?.body, "tool_choice")).toBe("REQUIRED");
  const events = eventsOf(text);
  const calls = events.flatMap((event) => listAt(event, "choices.0.delta.tool_calls"));
  expect(calls.map((call) => at(call, "function.arguments") ?? "").join("")).toBe(
    '{"station": 12345678901234567890}{}',
  );
  expect(events.some((event) => at(event, "choices.0.finish_reason") === "tool_calls")).toBe(true);
  expect(events.some((event) => at(event, "usage.prompt_tokens") === 31)).toBe(true);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ status: "ok", provider: "cohere" }]);
});

test("an ending in ERROR is told as one and quotes nothing", async () => {
  const bytes = await fixture("cohere-v2/stream-error.sse");
  answer = () => new Response(bytes, { headers: { "content-type": "text/event-stream" } });
  const { text } = await gateway.chat({ ...model, stream: true });
  expect(text).toContain("Half an ans");
  expect(eventsOf(text).some((event) => at(event, "error.code") === "upstream_error")).toBe(true);
  expect(text + gateway.logged()).not.toContain("SECRET");
});

test.each([
  [400, [400, "upstream_rejected"]],
  [429, [429, "rate_limit_exceeded"]],
  [498, [502, "upstream_error"]],
  [499, [502, "upstream_error"]],
])("status %i is told in the client's words", async (status, expected) => {
  const body = await fixture("cohere-v2/error.json");
  answer = () => new Response(body, { status, headers: json });
  const [told, code] = refusal(await gateway.chat(model));
  expect([told, code]).toEqual(expected);
});
