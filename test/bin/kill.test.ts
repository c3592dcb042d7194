import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { findGeneration } from "#src/ledger/generations.ts";
import { checkBalances } from "#src/ledger/transactions.ts";
import { openStore } from "#src/store/open.ts";
import { command, executable, json, start } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const rounds = 50;
const clients = 16;

const created = v.looseObject({ key: v.string() });
const verified = v.looseObject({ data: v.looseObject({ ok: v.boolean(), rows: v.number() }) });

beforeAll(async () => void (await executable()), 60_000);

test("kill -9 under load, fifty times: no answer that a client saw complete is missing, no balance is off", async () => {
  using folder = temporaryFolder();
  const at = ["--data-dir", folder.path];
  const upstream = startOpenai();
  await command(["account", "create", "--name", "acme", "--balance", "1000", ...at]);
  const { key } = v.parse(
    created,
    await json(["key", "create", "--account", "acme", "--name", "k", ...at]),
  );
  let complete = 0;
  let cut = 0;
  for (let round = 0; round < rounds; round++) {
    const serving = await start(["serve", ...at], { env: upstream.env });
    // From the first answers to the middle of many: each round another moment.
    let left = 4 + (round % 7) * 6;
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const answered = () => --left > 0 || resolve();
    const load = Array.from({ length: clients }, (_, index) =>
      ask(serving.url, key, index, answered),
    );
    await Promise.race([enough, Promise.all(load)]);
    await Bun.sleep(round % 5);
    serving.kill("SIGKILL");
    expect(await serving.ended).toBeNull();
    const seen = await Promise.all(load);
    // What the dead process left, before a start could mend it.
    const missing = await missingOf(
      folder.path,
      seen.flatMap((one) => one.complete),
    );
    expect({ round, ...missing }).toEqual({ round, generations: [], imbalances: [] });
    expect(seen.flatMap((one) => one.refused ?? [])).toEqual([]);
    complete += seen.reduce((sum, one) => sum + one.complete.length, 0);
    cut += seen.filter((one) => one.cut).length;
    expect(serving.err()).not.toContain('"level":"error"');
  }
  console.log(`${complete} answers seen complete, ${cut} cut off by ${rounds} kills`);
  expect(complete).toBeGreaterThan(rounds * clients);
  expect(cut).toBeGreaterThan(rounds);
  const { data } = v.parse(verified, await json(["audit", "verify", ...at]));
  expect(data.ok).toBe(true);
  expect(data.rows).toBeGreaterThanOrEqual(complete);
  // A start takes back what the dead had leased, so that all of the credit can be spent again.
  const last = await start(["serve", ...at], { env: upstream.env });
  expect(await last.stop()).toBe(0);
  expect(await leasedIn(folder.path)).toBe(0);
  await upstream.stop();
}, 120_000);

/** What one client saw until the process died under it. */
interface Seen {
  /** Generations whose answer it has whole. */
  complete: string[];
  /** Whether its last request was under way. */
  cut: boolean;
  /** An answer other than 200. */
  refused?: string;
}

/** Asks again and again, whole answers and streams in turn, until nobody answers. */
async function ask(url: string, key: string, index: number, answered: () => void): Promise<Seen> {
  const complete: string[] = [];
  for (let turn = index; ; turn++) {
    const stream = turn % 2 === 0;
    try {
      const response = await chat(url, key, "Hello", { stream, max_tokens: 20 });
      const text = await response.text();
      if (response.status !== 200) return { complete, cut: false, refused: text };
      const id = response.headers.get("x-lowrouter-generation-id");
      const whole = stream ? text.endsWith("data: [DONE]\n\n") : text.endsWith("}");
      if (id === null || !whole) return { complete, cut: true };
      complete.push(id);
      answered();
    } catch (thrown) {
      const late =
        thrown instanceof Error && "code" in thrown && thrown.code === "ConnectionRefused";
      // Nobody was there any more, or the process was killed under this request.
      return { complete, cut: !late };
    }
  }
}

async function missingOf(folder: string, ids: string[]) {
  const store = await openStore({ url: `file:${join(folder, "lowrouter.db")}` });
  try {
    const generations: string[] = [];
    for (const id of ids)
      if ((await findGeneration(store, undefined, id)) === undefined) generations.push(id);
    return { generations, imbalances: await checkBalances(store) };
  } finally {
    store.close();
  }
}

async function leasedIn(folder: string): Promise<unknown> {
  const store = await openStore({ url: `file:${join(folder, "lowrouter.db")}` });
  try {
    const [row] = await store.read("SELECT sum(leased) AS leased FROM allowance", []);
    return row?.["leased"];
  } finally {
    store.close();
  }
}
