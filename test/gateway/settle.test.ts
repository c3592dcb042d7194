import { expect, test } from "bun:test";
import { createGateway } from "#src/app.ts";
import { loadConfig } from "#src/config/load.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { chatFront } from "#src/gateway/front.ts";
import { open } from "#src/gateway/open.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { settle } from "#src/gateway/settle.ts";
import { encode } from "#src/lib/bytes.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { startHarness } from "#test/gateway/harness.ts";

test("settle() counts once, however often an ending is told", async () => {
  const harness = await startHarness();
  const config = loadConfig({ dataDir: harness.folder }, {});
  const log = createLog({ clock: systemClock, level: "error", format: "json", write() {} });
  const { app, close } = await createGateway({ config, store: harness.store, log });
  const caller = await app.findCaller(harness.key);
  if (caller === undefined) throw new Error("the key is known");
  const body = encode('{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}');
  const front = chatFront({ client: openaiChatClient, splice: openaiChatSplice, idPrefix: "x-" });
  const request = new Request("http://gateway/v1/chat/completions", { method: "POST" });
  const call = { request, body, front, receivedAt: Date.now(), startedAt: performance.now() };
  const ask = front.peek(body, request.url);
  const job = open(call, ask, caller, await reserve(caller, ask, [], app), [], app);
  await settle(job, { status: "client_cancelled", trace: [] }, undefined, app);
  await settle(job, { status: "ok", trace: [] }, undefined, app);
  expect(await harness.rows()).toMatchObject([{ status: "client_cancelled" }]);
  await close();
  await harness.close();
});

test("a request is attributed to the app that it names: by title, else by where that is at home", async () => {
  const harness = await startHarness();
  const asked: Record<string, string>[] = [
    { "x-title": "Notebook", "http-referer": "https://app.example/a?token=secret" },
    { "x-openrouter-title": "Alias" },
    { "http-referer": "https://app.example:8443/a?token=secret" },
    { "http-referer": "not an address" },
    {},
  ];
  for (const headers of asked) await harness.chat({ max_tokens: 5 }, { headers });
  const rows = await harness.store.read("SELECT app, record FROM generation ORDER BY id", []);
  const apps = rows.map(({ app }) => app);
  expect(apps).toEqual(["Notebook", "Alias", "app.example:8443", null, null]);
  expect(JSON.stringify(rows)).not.toContain("token=secret");
  await harness.close();
});
