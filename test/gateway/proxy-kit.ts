import type { Socket } from "bun";
import { connect } from "node:net";
import type { Config } from "#src/config/load.ts";
import { type GatewayOptions, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { startWire, type Wire } from "#test/provider/wire.ts";

/** The provider's key, as its bytes would be seen anywhere. */
export const ours = "sk-upstream-secret-0123456789";

type Script = (socket: Socket<unknown>, request: string) => void;

/** How a gateway is started; the change of its configuration is told the provider's address. */
export type ProxiedOptions = Omit<GatewayOptions, "config"> & {
  config?: (config: Config, url: string) => void;
};

/** A gateway whose OpenAI is a socket of ours, and what passed over it. */
export interface Proxied extends TestGateway {
  wire: Wire;
  /** What the provider says to each request from now on. */
  says(script: Script | string): void;
}

/** Starts one. Its close() ends both. */
export async function startProxied(options: ProxiedOptions = {}): Promise<Proxied> {
  let script: Script = (socket) => void write(socket, jsonAnswer({ id: "x" }));
  const wire = startWire((socket, request) => script(socket, request));
  const gateway = await startGateway({
    ...options,
    config(config) {
      config.providers.openai = { base_urls: { "us-east": `${wire.url}/v1` } };
      withKeys(config);
      // Whoever is billed afterwards may have the provider to itself; a test that means otherwise says so.
      if (options.plan === "metered") config.billing.unknownPrice = "allow";
      options.config?.(config, wire.url);
    },
  });
  return {
    ...gateway,
    wire,
    says(given) {
      script = typeof given === "string" ? (socket) => void write(socket, given) : given;
    },
    async close() {
      await gateway.close();
      wire.stop();
    },
  };
}

/** Lets every provider have the same key. */
function withKeys(config: Config): void {
  config.secret = (name) => (name.endsWith("_API_KEY") ? ours : undefined);
}

/** Sends text of one character per byte, as fast as it is taken. */
export async function write(socket: Socket<unknown>, text: string): Promise<void> {
  let rest = Buffer.from(text, "latin1");
  while (rest.length > 0 && socket.readyState > 0) {
    rest = rest.subarray(Math.max(0, socket.write(rest)));
    if (rest.length > 0) await Bun.sleep(1);
  }
}

/** An answer of this body with its length; text of one character per byte. */
export function answerOf(body: string, headers: Record<string, string> = {}, status = 200): string {
  const lines = Object.entries({ "content-length": String(body.length), ...headers });
  return `HTTP/1.1 ${status} Answer\r\n${lines.map((line) => line.join(": ")).join("\r\n")}\r\n\r\n${body}`;
}

export function jsonAnswer(value: unknown, status = 200): string {
  return answerOf(JSON.stringify(value), { "content-type": "application/json" }, status);
}

/** The head of a stream of events in chunks. */
export const streamHead =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/** Text as a chunk of a body; without one the last. */
export function chunk(text = ""): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** The body of a request. */
export function bodyIn(request: string): string {
  return request.slice(request.indexOf("\r\n\r\n") + 4);
}

/** The target in the first line of a request. */
export function targetIn(request: string): string {
  return request.split(" ")[1] ?? "";
}

/** Everything that a server sends to these bytes until it closes, one character per byte. */
export function raw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(Number(port), hostname, () => socket.write(request, "latin1"));
    socket.setEncoding("latin1");
    socket.on("data", (text) => (received += text));
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}

/** A small question, in the wire's own words. */
export const question = {
  model: "gpt-4o-mini",
  max_tokens: 20,
  messages: [{ role: "user", content: "Hello" }],
};

/** An answer that tells its usage: 1,000 and 500 tokens. */
export const told = {
  id: "chatcmpl-upstream",
  object: "chat.completion",
  model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 },
};

/** A chunk of a stream as an event. */
export function event(delta: object, rest: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "chatcmpl-s", object: "chat.completion.chunk", created: 1, model: "m", choices, ...rest })}\n\n`;
}
