import { afterEach, beforeEach, expect, test } from "bun:test";
import OpenAI, { BadRequestError } from "openai";
import type { ProviderConfig } from "#src/config/schema.ts";
import { base64Of } from "#test/bench/pictures.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let received: { path: string; key: string | null; body: string }[];
let answer: () => Response;
beforeEach(() => {
  received = [];
  upstream = scriptedUpstream(async (request) => {
    const { pathname, search } = new URL(request.url);
    const key = request.headers.get("api-key");
    received.push({ path: pathname + search, key, body: await request.text() });
    return answer();
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function start(settings: ProviderConfig = {}): Promise<OpenAI> {
  const { origin } = new URL(upstream.url);
  const all: Record<string, string> = {
    AZURE_OPENAI_ENDPOINT: `${origin}/`,
    AZURE_OPENAI_API_KEY: "azure-secret-key",
    AZURE_REGION: "swedencentral",
  };
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => all[name];
      config.providers = { azure: settings };
    },
  });
  return new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
}

const filters = {
  hate: { filtered: false, severity: "safe" },
  jailbreak: { filtered: false, detected: false },
};
const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
const chunk = (members: object) =>
  `data: ${JSON.stringify({
    id: "chatcmpl-azure",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-4o-mini-2024-07-18",
    ...members,
  })}\n\n`;
const choice = (delta: object, reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: reason, content_filter_results: {} }],
});
/** As Azure streams: a first event of filters alone, without an id, a model or a choice. */
const stream = () =>
  new Response(
    [
      chunk({
        id: "",
        object: "",
        created: 0,
        model: "",
        choices: [],
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: filters }],
      }),
      chunk(choice({ role: "assistant", content: "" })),
      chunk(choice({ content: "Hel" })),
      chunk(choice({ content: "lo" })),
      chunk(choice({}, "stop")),
      chunk({ choices: [], usage }),
      "data: [DONE]\n\n",
    ].join(""),
    { headers: { "content-type": "text/event-stream" } },
  );
const whole = () =>
  Response.json({
    id: "chatcmpl-azure",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-mini-2024-07-18",
    prompt_filter_results: [{ prompt_index: 0, content_filter_results: filters }],
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hello" },
        finish_reason: "stop",
        content_filter_results: filters,
      },
    ],
    usage,
  });
const question = {
  model: "openai/gpt-4o-mini",
  messages: [{ role: "user" as const, content: "Hello" }],
};

test("a stream whose first event has no choice is read by the official client, whole and metered", async () => {
  const client = await start();
  answer = stream;
  const runner = client.chat.completions.stream({
    ...question,
    stream_options: { include_usage: true },
  });
  const final = await runner.finalChatCompletion();
  expect(final.choices[0]?.message.content).toBe("Hello");
  expect(final.usage?.completion_tokens).toBe(2);
  expect(received[0]).toMatchObject({
    path: "/openai/v1/chat/completions",
    key: "azure-secret-key",
  });
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ model: "gpt-4o-mini" });
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([
    { status: "ok", provider: "azure", region: "eu-north", model: "openai/gpt-4o-mini" },
  ]);
});

test("a prompt that Azure's filter refuses is the client's 400, by its code, and costs nothing", async () => {
  const client = await start();
  answer = () =>
    Response.json(
      {
        error: {
          message: "The response was filtered due to the prompt triggering the content policy.",
          type: null,
          param: "prompt",
          code: "content_filter",
          status: 400,
          innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: filters },
        },
      },
      { status: 400 },
    );
  const thrown: unknown = await client.chat.completions.create(question).catch((error) => error);
  expect(thrown).toBeInstanceOf(BadRequestError);
  expect(thrown).toMatchObject({
    status: 400,
    code: "upstream_rejected",
    param: "prompt",
    error: { metadata: { upstream_code: "content_filter", provider: "azure" } },
  });
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ cost: 0, provider: "azure" }]);
});

test("a deployment is asked by its own name, and only what is deployed is offered", async () => {
  const client = await start({ deployments: { "our mini": "openai/gpt-4o-mini" } });
  answer = whole;
  const reply = await client.chat.completions.create(question);
  expect(reply.choices[0]?.message.content).toBe("Hello");
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ model: "our mini" });
  const other = client.chat.completions.create({ ...question, model: "openai/gpt-4o" });
  expect(await other.catch((error: unknown) => error)).toMatchObject({ status: 503 });
  expect(received.length).toBe(1);
});

test("the older interface has the deployment in the path and a version in the query", async () => {
  const client = await start({
    api_version: "2024-10-21",
    deployments: { "our mini": "openai/gpt-4o-mini", vectors: "openai/text-embedding-3-small" },
  });
  answer = stream;
  const runner = client.chat.completions.stream(question);
  expect((await runner.finalChatCompletion()).choices[0]?.message.content).toBe("Hello");
  answer = () =>
    Response.json({
      object: "list",
      model: "text-embedding-3-small",
      data: [{ object: "embedding", index: 0, embedding: "AACAPw==" }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  const vectors = await client.embeddings.create({
    model: "openai/text-embedding-3-small",
    input: "Grüß dich",
  });
  expect(vectors.data[0]?.embedding).toEqual([1]);
  expect(received.map(({ path }) => path)).toEqual([
    "/openai/deployments/our%20mini/chat/completions?api-version=2024-10-21",
    "/openai/deployments/vectors/embeddings?api-version=2024-10-21",
  ]);
});

test("the older interface gets a question with a large picture whole", async () => {
  const client = await start({
    api_version: "2024-10-21",
    deployments: { mini: "openai/gpt-4o-mini" },
  });
  answer = whole;
  const content = [
    { type: "text" as const, text: "Was ist das für eins?" },
    { type: "image_url" as const, image_url: { url: `data:image/png;base64,${base64Of(1e6)}` } },
  ];
  const messages = [{ role: "user" as const, content }];
  await client.chat.completions.create({ model: "openai/gpt-4o-mini", messages });
  const [{ path, body } = { path: "", body: "{}" }] = received;
  expect(path).toStartWith("/openai/deployments/mini/chat/completions?");
  expect(JSON.parse(body)).toEqual({ model: "mini", messages });
});

test("a proxied call keeps its own query and path", async () => {
  await start({ api_version: "2024-10-21" });
  answer = () => Response.json({ data: [] });
  const reply = await gateway.ask("/azure/models?api-version=2023-05-15");
  expect(reply.status).toBe(200);
  expect(received[0]?.path).toBe("/openai/models?api-version=2023-05-15");
});
