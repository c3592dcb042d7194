import { describe, expect, test } from "bun:test";
import { recordMembers } from "#db/record.ts";
import { linkHash, verifyChain } from "#src/ledger/chain.ts";
import { createLedger } from "#src/ledger/commit.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

const length = 6;
const places = Array.from({ length }, (_, at) => at + 1);

/** What is wrong with a chain of six rows after somebody was at it. */
async function found(tamper: (store: Store, ids: string[]) => Promise<void>) {
  using kept = await temporaryStore();
  const { store } = kept;
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  const made = Array.from({ length }, () => sampleGeneration());
  for (const generation of made) await ledger.record({ generation, movements: [] });
  const ids = made.map(({ id }) => id);
  expect((await verifyChain(store)).faults).toEqual([]);
  await tamper(store, ids);
  const { faults } = await verifyChain(store);
  return {
    ids,
    named: faults.map(({ fault, sequence }) => [fault, sequence]),
    messages: faults.map(({ message }) => message),
    generations: faults.map(({ generationId }) => generationId),
  };
}

const run = async (store: Store, ...statements: string[]) =>
  void (await store.write(statements.map((sql) => ({ sql, args: [] }))));

const contents = "id, account_id, record, previous, hash";

/** Puts the contents of two rows into each other's place. */
function exchange(one: number, other: number): string[] {
  return [
    `CREATE TEMP TABLE moved AS SELECT ${contents}, CASE sequence WHEN ${one} THEN ${other} ELSE ${one} END AS target
     FROM generation_record WHERE sequence IN (${one}, ${other})`,
    `UPDATE generation_record SET id = id || '-' WHERE sequence IN (${one}, ${other})`,
    `UPDATE generation_record SET (${contents}) = (SELECT ${contents} FROM moved WHERE target = sequence)
     WHERE sequence IN (${one}, ${other})`,
  ];
}

/** A new row whose hash fits its record, behind a hash that is in no row or in the one given. */
async function forged(store: Store, sequence: number, previous: string): Promise<void> {
  const [row] = await store.read("SELECT record FROM generation_record WHERE sequence = 2", []);
  const members: unknown[] = JSON.parse(String(row?.["record"]));
  const id = `gen_forged${sequence}`;
  const record = JSON.stringify(members.with(recordMembers.indexOf("id"), id));
  await store.write([
    {
      sql: "INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash) VALUES (?, ?, ?, 'prc_1', ?, ?, ?)",
      args: [id, String(members[2]), record, sequence, previous, linkHash(previous, record)],
    },
  ]);
}

describe("whatever is done to a row of the ledger is found, and the row is named", () => {
  test.each(places)("a changed member of row %i", async (at) => {
    const column = recordMembers.indexOf("cost");
    const { named, generations, messages, ids } = await found((store) =>
      run(
        store,
        `UPDATE generation_record SET record = json_set(record, '$[${column}]', 1) WHERE sequence = ${at}`,
      ),
    );
    expect(named).toEqual([["changed", at]]);
    expect(generations).toEqual([ids[at - 1]]);
    expect(messages[0]).toContain(`(${ids[at - 1]}) was changed`);
  });

  test.each(recordMembers.map((name, at) => [name, at] as const))("a changed %s", async (_, at) => {
    const { named } = await found((store) =>
      run(
        store,
        `UPDATE generation_record SET record = json_set(record, '$[${at}]', 'other') WHERE sequence = 3`,
      ),
    );
    expect(named).toEqual([["changed", 3]]);
  });

  test.each(["id = 'gen_other'", "account_id = 'acc_2'", "hash = 'x'"])(
    "a column beside the record: %s",
    async (change) => {
      const { named } = await found((store) =>
        run(store, `UPDATE generation_record SET ${change} WHERE sequence = 3`),
      );
      expect(named).toContainEqual(["changed", 3]);
    },
  );

  test.each(places)("row %i removed", async (at) => {
    const { named, messages } = await found((store) =>
      run(store, `DELETE FROM generation_record WHERE sequence = ${at}`),
    );
    expect(named).toEqual([["removed", at]]);
    expect(messages[0]).toContain(`Row ${at} of chain prc_1 was removed`);
  });

  test("all rows removed", async () => {
    const { named } = await found((store) => run(store, "DELETE FROM generation_record"));
    expect(named).toEqual(places.map((at) => ["removed", at]));
  });

  test.each([
    [1, 2],
    [2, 3],
    [1, 4],
    [3, 6],
    [5, 6],
  ])("the contents of rows %i and %i exchanged", async (one, other) => {
    const { named } = await found((store) => run(store, ...exchange(one, other)));
    for (const at of [one, other].filter((place) => place < length))
      expect(named).toContainEqual(["reordered", at]);
    expect(named.map(([fault]) => fault)).not.toContain("inserted");
  });

  test("the numbers of two rows exchanged", async () => {
    const { named } = await found((store) =>
      run(
        store,
        "UPDATE generation_record SET sequence = 99 WHERE sequence = 2",
        "UPDATE generation_record SET sequence = 2 WHERE sequence = 5",
        "UPDATE generation_record SET sequence = 5 WHERE sequence = 99",
      ),
    );
    expect(named).toContainEqual(["reordered", 2]);
  });

  test.each([-1, 0, 1, 3, 6, 7, 100])("a row with the number %i that nobody wrote", async (at) => {
    const { named, generations } = await found((store) => forged(store, at, "nowhere"));
    expect(named).toEqual([["inserted", at]]);
    expect(generations).toEqual([`gen_forged${at}`]);
  });

  test("a row put in another's place, with a hash of its own", async () => {
    const { named, generations } = await found(async (store) => {
      await run(store, "DELETE FROM generation_record WHERE sequence >= 3");
      await forged(store, 3, "nowhere");
    });
    expect(named).toContainEqual(["inserted", 3]);
    expect(generations).toContain("gen_forged3");
  });
});
