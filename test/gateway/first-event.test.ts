import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { JsonObject } from "#src/lib/json.ts";
import { eventFrame, exceptionFrame } from "#test/dialect/bedrock/bedrock-frames.ts";
import { answerOf, type Wire, wires } from "#test/gateway/matrix-answers.ts";
import { hi, models } from "#test/gateway/matrix-kit.ts";
import {
  at,
  eventsOf,
  listAt,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/** What an upstream sends in place of an answer, and what that is to the client when nobody else is left. */
interface Failing {
  /** The events that announce an answer, and the error. */
  announced: Uint8Array;
  error: Uint8Array;
  reason: string;
  told: { status: number; code: string; retryAfter?: string };
}

const busy = (status: number) => ({
  reason: `upstream_${status}`,
  told: { status: 502, code: "upstream_error" },
});
const limited = (retryAfter: string) => ({
  reason: "upstream_429",
  told: { status: 429, code: "rate_limit_exceeded", retryAfter },
});

const sse = (...events: (JsonObject | string)[]) =>
  new TextEncoder().encode(
    events
      .map((event) => {
        if (typeof event === "string") return event;
        const name = typeof event.type === "string" ? `event: ${event.type}\n` : "";
        return `${name}data: ${JSON.stringify(event)}\n\n`;
      })
      .join(""),
  );
const frames = (...all: Uint8Array[]) => new Uint8Array(Buffer.concat(all));

const response = { id: "resp_1", object: "response", created_at: 1, model: "m", output: [] };
const failing: Record<Wire, Failing> = {
  "openai-chat": {
    announced: sse(": OPENROUTER PROCESSING\n\n", {
      id: "c",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
    }),
    error: sse({ error: { message: "secret prompt", code: 503 } }),
    ...busy(503),
  },
  "openai-responses": {
    announced: sse(
      { type: "response.created", sequence_number: 0, response: { ...response, status: "queued" } },
      {
        type: "response.in_progress",
        sequence_number: 1,
        response: { ...response, status: "in_progress" },
      },
    ),
    error: sse({
      type: "response.failed",
      sequence_number: 2,
      response: {
        ...response,
        status: "failed",
        error: { code: "rate_limit_exceeded", message: "secret prompt" },
      },
    }),
    ...limited("1"),
  },
  "anthropic-messages": {
    announced: sse(
      {
        type: "message_start",
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 20, output_tokens: 1 },
        },
      },
      { type: "ping" },
    ),
    error: sse({ type: "error", error: { type: "overloaded_error", message: "secret prompt" } }),
    ...busy(529),
  },
  gemini: {
    announced: sse(": hello\n\n"),
    error: sse({
      error: {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        message: "secret prompt",
        details: [{ "@type": "RetryInfo", retryDelay: "7s" }],
      },
    }),
    ...limited("7"),
  },
  "cohere-v2": {
    announced: sse({ type: "message-start", id: "1", delta: { message: { role: "assistant" } } }),
    error: sse({ type: "error", message: "secret prompt" }),
    reason: "bad_answer",
    told: { status: 502, code: "upstream_error" },
  },
  "bedrock-converse": {
    announced: frames(eventFrame("messageStart", { role: "assistant" })),
    error: frames(exceptionFrame("serviceUnavailableException", "secret prompt")),
    ...busy(503),
  },
};

