import { expect, test } from "bun:test";
import { createGateway } from "#src/app.ts";
import { loadConfig } from "#src/config/load.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { chatFront } from "#src/gateway/front.ts";
import { open } from "#src/gateway/open.ts";
import { relay } from "#src/gateway/relay.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { encode } from "#src/lib/bytes.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import type { Exchange } from "#src/provider/exchange.ts";
import { startHarness } from "#test/gateway/harness.ts";

test("relay() leaves no exchange open when the answer cannot be begun", async () => {
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
  // A header of ours that is none stands for whatever may throw there.
  const broken = { ...job, generationId: "a\0b" };
  const aborted: string[] = [];
  const exchange: Exchange = {
    head: Promise.resolve({ status: 200, header: () => undefined }),
    read: () => Promise.resolve(undefined),
    bytes: () => new Uint8Array(),
    abort: ({ message }) => void aborted.push(message),
  };
  const answer = { route, wire: "openai-chat" as const, dropped: [], whole: undefined, bytes: 0 };
  const begun = { ...answer, exchange, trace: [], sentAt: 0, firstByteAt: 0 };
  await expect((async () => relay(broken, begun, app))()).rejects.toThrow();
  expect(aborted).toHaveLength(1);
  app.open.delete(job);
  await close();
  await harness.close();
});
