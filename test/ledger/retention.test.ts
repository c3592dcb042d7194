import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { generateKeyPairSync, sign } from "node:crypto";
import { idOf } from "#src/account/signing-key.ts";
import { linkHash } from "#src/ledger/chain.ts";
import { readRemoval } from "#src/ledger/removal.ts";
import { totals } from "#src/ledger/rollups.ts";
import { type Ask, dayMs, firstDay, type House, openHouse } from "./retention-kit.ts";

const hour = 3_600_000;
const usageDays = 32;

const ask: fc.Arbitrary<Ask> = fc.record({
  chain: fc.nat(2),
  account: fc.nat(1),
  day: fc.nat(9),
  // Some so late on their day that they may count in the window after it.
  ms: fc.oneof(
    fc.integer({ min: 0, max: dayMs - 1 }),
    fc.integer({ min: dayMs - 600_000, max: dayMs - 1 }),
  ),
  cost: fc.nat(1000),
  milligrams: fc.nat(50),
});

function fail(): never {
  throw new Error("there is no such request");
}

/** Ids that stay by the rule: of each chain, all from the first on that is young enough. */
function keptOf(made: readonly { id: string; ask: Ask }[], now: number): string[] {
  const before = now - (now % dayMs) - usageDays * dayMs;
  const over = new Set<number>();
  return made.flatMap(({ id, ask: { chain, day, ms } }) => {
    if (firstDay + day * dayMs + ms >= before) over.add(chain);
    return over.has(chain) ? [id] : [];
  });
}

async function idsIn({ store }: House): Promise<string[]> {
  const rows = await store.read("SELECT id FROM generation_record ORDER BY position", []);
  return rows.map(({ id }) => String(id));
}

test("whatever is removed, and however often, the ledger verifies, and every sum is what it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(ask, { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 30, max: 45 }), { minLength: 1, maxLength: 4 }),
      async (asks, days) => {
        using house = await openHouse();
        const generations = await house.record(asks);
        const made = generations.map(({ id }, at) => ({ id, ask: asks[at] ?? fail() }));
        const sums = await totals(house.store, {});
        const money = await Promise.all(house.accounts.map(house.money));
        expect(await house.findings()).toEqual([]);
        for (const day of days.toSorted((a, b) => a - b)) {
          house.clock.set(firstDay + day * dayMs + 5 * hour);
          await house.retention().run();
          expect(await house.findings()).toEqual([]);
          expect(await idsIn(house)).toEqual(keptOf(made, house.clock.now()));
          expect(await totals(house.store, {})).toEqual(sums);
          expect(await Promise.all(house.accounts.map(house.money))).toEqual(money);
        }
        for (const { listed, balance } of money) expect(listed).toBe(balance);
        const { removed, rows } = await house.audit();
        expect(removed.rows + rows).toBe(asks.length);
        expect(house.stopped).toEqual([]);
      },
    ),
    { numRuns: 12 },
  );
}, 60_000);

/** Twelve rows in three chains, one a day; of chain 0 all are removed, of chain 1 the first three in two runs, of chain 2 none. */
async function halfRemoved(): Promise<House> {
  const house = await openHouse();
  const days = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 8],
    [1, 9],
    [1, 10],
    [2, 8],
    [2, 8],
    [2, 9],
    [2, 10],
  ] as const;
  await house.record(
    days.map(([chain, day], at) => ({
      ...{ chain, day, account: at % 2, ms: hour * (at + 1), cost: 100 + at, milligrams: at },
    })),
  );
  for (const day of [34, 36]) {
    house.clock.set(firstDay + day * dayMs + hour);
    await house.retention().run();
  }
  expect(await house.findings()).toEqual([]);
  const ends = await house.run("SELECT chain, first, last FROM removal ORDER BY position");
  expect(ends.map(({ chain, first, last }) => [chain, first, last])).toEqual([
    ["prc_0", 1, 2],
    ["prc_1", 1, 2],
    ["prc_1", 3, 3],
  ]);
  return house;
}

const copied = "id, account_id, record, chain, sequence, previous, hash";

