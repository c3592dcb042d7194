import { expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { chat } from "#test/bench/plan.ts";
import { freePort } from "#test/lib/port.ts";
import { start, temporaryFolder } from "#test/bench/process.ts";
import { plainHeaders, upstream } from "#test/bench/target.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { nano } from "#src/ledger/money.ts";
import { generationOf } from "#src/ledger/row.ts";
import { openStore } from "#src/store/open.ts";

const told = v.looseObject({
  lowrouter: v.looseObject({ eco: v.looseObject({ energy_wh: v.number() }) }),
});

test("the least gateway does what a gateway does: its answers are metered, and its rows hold", async () => {
  await using folder = await temporaryFolder();
  const direct = await upstream(folder.path);
  const port = freePort();
  const script = join(import.meta.dir, "least.ts");
  const least = await start({
    name: "least",
    command: [process.execPath, script, String(port), String(direct.port), folder.path],
    port,
    folder: folder.path,
  });
  try {
    const ask = async (headers: Record<string, string>, bytes?: number) => {
      const url = `http://127.0.0.1:${port}/v1/chat/completions`;
      return fetch(url, { method: "POST", headers, body: chat({ kind: "answer" }, bytes) });
    };
    expect((await ask({ authorization: "Bearer y" })).status).toBe(401);
    const answers = await Promise.all([
      ...[ask(plainHeaders), ask(plainHeaders)],
      ask(plainHeaders, 1_000_000),
    ]);
    const bodies = await Promise.all(answers.map(async (one) => v.parse(told, await one.json())));
    expect(bodies[0]).toMatchObject({
      model: "openai/gpt-4o-mini",
      usage: { prompt_tokens: 210, completion_tokens: 180, cost: 0.0001395 },
      lowrouter: { provider: "openai", eco: { energy_wh: expect.closeTo(1.1826, 6) } },
    });
    await least.stop();
    const store = await openStore({ url: `file:${join(folder.path, "least.db")}` });
    const records: string[] = [];
    const report = await verifyChain(store, { onRecord: (record) => records.push(record) });
    expect(report).toEqual({ chains: 1, rows: 3, faults: [] });
    expect(records.map(generationOf).map(({ cost, energyWh }) => ({ cost, energyWh }))).toEqual(
      bodies.map(({ lowrouter }) => ({ cost: nano(139_500), energyWh: lowrouter.eco.energy_wh })),
    );
    const [totals] = await store.read("SELECT requests, cost, output_visible FROM rollup", []);
    expect(totals).toMatchObject({ requests: 3, cost: 418_500, output_visible: 540 });
    store.close();
  } finally {
    await least.stop();
    await direct.stop();
  }
});
