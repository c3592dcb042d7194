import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { at, listAt, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * Edges that gateways get wrong, from the client's bytes to the provider's: an answer that was filtered under status 200,
 * more marks for a prompt cache than there may be, and who speaks.
 */

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let answer: (body: JsonObject) => Response;
let sent: JsonObject;
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const body: unknown = await request.json();
    sent = isObject(body) ? body : {};
    return answer(sent);
  });
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => (name.endsWith("_API_KEY") ? "sk-simulated" : undefined);
      const at_ = { base_url: upstream.url, region: "eu-west", country: "FR" };
      const price = { input_per_million: 1000, output_per_million: 2000 };
      config.providers = {
        compatible: { protocol: "openai-chat", ...at_ },
        claude: { protocol: "anthropic-messages", ...at_ },
        gemini: { protocol: "gemini", ...at_ },
        openai: { base_url: upstream.url, region: "eu-west" },
        groq: { base_url: upstream.url, region: "eu-west" },
      };
      config.models = ["compatible", "claude", "gemini", "openai", "groq"].map((provider) => ({
        id: `test/${provider}`,
        provider,
        ...price,
      }));
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});
beforeEach(() => {
  answer = works;
});

function works(body: JsonObject): Response {
  if (body.contents !== undefined)
    return Response.json({
      candidates: [{ finishReason: "STOP", content: { role: "model", parts: [{ text: "Hi" }] } }],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 },
    });
  if (typeof body.model === "string" && body.model.endsWith("claude"))
    return Response.json({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [{ type: "text", text: "Hi" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 9, output_tokens: 4 },
    });
  const message = { role: "assistant", content: "Hi" };
  return Response.json({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  });
}
const sse = (...events: object[]) =>
  new Response(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });

interface Client {
  name: string;
  ask(model: string, stream: boolean): Promise<Reply>;
  /** What tells that the answer was filtered, whole and streamed. */
  isFiltered(reply: Reply): boolean;
}
const hello = [{ role: "user", content: "Hello" }];
const all = ({ json, text }: Reply): unknown[] =>
  json === undefined
    ? text
        .split("\n")
        .flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []))
    : [json];
