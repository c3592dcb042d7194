import { afterEach, beforeEach, expect, test } from "bun:test";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const clock = createFakeClock();
const sweepMs = 150;
const comment = ": LOWROUTER PROCESSING\n\n";
let gateway: TestGateway;
let upstream: ScriptedUpstream;
let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

beforeEach(async () => {
  upstream = scriptedUpstream(() => {
    const body = new ReadableStream<Uint8Array>({ start: (begun) => void (controller = begun) });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  gateway = await startGateway({
    balance: 1,
    clock,
    config: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

function send(content: string, finish: string | null = null): void {
  const choice = { index: 0, delta: { content }, finish_reason: finish };
  const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
  const text = `data: ${JSON.stringify({ ...chunk, choices: [choice] })}\n\n`;
  controller?.enqueue(new TextEncoder().encode(text));
}

/** The clock moves on, and everybody who waits for it has noticed. */
async function pass(seconds: number): Promise<void> {
  clock.advance(seconds * 1000);
  await Bun.sleep(sweepMs);
}

test("a stream that is silent for 15 s beats, again and again, and one that goes on does not", async () => {
  const calling = gateway.open({ stream: true });
  while (controller === undefined) await Bun.sleep(1);
  send("one");
  const { body } = await calling;
  if (body === null) throw new Error("a stream has a body");
  let text = "";
  const decoder = new TextDecoder();
  const read = (async () => {
    for await (const piece of body) text += decoder.decode(piece, { stream: true });
  })();
  const beats = () => text.split(comment).length - 1;
  const until = async (word: string) => {
    while (!text.includes(word)) await Bun.sleep(1);
  };
  await until("one");
  for (const word of ["two", "three"]) {
    await pass(10);
    send(word);
    await until(word);
  }
  expect(beats()).toBe(0);
  await pass(14);
  expect(beats()).toBe(0);
  await pass(2);
  expect(beats()).toBe(1);
  await pass(16);
  expect(beats()).toBe(2);
  send("last", "stop");
  await until("last");
  controller?.enqueue(new TextEncoder().encode("data: [DONE]\n\n"));
  controller?.close();
  await read;
  expect(text.replaceAll(comment, "")).toMatch(/one[^]*two[^]*three[^]*last[^]*\[DONE\]/);
});
