import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProvider } from "#src/demo/provider.ts";
import { openaiWire } from "#src/demo/wire-openai.ts";
import { findGeneration } from "#src/ledger/generations.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { openStore } from "#src/store/open.ts";
import { command, start } from "#test/bin/executable.ts";

const rounds = 50;
const clients = 8;

test("kill -9 under load, fifty times: no answer that a client saw complete is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lowrouter-kill-"));
  const at = ["--data-dir", folder];
  const upstream = startProvider(openaiWire(systemClock, createIds(systemClock)), {
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: 0,
  });
  const env = { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: "x" };
  await command(["account", "create", "--name", "acme", "--balance", "1000", ...at]);
  const { key } = JSON.parse(
    (await command(["key", "create", "--account", "acme", "--name", "k", "--json", ...at])).out,
  );
  const seen = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const serving = await start(["serve", ...at], env);
    let running = true;
    const load = Array.from({ length: clients }, async (_, index) => {
      while (running) {
        const stream = index % 2 === 0;
        try {
          const response = await fetch(`${serving.url}/v1/chat/completions`, {
            method: "POST",
            headers: { authorization: `Bearer ${key}` },
            body: JSON.stringify({
              model: "openai/gpt-4o-mini",
              stream,
              max_tokens: 20,
              messages: [{ role: "user", content: "Hello" }],
            }),
          });
          const text = await response.text();
          const complete = stream ? text.endsWith("data: [DONE]\n\n") : text.endsWith("}");
          const id = response.headers.get("x-lowrouter-generation-id");
          if (response.status === 200 && complete && id) seen.add(id);
        } catch {
          // The process was killed under this request: it saw no complete answer.
          return;
        }
      }
    });
    await Bun.sleep(40 + (round % 5) * 20);
    serving.child.kill("SIGKILL");
    running = false;
    await Promise.all([serving.child.exited, ...load]);
  }
  const verified = await command(["audit", "verify", "--json", ...at]);
  expect(JSON.parse(verified.out).data).toMatchObject({ ok: true, faults: [], imbalances: [] });
  const store = await openStore({ url: `file:${join(folder, "lowrouter.db")}` });
  const missing: string[] = [];
  for (const id of seen)
    if ((await findGeneration(store, undefined, id)) === undefined) missing.push(id);
  store.close();
  expect(seen.size).toBeGreaterThan(rounds);
  expect(missing).toEqual([]);
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);