describe("after rows were removed by age, whatever is done by hand is found", () => {
  test.each([
    [
      "a row changed",
      "UPDATE generation_record SET record = replace(record, 'eu-west', 'us-east') WHERE chain = 'prc_1' AND sequence = 5",
    ],
    [
      "the first row that is left changed",
      "UPDATE generation_record SET record = replace(record, 'eu-west', 'us-east') WHERE chain = 'prc_1' AND sequence = 4",
    ],
    [
      "one more row removed",
      "DELETE FROM generation_record WHERE chain = 'prc_1' AND sequence = 4",
    ],
    [
      "a row removed in the middle",
      "DELETE FROM generation_record WHERE chain = 'prc_1' AND sequence = 5",
    ],
    [
      "the last row removed",
      "DELETE FROM generation_record WHERE chain = 'prc_1' AND sequence = 6",
    ],
    [
      "rows of a chain removed of which none were",
      "DELETE FROM generation_record WHERE chain = 'prc_2'",
    ],
    [
      "two rows in each other's place",
      "UPDATE generation_record SET sequence = 11 - sequence WHERE chain = 'prc_1' AND sequence IN (5, 6)",
    ],
    [
      "a row put in the place of a removed one",
      `INSERT INTO generation_record (${copied}) SELECT id || 'x', account_id, record, chain, 3, previous, hash FROM generation_record WHERE chain = 'prc_1' AND sequence = 4`,
    ],
    [
      "a row put after the end",
      `INSERT INTO generation_record (${copied}) SELECT id || 'x', account_id, record, chain, 7, hash, hash FROM generation_record WHERE chain = 'prc_1' AND sequence = 6`,
    ],
    [
      "the first record of a removal removed",
      "DELETE FROM removal WHERE chain = 'prc_1' AND first = 1",
    ],
    [
      "the last record of a removal removed",
      "DELETE FROM removal WHERE chain = 'prc_1' AND first = 3",
    ],
    ["the only record of a removal removed", "DELETE FROM removal WHERE chain = 'prc_0'"],
    ["all records of removals removed", "DELETE FROM removal"],
    ["a record given to another chain", "UPDATE removal SET chain = 'prc_2' WHERE chain = 'prc_0'"],
    [
      "a record that claims more",
      "UPDATE removal SET last = 4 WHERE chain = 'prc_1' AND first = 3",
    ],
    [
      "another hash beside a record",
      "UPDATE removal SET hash = 'x' WHERE chain = 'prc_1' AND first = 3",
    ],
    ["another time beside a record", "UPDATE removal SET until = until - 1 WHERE first = 3"],
    [
      "the signature of another record",
      "UPDATE removal SET signature = (SELECT signature FROM removal AS one WHERE one.chain = 'prc_0') WHERE first = 3",
    ],
    ["what is brought forward", "UPDATE removed_usage SET cost = cost + 1"],
    ["how many requests are brought forward", "UPDATE removed_usage SET requests = requests + 1"],
    ["nothing brought forward", "DELETE FROM removed_usage"],
    [
      "what a removed row cost, and the credit that it used",
      "UPDATE allowance SET used = used + 1 WHERE kind = 'credit'",
    ],
    ["a daily total of removed rows", "UPDATE rollup SET cost = cost + 1 WHERE day = '2026-01-01'"],
    ["a daily total of removed rows gone", "DELETE FROM rollup WHERE day = '2026-01-02'"],
    [
      "what a key had used of a limit on a day of removed rows",
      "UPDATE allowance SET used = used + 1 WHERE kind = 'key_daily' AND window_start = 1767225600000",
    ],
    [
      "a process forgotten of which all rows were removed",
      "DELETE FROM process WHERE id = 'prc_0'",
    ],
    [
      "the end of a chain of which all rows were removed",
      "UPDATE process SET head = 'x' WHERE id = 'prc_0'",
    ],
  ])("%s", async (_, sql) => {
    using house = await halfRemoved();
    await house.run(sql);
    expect((await house.findings()).length).toBeGreaterThan(0);
  });

  test("a record that is gone is named by the one after it", async () => {
    using house = await halfRemoved();
    await house.run("DELETE FROM removal WHERE chain = 'prc_1' AND first = 1");
    expect((await house.audit()).faults.map(({ message }) => message)).toEqual([
      "The removal of rows 3 to 3 of chain prc_1 does not begin where the removal before it ended, at row 0",
    ]);
  });

  test("any character of a record or its signature changed", async () => {
    using house = await halfRemoved();
    const [row] = await house.run("SELECT record, signature FROM removal WHERE first = 3");
    const texts = { record: String(row?.["record"]), signature: String(row?.["signature"]) };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("record", "signature"),
        fc.nat(5000),
        fc.integer({ min: 33, max: 126 }),
        async (column, place, code) => {
          const text = column === "record" ? texts.record : texts.signature;
          const at = place % text.length;
          fc.pre(text.charCodeAt(at) !== code);
          const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
          await house.run(`UPDATE removal SET ${column} = ? WHERE first = 3`, changed);
          const { faults } = await house.audit();
          await house.run(`UPDATE removal SET ${column} = ? WHERE first = 3`, text);
          expect(faults.length).toBeGreaterThan(0);
          expect(faults[0]?.message).toContain("The removal of rows 3 to 3 of chain prc_1");
        },
      ),
      { numRuns: 60 },
    );
    expect(await house.findings()).toEqual([]);
  });

  test("one more row removed, with a record of it that fits and is signed by a key of one's own", async () => {
    using house = await halfRemoved();
    const [row] = await house.run(
      "SELECT record, previous, hash, account_id, id FROM generation_record WHERE chain = 'prc_1' AND sequence = 4",
    );
    const [model] = await house.run("SELECT record FROM removal WHERE first = 3");
    expect(linkHash(String(row?.["previous"]), String(row?.["record"]))).toBe(
      String(row?.["hash"]),
    );
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const x = String(publicKey.export({ format: "jwk" }).x);
    const change = (key: string): string =>
      JSON.stringify({
        ...JSON.parse(String(model?.["record"])),
        ...{ first: 4, last: 4, previous: row?.["previous"], hash: row?.["hash"], key },
      });
    // Says that it is the gateway's key, or brings its own into the list of keys.
    const [keys] = await house.run("SELECT value FROM setting WHERE key = 'signing_keys'");
    const known: { id: string }[] = JSON.parse(String(keys?.["value"]));
    await house.run("DELETE FROM generation_record WHERE chain = 'prc_1' AND sequence = 4");
    await house.run(
      "UPDATE setting SET value = ? WHERE key = 'signing_keys'",
      JSON.stringify([...known, { id: idOf(x), publicKey: x, createdAt: 0 }]),
    );
    for (const key of [idOf(x), known[0]?.id ?? ""]) {
      const record = change(key);
      expect(readRemoval(record)).toBeDefined();
      const bytes = Buffer.from(`lowrouter-ledger-head-v1\n${record}`);
      await house.run(
        `INSERT INTO removal (chain, first, last, hash, until, record, signature) SELECT 'prc_1', 4, 4, ?, until, ?, ?
         FROM removal WHERE first = 3`,
        String(row?.["hash"]),
        record,
        sign(null, bytes, privateKey).toString("base64url"),
      );
      const { faults } = await house.audit();
      expect(faults.map(({ message }) => message)).toEqual([
        expect.stringContaining("The removal of rows 4 to 4 of chain prc_1 "),
      ]);
      await house.run("DELETE FROM removal WHERE first = 4");
    }
  });
});

