import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { boundedText, TooLong } from "#src/lib/bounded-text.ts";
import { maxWholeBytes } from "#src/provider/exchange.ts";
import { postJson } from "#src/provider/post-json.ts";
import { SocketExchange } from "#src/provider/socket-exchange.ts";
import { refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/** A hundred thousand times smaller than what it becomes would be too kind: zlib stops at a thousand. */
const bomb = new Uint8Array(gzipSync(Buffer.alloc(16_000_000, " ")));
const headers = { "content-type": "application/json", "content-encoding": "gzip" };

let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream((request) =>
    request.url.endsWith("/endless")
      ? new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
          }),
        )
      : new Response(bomb, { headers }),
  );
  gateway = await startGateway({
    config: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

describe("what an upstream answers cannot fill our memory", () => {
  test("a compressed answer is a broken one: it was not asked for, and is not unpacked", async () => {
    for (const body of [{}, { stream: true }]) {
      expect(refusal(await gateway.chat(body))).toEqual([502, "upstream_error"]);
    }
    const proxied = await gateway.ask("/openai/v1/models", { headers: { "accept-encoding": "" } });
    // As it came: what the client's own library makes of it is the client's matter.
    expect(proxied.headers.get("content-length")).toBe(String(bomb.length));
  });

  test("a whole answer without end is given up at its bound", async () => {
    const exchange = new SocketExchange("GET / HTTP/1.1\r\n\r\n", undefined);
    // Nobody waits for the head here.
    exchange.head.catch(() => {});
    let closed = 0;
    exchange.connection = { pause() {}, resume() {}, close: () => void closed++, done() {} };
    const whole = Promise.resolve(exchange.bytes()).catch((cause: unknown) => cause);
    // The same megabyte again and again: only what is counted grows.
    const piece = new Uint8Array(1_048_576);
    let pieces = 0;
    while (closed === 0 && pieces * piece.length < 2 * maxWholeBytes) {
      exchange.onBody(piece);
      pieces++;
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(await whole).toMatchObject({ name: "BrokenAnswer" });
    expect(pieces * piece.length).toBeLessThan(1.1 * maxWholeBytes);
  });

  test("nor can the services that the operator names: what is told is read up to a bound, unpacked", async () => {
    const ask = async (path: string) => boundedText(await fetch(upstream.url + path), 100_000);
    expect(await ask("/bomb").catch((cause: unknown) => cause)).toBeInstanceOf(TooLong);
    const gone = upstream.aborted();
    expect(await ask("/endless").catch((cause: unknown) => cause)).toBeInstanceOf(TooLong);
    while (upstream.aborted() === gone) await Bun.sleep(1);
    const signal = AbortSignal.timeout(5000);
    const posted = postJson(`${upstream.url}/endless`, {}, "{}", signal);
    expect(await posted.catch((cause: unknown) => cause)).toBeInstanceOf(TooLong);
    expect(await boundedText(new Response("für"), 4)).toBe("für");
    expect(await boundedText(new Response(null), 0)).toBe("");
  });
});