const clients: Client[] = [
  {
    name: "OpenAI chat",
    ask: (model, stream) => gateway.chat({ model, stream, max_tokens: 50 }),
    isFiltered: (reply) =>
      all(reply).some((one) => at(one, "choices.0.finish_reason") === "content_filter"),
  },
  {
    name: "Responses",
    ask: (model, stream) =>
      gateway.ask("/v1/responses", {
        body: { model, stream, input: "Hello", max_output_tokens: 50 },
      }),
    isFiltered: (reply) =>
      all(reply).some(
        (one) =>
          at(one, "incomplete_details.reason") === "content_filter" ||
          at(one, "response.incomplete_details.reason") === "content_filter",
      ),
  },
  {
    name: "Anthropic Messages",
    ask: (model, stream) =>
      gateway.ask("/v1/messages", { body: { model, stream, messages: hello, max_tokens: 50 } }),
    isFiltered: (reply) =>
      all(reply).some(
        (one) => (at(one, "stop_reason") ?? at(one, "delta.stop_reason")) === "refusal",
      ),
  },
  {
    name: "Gemini",
    ask: (model, stream) =>
      gateway.ask(
        `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
        {
          body: {
            contents: [{ role: "user", parts: [{ text: "Hello" }] }],
            generationConfig: { maxOutputTokens: 50 },
          },
        },
      ),
    isFiltered: (reply) =>
      all(reply).some(
        (one) =>
          at(one, "promptFeedback.blockReason") === "PROHIBITED_CONTENT" ||
          at(one, "candidates.0.finishReason") === "SAFETY",
      ),
  },
];

const blocked = {
  promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
  usageMetadata: { promptTokenCount: 40, totalTokenCount: 40 },
  modelVersion: "m",
  responseId: "r",
};
const filters = { hate: { filtered: true, severity: "high" } };
const filtered = (stream: boolean) => {
  const base = { id: "c", created: 1, model: "m" };
  const usage = { prompt_tokens: 40, completion_tokens: 0, total_tokens: 40 };
  const results = { finish_reason: "content_filter", content_filter_results: filters };
  if (!stream)
    return Response.json({
      ...base,
      object: "chat.completion",
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: filters }],
      choices: [{ index: 0, message: { role: "assistant", content: "" }, ...results }],
      usage,
    });
  const object = "chat.completion.chunk";
  return sse(
    { ...base, object, choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
    { ...base, object, choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] },
    { ...base, object, choices: [{ index: 0, delta: {}, ...results }] },
    { ...base, object, choices: [], usage },
  );
};

describe.each(clients.map((client) => [client.name, client] as const))(
  "an answer that was filtered under status 200, told to %s",
  (_, client) => {
    test.each([
      ["gemini", false],
      ["gemini", true],
      ["compatible", false],
      ["compatible", true],
    ])(
      "of %s, streamed: %p: is an empty choice, says why, and its prompt is charged",
      async (wire, stream) => {
        answer = () =>
          wire === "gemini" ? (stream ? sse(blocked) : Response.json(blocked)) : filtered(stream);
        const before = await gateway.balance();
        const reply = await client.ask(`test/${wire}`, stream);
        expect(reply.status).toBe(200);
        expect(client.isFiltered(reply)).toBe(true);
        expect(reply.text).not.toContain('"error":{');
        await gateway.until(() => true);
        // 40 tokens at 1,000 USD per million, in billionths.
        expect(before - (await gateway.balance())).toBe(40_000_000);
        expect((await gateway.rows()).at(-1)).toMatchObject({ status: "ok", cost: 40_000_000 });
      },
    );
  },
);

describe("marks for a prompt cache", () => {
  const mark = { cache_control: { type: "ephemeral" } };
  const marked = (text: string) => ({ type: "text", text, ...mark });
  /** Texts of a body that are marked, in order. */
  const markedIn = (body: JsonObject) =>
    [...JSON.stringify(body).matchAll(/"text":"([^"]*)","cache_control"/g)].map(([, text]) => text);
  const many = {
    max_tokens: 50,
    messages: [
      { role: "system", content: [marked("one")] },
      { role: "user", content: [marked("two"), marked(""), marked("three")] },
      { role: "assistant", content: "Yes" },
      { role: "user", content: [marked("four"), marked("five")] },
    ],
  };

  test("of more than four the last four reach a provider of the wire, and none stands on what is empty", async () => {
    const reply = await gateway.chat({ model: "test/claude", ...many });
    expect(reply.status).toBe(200);
    expect(markedIn(sent)).toEqual(["two", "three", "four", "five"]);
    expect(JSON.stringify(sent)).not.toContain('"text":""');
  });

  test.each(["groq", "gemini"])(
    "are left out for %s, which has none, without a word",
    async (name) => {
      const reply = await gateway.chat({ model: `test/${name}`, ...many });
      expect(reply.status).toBe(200);
      expect(JSON.stringify(sent)).not.toContain("cache_control");
      expect(reply.headers.get("x-lowrouter-dropped")).toBeNull();
    },
  );

  test("of an Anthropic client stand on no thinking, and not on what is left out", async () => {
    const thinking = { type: "thinking", thinking: "Hm", signature: "c2ln", ...mark };
    const reply = await gateway.ask("/v1/messages", {
      body: {
        model: "test/groq",
        max_tokens: 50,
        system: [marked("S")],
        messages: [
          ...hello,
          { role: "assistant", content: [thinking, marked("Yes")] },
          { role: "user", content: [marked("So?")] },
        ],
      },
    });
    expect(reply.status).toBe(200);
    expect(JSON.stringify(sent)).not.toContain("cache_control");
    expect(reply.headers.get("x-lowrouter-dropped")).toBeNull();
  });
});

describe("who speaks", () => {
  const messages = [
    { role: "developer", content: "Be brief" },
    { role: "user", name: "ada", content: "Hello" },
  ];
  const rolesIn = (body: JsonObject) => listAt(body, "messages").map((one) => at(one, "role"));

  test("is a developer at OpenAI, and is named there", async () => {
    await gateway.chat({ model: "test/openai", messages });
    expect(listAt(sent, "messages")).toEqual(messages);
  });

  test("is the system at a server that is only compatible", async () => {
    const reply = await gateway.chat({ model: "test/compatible", messages });
    expect(rolesIn(sent)).toEqual(["system", "user"]);
    expect(at(sent, "messages.1.name")).toBe("ada");
    expect(reply.headers.get("x-lowrouter-dropped")).toBeNull();
  });

  test("has no name at Groq, which refuses it, and that is said", async () => {
    const reply = await gateway.chat({ model: "test/groq", messages });
    expect(rolesIn(sent)).toEqual(["system", "user"]);
    expect(JSON.stringify(sent)).not.toContain("ada");
    expect(reply.headers.get("x-lowrouter-dropped")).toContain("name");
  });

  test.each(["claude", "gemini"])(
    "has no name at %s, and the developer is its system",
    async (name) => {
      const reply = await gateway.chat({ model: `test/${name}`, messages, max_tokens: 50 });
      expect(reply.status).toBe(200);
      expect(JSON.stringify(sent)).not.toContain("ada");
      expect(JSON.stringify(sent.system ?? sent.systemInstruction)).toContain("Be brief");
      expect(JSON.stringify(sent.messages ?? sent.contents)).not.toContain("Be brief");
      expect(reply.headers.get("x-lowrouter-dropped")).toContain("name");
    },
  );
});