describe("what is no more what was written is not removed, so that it stays to be seen", () => {
  test("a changed row, and all that follow it in its chain", async () => {
    using house = await openHouse();
    const at = (chain: number, day: number): Ask => ({
      chain,
      day,
      account: 0,
      ms: 0,
      cost: 1,
      milligrams: 1,
    });
    await house.record([at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1)]);
    await house.run(
      "UPDATE generation_record SET record = replace(record, 'eu-west', 'us-east') WHERE chain = 'prc_0' AND sequence = 2",
    );
    house.clock.set(firstDay + 60 * dayMs);
    expect(await house.retention().run()).toBe(3);
    expect(house.stopped).toEqual([
      expect.stringContaining("Cannot remove old usage from row 2 of chain prc_0 on: "),
    ]);
    const { faults } = await house.audit();
    expect(faults).toMatchObject([{ fault: "changed", chain: "prc_0", sequence: 2 }]);
  });

  test("the rows behind one that somebody removed", async () => {
    using house = await openHouse();
    await house.record(
      [0, 1, 2].map((day) => ({ chain: 0, day, account: 0, ms: 0, cost: 1, milligrams: 1 })),
    );
    await house.run("DELETE FROM generation_record WHERE sequence = 2");
    house.clock.set(firstDay + 60 * dayMs);
    expect(await house.retention().run()).toBe(1);
    expect(house.stopped).toEqual([
      expect.stringContaining("Cannot remove old usage from row 3 of chain prc_0 on: "),
    ]);
    expect((await house.audit()).faults).toMatchObject([{ fault: "removed", sequence: 2 }]);
  });

  test("rows whose end was published before they were changed and linked anew", async () => {
    using house = await openHouse();
    await house.record([{ chain: 0, day: 0, account: 0, ms: 0, cost: 1, milligrams: 1 }]);
    const [row] = await house.run("SELECT record, previous FROM generation_record");
    const record = String(row?.["record"]).replace("eu-west", "us-east");
    const hash = linkHash(String(row?.["previous"]), record);
    await house.run("UPDATE generation_record SET record = ?, hash = ?", record, hash);
    await house.run("UPDATE process SET head = ?", hash);
    house.clock.set(firstDay + 60 * dayMs);
    expect(await house.retention().run()).toBe(0);
    expect(house.stopped).toHaveLength(1);
    expect((await house.audit()).faults).toMatchObject([{ fault: "changed", sequence: 1 }]);
  });
});
