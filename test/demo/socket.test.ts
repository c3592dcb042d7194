import { afterAll, expect, test } from "bun:test";
import type { Behaviour } from "#src/demo/behaviour.ts";
import type { Protocol as Simulated } from "#src/demo/simulate.ts";
import { startUpstreams } from "#test/lib/upstream.ts";

type Protocol = Exclude<Simulated, "mistral">;

const upstreams = startUpstreams();
afterAll(() => upstreams.stop());

const prompt = "echo: Grüße an alle";
const messages = [{ role: "user", content: prompt }];
const asks: Record<Protocol, [path: string, body: unknown]> = {
  openai: ["/v1/chat/completions", { model: "m", stream: true, messages }],
  anthropic: ["/v1/messages", { model: "m", max_tokens: 4096, stream: true, messages }],
  gemini: [
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    { contents: [{ role: "user", parts: [{ text: prompt }] }] },
  ],
};

/** What reaches the socket: HTTP's chunks, each one write of the provider, and whether the last one came. */
async function received(protocol: Protocol, behaviour: Behaviour) {
  upstreams[protocol].behave(behaviour);
  const [path, json] = asks[protocol];
  const body = JSON.stringify(json);
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: x",
    "Connection: close",
    "anthropic-version: 2023-06-01",
    `Authorization: Bearer ${upstreams.keys.openai}`,
    `x-api-key: ${upstreams.keys.anthropic}`,
    `x-goog-api-key: ${upstreams.keys.gemini}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].join("\r\n");
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port: upstreams[protocol].port,
    socket: {
      open: (socket) => void socket.write(`${head}\r\n\r\n${body}`),
      data: (_, data) => void parts.push(Buffer.from(data)),
      close: () => resolve(),
    },
  });
  await promise;
  const bytes = Buffer.concat(parts);
  const start = bytes.indexOf("\r\n\r\n") + 4;
  return /transfer-encoding: chunked/i.test(bytes.toString("latin1", 0, start))
    ? unchunked(bytes.subarray(start))
    : { writes: [bytes.toString("latin1", start)], ended: true };
}

function unchunked(bytes: Buffer): { writes: string[]; ended: boolean } {
  const writes: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const size = Number.parseInt(bytes.toString("latin1", at, at + 8), 16);
    if (size === 0) return { writes, ended: true };
    const start = bytes.indexOf("\r\n", at) + 2;
    writes.push(bytes.toString("latin1", start, start + size));
    at = start + size + 2;
  }
  return { writes, ended: false };
}

const ids = (writes: string[]) => writes.join("").replace(/(chatcmpl-|msg_|resp_)\w+/g, "id");

test.each<Protocol>(["openai", "anthropic", "gemini"])(
  "%s says the same at once, in one write, event by event and byte by byte",
  async (protocol) => {
    const one = await received(protocol, { oneWrite: true });
    const plain = await received(protocol, {});
    const events = await received(protocol, { eventByEvent: true });
    const bytes = await received(protocol, { byteByByte: true });
    expect([one.writes.length, plain.writes.length]).toEqual([1, 1]);
    for (const { writes, ended } of [plain, events, bytes]) {
      expect(ended).toBe(true);
      expect(ids(writes)).toBe(ids(one.writes));
    }
    expect(events.writes.length).toBeGreaterThan(1);
    for (const event of events.writes) expect(event).toMatch(/^(event: \w+\n)?data: .*\r?\n\r?\n$/);
    for (const byte of bytes.writes) expect(byte.length).toBe(1);
  },
);

test.each<Protocol>(["openai", "anthropic", "gemini"])(
  "%s closes the connection after the events asked for, and inside a character",
  async (protocol) => {
    const cut = await received(protocol, { fault: "cut_mid_stream", afterEvents: 1 });
    expect([cut.ended, cut.writes.length]).toEqual([false, 1]);
    const half = await received(protocol, { fault: "cut_mid_character", afterEvents: 1 });
    expect([half.ended, half.writes.length]).toEqual([false, 2]);
    expect(half.writes.at(-1)?.at(-1)).toBe("\u00c3");
  },
);
