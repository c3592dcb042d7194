/** Long: every kind of request of the soak, with how it is weighed and what its client may see. */
import type { Chance } from "#test/chaos/chance.ts";
import { faults } from "#src/demo/behaviour.ts";

/** The secrets of the accounts that ask. */
export interface Keys {
  /** Of a prepaid account; none is limited. */
  plain: readonly string[];
  /** With a limit of requests by the minute. */
  limited: string;
  management: string;
}

/** One request, and how its client behaves. */
export interface Sent {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  key?: string | undefined;
  headers?: Record<string, string>;
  body?: string;
  /** Leaves after so many milliseconds, whatever came. */
  leaveAfterMs?: number;
  /** Leaves with the first bytes of the answer. */
  leavesAmid?: boolean;
}

/** A kind of request. */
export interface Kind {
  name: string;
  /** How often, beside the others. */
  weight: number;
  make(chance: Chance, keys: Keys, turn: number): Sent;
  /** Statuses that its client may see; every one but 500 where absent. */
  statuses?: readonly number[];
  /** Its answer is written down, so it has to name its generation. */
  isRecorded?: true;
  /** How a whole answer ends, of a request for one. */
  endsWith?(sent: Sent): RegExp;
}

const steady = [
  "openai/gpt-4o-mini",
  "anthropic/claude-haiku-4.5",
  "google/gemini-2.5-flash",
] as const;
/** Asked where upstreams fail: their circuits are not those of the others. */
const shaky = ["anthropic/claude-sonnet-4.5", "google/gemini-2.5-pro"] as const;
/** Models of the operator's own that fail, each with a circuit: few of them would be shut nearly always. */
export const ownModels = 400;

function shakyModel(chance: Chance): string {
  if (chance.between(0, 1) < 0.05) return chance.pick(shaky);
  return `bench/model-${Math.floor(chance.between(0, ownModels))}`;
}
const topics = [
  "the fox",
  "a bridge over the Elbe",
  "müde Füße",
  "日本の朝",
  "prime numbers",
] as const;

const tool = {
  name: "weather",
  description: "The weather of a place",
  parameters: {
    type: "object",
    properties: { place: { type: "string" } },
    required: ["place"],
  },
};

function words(chance: Chance): string {
  // Now and then a long one: buffers of every size are taken and given back.
  const times = chance.between(0, 1) < 0.02 ? 600 : Math.floor(chance.between(1, 12));
  return `Tell me of ${chance.pick(topics)}. `.repeat(times);
}

function post(path: string, key: string | undefined, body: object, more: Partial<Sent> = {}): Sent {
  return { method: "POST", path, key, body: JSON.stringify(body), ...more };
}

function chat(model: string, content: string, more: object = {}): object {
  return { model, max_tokens: 60, messages: [{ role: "user", content }], ...more };
}

function gemini(model: string, stream: boolean): string {
  const verb = stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return `/v1beta/models/${model}:${verb}`;
}

const isStream = ({ path, body }: Sent) =>
  path.includes("streamGenerateContent") || body?.includes('"stream":true') === true;
const endOf = (stream: RegExp) => (sent: Sent) => (isStream(sent) ? stream : /\}\s*$/);
const chatEnd = endOf(/data: \[DONE\]\n\n$/);