/** The client that speaks each wire, where there is one. */
const asks: Record<Wire, (model: string) => { path: string; body: JsonObject }> = {
  "openai-chat": (model) => chat(model),
  "openai-responses": (model) => ({
    path: "/v1/responses",
    body: { ...hi.Responses, model, store: false, stream: true },
  }),
  "anthropic-messages": (model) => ({
    path: "/v1/messages",
    body: { ...hi["Anthropic Messages"], model, max_tokens: 50, stream: true },
  }),
  gemini: (model) => ({
    path: `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
    body: hi.Gemini,
  }),
  "cohere-v2": (model) => chat(model),
  "bedrock-converse": (model) => chat(model),
};
const chat = (model: string) => ({
  path: "/v1/chat/completions",
  body: { ...hi["OpenAI chat"], model, stream: true },
});

/** Who serves each model here, with what secrets; and the model that is tried after it. */
const providers: Record<Wire, { id: string; secrets: Record<string, string> }> = {
  "openai-chat": { id: "openrouter", secrets: { OPENROUTER_API_KEY: "key" } },
  "openai-responses": { id: "openai", secrets: { OPENAI_API_KEY: "key" } },
  "anthropic-messages": { id: "anthropic", secrets: { ANTHROPIC_API_KEY: "key" } },
  gemini: { id: "google", secrets: { GEMINI_API_KEY: "key" } },
  "cohere-v2": { id: "cohere", secrets: { COHERE_API_KEY: "key" } },
  "bedrock-converse": {
    id: "bedrock",
    secrets: {
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      BEDROCK_REGION: "eu-central-1",
    },
  },
};
const second = "mistral/mistral-small-3.2";

let gateway: TestGateway;
let first: ScriptedUpstream;
let other: ScriptedUpstream;
let script: (request: Request) => Response | Promise<Response>;
beforeEach(() => {
  first = scriptedUpstream((request) => script(request));
  other = scriptedUpstream(() => answerOf("openai-chat", { text: "From the second" }, true));
});
afterEach(async () => {
  await gateway.close();
  await first.stop();
  await other.stop();
});

/** A gateway whose first upstream speaks this wire. */
async function start(wire: Wire): Promise<void> {
  const { id, secrets } = providers[wire];
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => secrets[name];
      config.providers = {
        [id]: { base_url: first.url },
        mistral: { base_urls: { "eu-west": other.url } },
      };
      config.routing.fallbacks = { [models[wire]]: [second] };
    },
  });
}

const headersOf = (wire: Wire) => ({
  "content-type":
    wire === "bedrock-converse" ? "application/vnd.amazon.eventstream" : "text/event-stream",
});
/** All of it at once, or with a pause before the last piece; then a clean end. */
const sends = (wire: Wire, ...pieces: Uint8Array[]) => {
  script = () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          for (const [at, piece] of pieces.entries()) {
            if (at > 0) await Bun.sleep(20);
            controller.enqueue(piece);
          }
          controller.close();
        },
      }),
      { headers: headersOf(wire) },
    );
};

interface Outcome {
  reply: Reply;
  row: Record<string, unknown> | undefined;
  rows: number;
  paid: number;
  trace: unknown[];
}

async function outcomeOf(asked: { path: string; body: JsonObject }): Promise<Outcome> {
  const [before, balance] = [(await gateway.rows()).length, await gateway.balance()];
  const reply = await gateway.ask(asked.path, { body: asked.body });
  await gateway.until(() => true);
  const rows = await gateway.rows();
  const row = rows.at(-1);
  const record = await gateway.ask(`/v1/generation/${String(row?.id)}`);
  return {
    reply,
    row,
    rows: rows.length - before,
    paid: balance - (await gateway.balance()),
    // Where else it might have gone is told as well.
    trace: listAt(record.json, "routing_trace")
      .map((one) => [at(one, "decision"), at(one, "reason")])
      .filter(([decision]) => decision === "failed" || decision === "selected"),
  };
}

/** The same without a second route. */
const alone = ({ path, body }: { path: string; body: JsonObject }) => ({
  path,
  body: { ...body, route: { fallback: false } },
});

/** All ways of the pieces to arrive. */
const arrivals: [string, (one: Failing) => Uint8Array[]][] = [
  ["as its first event", ({ error }) => [error]],
  ["with its announcement", ({ announced, error }) => [frames(announced, error)]],
  ["after its announcement", ({ announced, error }) => [announced, error]],
];
const clients = wires.flatMap((wire) => {
  const own = asks[wire](models[wire]);
  const foreign = chat(models[wire]);
  return own.path === foreign.path
    ? [{ wire, via: "chat", asked: foreign }]
    : [
        { wire, via: "its own dialect", asked: own },
        { wire, via: "chat", asked: foreign },
      ];
});

describe.each(clients)("an error of $wire, asked by $via,", ({ wire, asked }) => {
  test.each(arrivals)("%s leaves the answer to the next route", async (_, piecesOf) => {
    await start(wire);
    sends(wire, ...piecesOf(failing[wire]));
    const { reply, row, rows, paid, trace } = await outcomeOf(asked);
    expect([reply.status, reply.headers.get("x-lowrouter-provider")]).toEqual([200, "mistral"]);
    expect(reply.text).toContain("From the");
    expect(reply.text).not.toContain('"error":{');
    // Some providers have two places.
    expect(trace.length).toBeGreaterThan(1);
    for (const tried of trace.slice(0, -1)) expect(tried).toEqual(["failed", failing[wire].reason]);
    expect(trace.at(-1)).toEqual(["selected", expect.any(String)]);
    expect(row).toMatchObject({ status: "ok", provider: "mistral", model: second });
    expect([rows, paid]).toEqual([1, Number(row?.cost)]);
    expect(paid).toBeGreaterThan(0);
  });

  test.each(arrivals)("%s is a plain error where no route is left", async (_, piecesOf) => {
    await start(wire);
    sends(wire, ...piecesOf(failing[wire]));
    const { told } = failing[wire];
    const { reply, row, rows, paid, trace } = await outcomeOf(alone(asked));
    expect(reply.status).toBe(told.status);
    expect(reply.headers.get("content-type")).toContain("application/json");
    expect(at(reply.json, "error")).toBeDefined();
    expect(reply.headers.get("retry-after")).toBe(told.retryAfter ?? null);
    expect(reply.text).not.toContain("secret prompt");
    expect(trace[0]).toEqual(["failed", failing[wire].reason]);
    expect(row).toMatchObject({ status: "upstream_error", cost: 0 });
    expect([rows, paid]).toEqual([1, 0]);
    expect(await gateway.imbalances()).toBe(0);
  });
});

describe.each([...wires])("a stream of %s", (wire) => {
  test("that ends without an event leaves the answer to the next route", async () => {
    await start(wire);
    sends(wire);
    const { reply, rows, trace } = await outcomeOf(asks[wire](models[wire]));
    expect([reply.status, reply.headers.get("x-lowrouter-provider")]).toEqual([200, "mistral"]);
    expect(trace[0]).toEqual(["failed", "bad_answer"]);
    expect(rows).toBe(1);
  });

  test("that ends after its announcement is a 502 where no route is left", async () => {
    await start(wire);
    sends(wire, failing[wire].announced);
    const { reply, row, paid } = await outcomeOf(alone(asks[wire](models[wire])));
    expect(reply.status).toBe(502);
    expect([row?.status, row?.cost, paid]).toEqual(["upstream_error", 0, 0]);
  });

  test("that breaks off after its first word ends with an error event, as nobody else is asked", async () => {
    await start(wire);
    const whole = new Uint8Array(await answerOf(wire, { text: "Hello" }, true).arrayBuffer());
    const text = new TextDecoder("latin1").decode(whole);
    // Up to the end of the event that has the first half of the text.
    const word = text.indexOf("Hel");
    const end = wire === "bedrock-converse" ? word + 12 : text.indexOf("\n\n", word) + 2;
    const begun = wire === "bedrock-converse" ? firstFrames(whole, word) : whole.slice(0, end);
    sends(wire, begun, failing[wire].error);
    const asked = other.requests();
    const { reply, row } = await outcomeOf(asks[wire](models[wire]));
    expect(reply.status).toBe(200);
    expect(reply.text).toContain("Hel");
    expect(reply.text).toContain("error");
    expect(other.requests()).toBe(asked);
    expect(row).toMatchObject({ status: "upstream_error", cost: 0 });
  });
});

/** The frames up to the one that holds this byte. */
function firstFrames(bytes: Uint8Array, upTo: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = 0;
  while (end <= upTo) end += view.getUint32(end);
  return bytes.slice(0, end);
}

test("a chat client sees the announcement once, and the words in order", async () => {
  await start("openai-chat");
  const { announced } = failing["openai-chat"];
  const rest = new Uint8Array(await answerOf("openai-chat", { text: "Hello" }, true).arrayBuffer());
  sends("openai-chat", announced, rest);
  const { reply } = await outcomeOf(chat(models["openai-chat"]));
  const words = eventsOf(reply.text).map((event) => at(event, "choices.0.delta.content"));
  expect(words.filter((word) => typeof word === "string").join("")).toBe("Hello");
  const deltas = eventsOf(reply.text).filter(
    (event) => at(event, "choices.0.delta.content") === "",
  );
  expect(deltas.length).toBeGreaterThan(0);
});
