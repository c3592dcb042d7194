import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openStore } from "#src/store/open.ts";
import { command, executable, json, start, until } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const data = (name: string) => join(folder.path, name);
const ids: string[] = [];

beforeAll(async () => {
  await executable();
  const serving = await start(["serve", "--data-dir", data("state")], { env: upstream.env });
  await until("it shows the first key", () => /lr_live_\w{20}/.test(serving.err()));
  const key = /lr_live_\w+/.exec(serving.err())?.[0] ?? "";
  for (let turn = 0; turn < 5; turn++) {
    const answer = await chat(serving.url, key);
    await answer.text();
    ids.push(answer.headers.get("x-lowrouter-generation-id") ?? "");
  }
  await serving.stop();
  await json(["backup", data("copy.db"), "--data-dir", data("state")]);
}, 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

/** How `audit verify` ends on a copy of the ledger with which something was done. */
async function verified(name: string, ...statements: string[]) {
  const at = ["--data-dir", data(name)];
  await json(["restore", data("copy.db"), ...at]);
  const store = await openStore({ url: `file:${data(name)}/lowrouter.db` });
  await store.write(statements.map((sql) => ({ sql, args: [] })));
  store.close();
  const people = await command(["audit", "verify", ...at]);
  const programs = await command(["audit", "verify", "--json", ...at]);
  const report: unknown = JSON.parse(programs.out);
  return { people, report, code: programs.code };
}

test("an untouched ledger verifies, with 0", async () => {
  const { people, report, code } = await verified("whole");
  expect([people.code, code]).toEqual([0, 0]);
  expect(people.out).toStartWith("5 rows in ");
  expect(people.out).toContain("The ledger verifies");
  expect(report).toMatchObject({ data: { ok: true, rows: 5, faults: [], imbalances: [] } });
});

const second = "WHERE sequence = 2";
test.each([
  ["changed", [`UPDATE generation_record SET record = replace(record, '"ok"', '"no"') ${second}`]],
  ["removed", [`DELETE FROM generation_record ${second}`]],
  [
    "reordered",
    [
      `UPDATE generation_record SET sequence = 99 ${second}`,
      "UPDATE generation_record SET sequence = 2 WHERE sequence = 4",
      "UPDATE generation_record SET sequence = 4 WHERE sequence = 99",
    ],
  ],
  [
    "inserted",
    [
      `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
       SELECT 'gen_forged', account_id, record, chain, sequence, previous, hash FROM generation_record ${second}`,
    ],
  ],
])("a row that was %s is named, with 1", async (fault, statements) => {
  const { people, report, code } = await verified(fault, ...statements);
  expect([people.code, code]).toEqual([1, 1]);
  const line = people.out.split("\n").find((one) => one.startsWith(`${fault}: Row 2 of chain `));
  const named = { changed: ids[1], reordered: ids[3], inserted: "gen_forged" }[fault];
  expect(line).toContain(`was ${fault}`);
  if (named !== undefined) expect(line).toContain(`(${named})`);
  expect(people.out).not.toContain("The ledger verifies");
  expect(people.err).toContain("does not verify");
  const faults = expect.arrayContaining([expect.objectContaining({ fault, sequence: 2 })]);
  expect(report).toMatchObject({ data: { ok: false, faults } });
});

test("a balance that is not the sum of its transactions is named, with 1", async () => {
  const sql = "UPDATE allowance SET used = used + 1 WHERE kind = 'credit'";
  const { people, report, code } = await verified("moved", sql);
  expect([people.code, code]).toEqual([1, 1]);
  expect(people.out).toMatch(/account acc_\w+: balance -?\d+ is not the sum of its transactions/);
  expect(report).toMatchObject({ data: { ok: false, faults: [], imbalances: [{}] } });
});