/** All of them. */
export const kinds: readonly Kind[] = [
  {
    name: "chat",
    weight: 30,
    statuses: [200],
    isRecorded: true,
    endsWith: chatEnd,
    make: (chance, { plain }) => {
      const stream = chance.between(0, 1) < 0.5 ? { stream: true } : {};
      const body = chat(chance.pick(steady), words(chance), stream);
      return post("/v1/chat/completions", plain[Math.floor(chance.between(0, plain.length))], body);
    },
  },
  {
    name: "tools",
    weight: 6,
    statuses: [200],
    isRecorded: true,
    endsWith: chatEnd,
    make: (chance, { plain }) =>
      post(
        "/v1/chat/completions",
        plain[0],
        chat(chance.pick(steady), words(chance), {
          tools: [{ type: "function", function: tool }],
          tool_choice: "required",
          ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
        }),
      ),
  },
  {
    name: "completions",
    weight: 3,
    statuses: [200],
    isRecorded: true,
    endsWith: chatEnd,
    make: (chance, { plain }) =>
      post("/v1/completions", plain[0], {
        model: chance.pick(steady),
        prompt: words(chance),
        max_tokens: 20,
        ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
      }),
  },
  {
    name: "responses",
    weight: 6,
    statuses: [200],
    isRecorded: true,
    endsWith: endOf(/response\.(completed|incomplete)[\s\S]*\n\n$/),
    make: (chance, { plain }) =>
      post("/v1/responses", plain[0], {
        model: chance.pick(steady),
        input: words(chance),
        max_output_tokens: 60,
        store: false,
        ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
      }),
  },
  {
    name: "messages",
    weight: 10,
    statuses: [200],
    isRecorded: true,
    endsWith: endOf(/message_stop[\s\S]*\n\n$/),
    make: (chance, { plain }) =>
      post(
        "/v1/messages",
        plain[0],
        chat(chance.pick(steady), words(chance), {
          ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
        }),
        { headers: { "anthropic-version": "2023-06-01" } },
      ),
  },
  {
    name: "gemini",
    weight: 6,
    statuses: [200],
    isRecorded: true,
    endsWith: endOf(/finishReason[\s\S]*\r\n\r\n$/),
    make: (chance, { plain }) =>
      post(gemini(chance.pick(steady), chance.between(0, 1) < 0.5), plain[0], {
        contents: [{ role: "user", parts: [{ text: words(chance) }] }],
        generationConfig: { maxOutputTokens: 60 },
      }),
  },
  {
    name: "embeddings",
    weight: 4,
    statuses: [200],
    isRecorded: true,
    endsWith: () => /\}\s*$/,
    make: (chance, { plain }) =>
      post("/v1/embeddings", plain[0], {
        model: "openai/text-embedding-3-small",
        input: [words(chance), "x"],
        dimensions: 16,
      }),
  },
  {
    name: "proxy",
    weight: 5,
    statuses: [200],
    isRecorded: true,
    endsWith: chatEnd,
    make: (chance, { plain }) =>
      post(
        "/openai/v1/chat/completions",
        plain[0],
        chat("gpt-4o-mini", words(chance), {
          ...(chance.between(0, 1) < 0.5
            ? { stream: true, stream_options: { include_usage: true } }
            : {}),
        }),
      ),
  },
  {
    name: "count",
    weight: 2,
    statuses: [200],
    make: (chance, { plain }) =>
      post("/v1/messages/count_tokens", plain[0], {
        model: "anthropic/claude-haiku-4.5",
        messages: [{ role: "user", content: words(chance) }],
      }),
  },
  {
    name: "left before the first byte",
    weight: 4,
    make: (chance, { plain }) =>
      post(
        chance.pick(["/v1/chat/completions", "/v1/messages"]),
        plain[0],
        chat(chance.pick(steady), "Hello simulate:delayMs=200", {
          ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
        }),
        { leaveAfterMs: chance.between(0, 60) },
      ),
  },
  {
    name: "left amid a stream",
    weight: 4,
    make: (chance, { plain }) =>
      post(
        chance.pick(["/v1/chat/completions", "/v1/messages", "/openai/v1/chat/completions"]),
        plain[0],
        chat("gpt-4o-mini", "Hello simulate:perTokenMs=5,answerTokens=50", { stream: true }),
        { leavesAmid: true },
      ),
  },
  {
    name: "upstream faults",
    weight: 5,
    make: (chance, { plain }) => {
      // Rare where a fault is a wait: it holds one of the clients for as long as the gateway is patient.
      const isSlow = chance.between(0, 1) < 0.03;
      const quick = faults.filter((fault) => fault !== "silent" && fault !== "hang_mid_stream");
      const fault = isSlow
        ? chance.pick(["silent", "hang_mid_stream"])
        : (quick[Math.floor(chance.between(0, quick.length))] ?? "reset");
      const does =
        chance.between(0, 1) < 0.5
          ? `fault=${fault}`
          : `status=${chance.pick([400, 401, 403, 404, 429, 500, 502, 503, 529])}`;
      return post(
        "/v1/chat/completions",
        plain[0],
        chat(shakyModel(chance), `Hello simulate:${does}`, {
          ...(chance.between(0, 1) < 0.5 ? { stream: true } : {}),
        }),
      );
    },
  },
  {
    name: "over the limit",
    weight: 2,
    statuses: [200, 429],
    make: (chance, { limited }) =>
      post("/v1/chat/completions", limited, chat(chance.pick(steady), "Hello")),
  },
  {
    name: "bad input",
    weight: 5,
    statuses: [400, 401, 403, 404, 405, 413, 422],
    make: (chance, { plain, management }, turn) =>
      chance.pick<() => Sent>([
        () => ({ method: "POST", path: "/v1/chat/completions", key: plain[0], body: '{"model":' }),
        () => post("/v1/chat/completions", plain[0], { model: "openai/gpt-4o-mini" }),
        () => post("/v1/chat/completions", plain[0], chat(`nobody/model-${turn}`, "Hello")),
        () => post("/v1/chat/completions", `lr_live_${turn}`, chat("openai/gpt-4o-mini", "Hello")),
        () => post("/v1/chat/completions", management, chat("openai/gpt-4o-mini", "Hello")),
        () =>
          post("/v1/messages", plain[0], chat("openai/gpt-4o-mini", "Hello", { max_tokens: -1 })),
        () => post("/v1/images/generations", plain[0], { prompt: "x" }),
        () => ({ method: "GET", path: `/nothing/at/${turn}` }),
        () => ({ method: "PATCH", path: "/v1/models", key: plain[0] }),
        () => ({ method: "GET", path: `/v1/generation/gen_${turn}`, key: plain[0] }),
      ])(),
  },
  {
    name: "reads",
    weight: 5,
    statuses: [200],
    make: (chance, { plain }) => ({
      method: "GET",
      path: chance.pick([
        "/healthz",
        "/readyz",
        "/v1/models",
        "/v1/key",
        "/api/v1/balance",
        "/v1/providers",
        "/v1/methodology",
      ]),
      key: plain[0],
    }),
  },
  {
    name: "pages",
    weight: 2,
    statuses: [200],
    make: (chance) => ({
      method: "GET",
      path: chance.pick(["/", "/models", "/providers", "/status", "/docs", "/docs/api", "/login"]),
      headers: { accept: "text/html" },
    }),
  },
];
