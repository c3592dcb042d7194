import type { Behaviour } from "#src/demo/behaviour.ts";
import type { SimulatedProvider } from "#src/demo/provider.ts";
import { type Protocol as Simulated, startSimulatedProvider } from "#src/demo/simulate.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";

type Protocol = Exclude<Simulated, "mistral">;

/** A provider that answers by script. */
export interface ScriptedUpstream {
  /** Base address, as a provider's configuration takes it. */
  url: string;
  requests(): number;
  /** Requests whose client hung up before the end. */
  aborted(): number;
  stop(): Promise<void>;
}

/** Starts one on a loopback socket. What the script returns is sent as it is. */
export function scriptedUpstream(
  script: (request: Request) => Response | Promise<Response>,
): ScriptedUpstream {
  let requests = 0;
  let aborted = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      requests++;
      request.signal.addEventListener("abort", () => aborted++);
      return script(request);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    requests: () => requests,
    aborted: () => aborted,
    stop: () => server.stop(true),
  };
}

/** Never answers; lets go when the client does. */
export function silence(request: Request): Promise<Response> {
  return new Promise((_, reject) => {
    request.signal.addEventListener("abort", () => reject(new Error("The client hung up")));
  });
}

/** A whole answer in OpenAI's shape. */
export function completion(content: string): Response {
  return Response.json({
    id: "chatcmpl-scripted",
    object: "chat.completion",
    created: 1,
    model: "scripted",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
}

const fakeKey = "sk-simulated";

/** Simulated providers of the three protocols, without latency, each with a key of its own. */
export interface Upstreams {
  openai: SimulatedProvider;
  anthropic: SimulatedProvider;
  gemini: SimulatedProvider;
  /** The keys they accept. */
  keys: Record<Protocol, string>;
  /** The variables that point a gateway's process at them. */
  environment: Record<string, string>;
  /** Lets all of them behave so; without an argument as well as they can. */
  behave(...behaviours: Behaviour[]): void;
  stop(): Promise<void>;
}

/** Starts them on loopback sockets. */
export function startUpstreams(
  options: { clock?: Clock; latency?: { firstByteMs: number; perTokenMs: number } } = {},
): Upstreams {
  const { clock = systemClock, latency = { firstByteMs: 0, perTokenMs: 0 } } = options;
  const keyOf = (protocol: Protocol) => `${fakeKey}-${protocol}`;
  const start = (protocol: Protocol) =>
    startSimulatedProvider({
      protocol,
      clock,
      latency,
      random: () => 0.5,
      apiKey: keyOf(protocol),
    });
  const openai = start("openai");
  const anthropic = start("anthropic");
  const gemini = start("gemini");
  const all = [openai, anthropic, gemini];
  const keys = {
    openai: keyOf("openai"),
    anthropic: keyOf("anthropic"),
    gemini: keyOf("gemini"),
  };
  return {
    openai,
    anthropic,
    gemini,
    keys,
    environment: {
      OPENAI_BASE_URL: openai.url,
      OPENAI_API_KEY: keys.openai,
      ANTHROPIC_BASE_URL: anthropic.url,
      ANTHROPIC_API_KEY: keys.anthropic,
      GOOGLE_BASE_URL: gemini.url,
      GEMINI_API_KEY: keys.gemini,
    },
    behave(...behaviours) {
      for (const one of all) one.behave(...behaviours);
    },
    async stop() {
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}

/** Sends a body, text as it is and anything else as JSON, with the provider's own headers. */
export function post(
  upstreams: Upstreams,
  protocol: Protocol,
  path: string,
  body: unknown,
  init: RequestInit = {},
): Promise<Response> {
  const key = upstreams.keys[protocol];
  const headers = {
    openai: { authorization: `Bearer ${key}` },
    anthropic: { "x-api-key": key, "anthropic-version": "2023-06-01" },
    gemini: { "x-goog-api-key": key },
  }[protocol];
  return fetch(upstreams[protocol].url + path, {
    method: "POST",
    headers: new Headers(Object.entries({ ...headers, "content-type": "application/json" })),
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...init,
  });
}

/** The JSON of a response. */
export async function read(response: Response | Promise<Response>) {
  return JSON.parse(await (await response).text());
}
