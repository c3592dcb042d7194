import { expect, test } from "bun:test";
import { createGateway } from "#src/app.ts";
import { loadConfig } from "#src/config/load.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { chatFront } from "#src/gateway/front.ts";
import { open } from "#src/gateway/open.ts";
import { Opening } from "#src/gateway/trying/opening.ts";
import { relay } from "#src/gateway/relay.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { encode } from "#src/lib/bytes.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import type { Exchange } from "#src/provider/exchange.ts";
import { startHarness } from "#test/gateway/harness.ts";

/** A request that was admitted, and what relay() needs of an answer besides the answer. */
async function begin() {
  const harness = await startHarness();
  const config = loadConfig({ dataDir: harness.folder }, {});
  config.providers = harness.places.providers;
  const log = createLog({ clock: systemClock, level: "error", format: "json", write() {} });
  const { app, close } = await createGateway({ config, store: harness.store, log });
  const caller = await app.findCaller(harness.key);
  const route = app.routes.models.flatMap((model) => app.routes.of(model))[0];
  if (caller === undefined || route === undefined) throw new Error("both are known");
  const body = encode('{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}');
  const front = chatFront({ client: openaiChatClient, splice: openaiChatSplice, idPrefix: "x-" });
  const request = new Request("http://gateway/v1/chat/completions", { method: "POST" });
  const call = { request, body, front, receivedAt: Date.now(), startedAt: performance.now() };
  const ask = front.peek(body, request.url);
  const job = open(call, ask, caller, await reserve(caller, ask, [], app), [], app);
  const aborted: string[] = [];
  const exchange: Exchange = {
    head: Promise.resolve({ status: 200, header: () => undefined }),
    read: () => Promise.resolve(undefined),
    bytes: () => new Uint8Array(),
    abort: ({ message }) => void aborted.push(message),
  };
  const answer = { route, wire: "openai-chat" as const, dropped: [], whole: undefined, bytes: 0 };
  const head = { completionId: "x", created: 1, model: "m", provider: "p", includeUsage: false };
  const opening = new Opening(front.stream("openai-chat", head));
  const begun = { ...answer, opening, exchange, trace: [], sentAt: 0, firstByteAt: 0 };
  return {
    ...{ app, job, begun, opening, aborted },
    async close() {
      app.open.delete(job);
      await close();
      await harness.close();
    },
  };
}

test("relay() leaves no exchange open when the answer cannot be begun", async () => {
  const { app, job, begun, aborted, close } = await begin();
  // A header of ours that is none stands for whatever may throw there.
  const broken = { ...job, generationId: "a\0b" };
  await expect((async () => relay(broken, begun, app))()).rejects.toThrow();
  expect(aborted).toHaveLength(1);
  await close();
});

test("relay() goes on with the read that the beginning of a stream left open", async () => {
  const { app, job, begun, opening, close } = await begin();
  const said = { choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: "stop" }] };
  opening.reading = Promise.resolve(encode(`data: ${JSON.stringify(said)}\n\n`));
  const text = await (await relay(job, begun, app)).text();
  expect(text).toContain('"content":"Hi"');
  expect(text).not.toContain('"error"');
  await close();
});
