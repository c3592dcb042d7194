/* What stands around the ledger when old rows are gone: statements, the command line, a gateway, spools, settings. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listAudit } from "#src/account/people/audit.ts";
import { headSigner } from "#src/account/head-signer.ts";
import { createGateway } from "#src/app.ts";
import { run } from "#src/cli/program.ts";
import { ConfigError } from "#src/config/error.ts";
import { loadConfig } from "#src/config/load.ts";
import { createRetention } from "#src/ledger/retention.ts";
import { openLeftSpools } from "#src/ledger/spool-left.ts";
import { spoolFolder } from "#src/ledger/spool-file.ts";
import { lineOf } from "#src/ledger/spool-line.ts";
import { listTransactions } from "#src/ledger/transactions.ts";
import { createLog } from "#src/observe/log.ts";
import { findHeads } from "#src/statement/find-heads.ts";
import { signedJson } from "#src/statement/sign.ts";
import { verifyFile } from "#src/statement/verify.ts";
import { openStore } from "#src/store/open.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { type Kit, startKit } from "#test/statement/kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { dayMs, firstDay, openHouse } from "./retention-kit.ts";
import { sampleGeneration } from "./sample.ts";

async function removeOld({ store, clock, place }: Kit, now: number): Promise<number> {
  clock.set(now);
  const retention = createRetention({
    ...{ store, clock, processId: "proc_test1", usageDays: 32, pauseMs: 0 },
    signer: () => headSigner(store, place, clock),
    heads: () => [],
    beside: () => [],
    onRemoved() {},
    onStopped(message) {
      throw new Error(message);
    },
  });
  return retention.run();
}

describe("statements of months whose requests were removed", () => {
  const [september, october] = [Date.UTC(2026, 8, 1), Date.UTC(2026, 9, 1)];

  test("are not made anew, and say until when requests are gone; those of later months and of other accounts are", async () => {
    using own = await startKit();
    await own.write([
      ...[0, 1, 2].map((day) => ({ at: september + day * dayMs, account: own.account.id })),
      { at: october + 20 * dayMs, account: own.account.id },
      { at: october + 20 * dayMs, account: own.other.id },
    ]);
    const before = await own.statement("2026-10", own.account);
    expect(await removeOld(own, september + 34 * dayMs)).toBe(2);
    own.clock.set(Date.UTC(2026, 11, 3));
    // One of three is still there, and would be all that it states.
    for (const account of [own.account, undefined])
      await expect(own.statement("2026-09", account)).rejects.toThrow(
        "Cannot make the statement of 2026-09: requests until 2026-09-02 are not kept one by one any more (retention.usage_days)",
      );
    expect((await own.statement("2026-09", own.other)).statement.totals.requests).toBe(0);
    expect((await own.statement("2026-10", own.other)).statement.totals.requests).toBe(1);
    const after = await own.statement("2026-10", own.account);
    expect(after.statement.totals).toEqual(before.statement.totals);
  });

  test("verify as they did when they were made, and their heads are told apart from those that are missing", async () => {
    using own = await startKit();
    await own.write(
      [0, 1, 40].map((day) => ({ at: september + day * dayMs, account: own.account.id })),
    );
    const issued = await own.statement("2026-09", own.account);
    const { heads } = issued.statement.ledger;
    expect(await findHeads(own.store, heads)).toEqual({ missing: [], removed: [] });
    await removeOld(own, september + 33 * dayMs);
    // The head is of the second row: the first is gone.
    expect(await findHeads(own.store, heads)).toEqual({ missing: [], removed: [] });
    await removeOld(own, september + 34 * dayMs);
    // Its hash is known, as the last of a removal.
    expect(await findHeads(own.store, heads)).toEqual({ missing: [], removed: [] });
    const [head] = heads;
    if (head === undefined) throw new Error("the statement has a head");
    const others = [
      { ...head, sequence: 1, hash: "0".repeat(64) },
      { ...head, sequence: 3, hash: "0".repeat(64) },
    ];
    expect(await findHeads(own.store, others)).toEqual({
      missing: [`${head.chain} 3`],
      removed: [`${head.chain} 1`],
    });
    const bytes = new TextEncoder().encode(signedJson(issued));
    expect(verifyFile({ bytes, side: undefined, keys: [] }).kind).toBe("json");
  });
});

test("a gateway removes what is old, says so in the audit log, and the command line says so too", async () => {
  using folder = temporaryFolder();
  const config = loadConfig({ dataDir: folder.path }, { USAGE_RETENTION_DAYS: "40" });
  const store = await openStore({ url: config.database.url });
  const clock = createFakeClock(firstDay + 100 * dayMs);
  const lines: string[] = [];
  const log = createLog({
    clock,
    level: "info",
    format: "json",
    write: (line) => lines.push(line),
  });
  const gateway = await createGateway({ config, store, log, clock });
  const createdAt = firstDay + 70 * dayMs;
  for (const time of [firstDay, firstDay + 1, createdAt])
    await gateway.app.ledger.record({
      generation: sampleGeneration({ createdAt: time }),
      movements: [],
    });
  expect(await gateway.retention.run()).toBe(2);
  expect(lines.join("")).toContain("old_usage_removed");
  const { items } = await listAudit(store, { pageSize: 10, action: "usage.removed" });
  expect(items).toMatchObject([
    {
      actor: "retention",
      detail: { rows: 2, until: "2026-01-01T00:00:00.001Z", usage_days: 40 },
    },
  ]);
  const listed = await listTransactions(store, "acc_1", { pageSize: 10 });
  expect(listed.items.map(({ type, amount, description }) => [type, amount, description])).toEqual([
    ["usage", -4_200_000, expect.stringContaining("openai/gpt-5.4")],
    ["usage", -8_400_000, "Usage until 2026-01-01, brought forward: 2 requests"],
  ]);
  await gateway.close();
  store.close();
  const command = async (...words: string[]) => {
    let out = "";
    const code = await run([...words, "--data-dir", folder.path], {
      out: (text) => void (out += text),
      err() {},
      colour: false,
    });
    return { code, out };
  };
  const verified = await command("audit", "verify");
  expect([verified.code, verified.out]).toEqual([
    0,
    expect.stringContaining(
      "2 rows before them were removed because they were old, the last of 2026-01-01T00:00:00.001Z",
    ),
  ]);
  const { out } = await command("doctor", "--json");
  const checks = listAt(JSON.parse(out), "data");
  expect(checks.find((one) => at(one, "name") === "old usage")).toMatchObject({
    ok: true,
    found: expect.stringContaining(
      "kept for 396 days; 2 rows until 2026-01-01T00:00:00.001Z were removed, the last on ",
    ),
  });
  expect(checks.find((one) => at(one, "name") === "database")).toMatchObject({
    found: "whole; 1 ledger rows verify, 2 before them were removed because they were old",
  });
}, 30_000);

test("what a dead process left that may be among the removed rows is set aside, and nobody is charged twice", async () => {
  using house = await openHouse();
  const [first] = await house.record([
    { chain: 0, day: 0, account: 0, ms: 0, cost: 5, milligrams: 0 },
  ]);
  if (first === undefined) throw new Error("there is a row");
  house.clock.set(firstDay + 60 * dayMs);
  await house.retention().run();
  const [account = ""] = house.accounts;
  const before = await house.money(account);
  await house.run("UPDATE process SET expires_at = 0");
  const spool = spoolFolder(house.dataDir);
  mkdirSync(spool, { recursive: true });
  const late = sampleGeneration({ accountId: account, createdAt: firstDay + 59 * dayMs });
  writeFileSync(
    join(spool, "9999999-1-0.prc_0.1.spool"),
    [first, late].map((generation) => lineOf({ generation, movements: [] })).join(""),
  );
  const troubles: string[] = [];
  await openLeftSpools({
    ...{ store: house.store, clock: house.clock, dataDir: house.dataDir },
    onTrouble: (event) => void troubles.push(event),
    onSent() {},
  }).send();
  expect(troubles).toEqual(["row_refused"]);
  const { listed, balance } = await house.money(account);
  expect([listed, balance]).toEqual([before.listed - 4_200_000, before.balance - 4_200_000]);
  await house.heads.publish();
  expect(await house.findings()).toEqual([]);
});

describe("retention.usage_days", () => {
  const daysOf = (value: string) =>
    loadConfig({}, { USAGE_RETENTION_DAYS: value }).retention.usageDays;

  test("is 396 where nobody says another, and may be 0 for ever, or 32 and more", () => {
    expect(loadConfig({}, {}).retention.usageDays).toBe(396);
    expect(["0", "32", "3660"].map(daysOf)).toEqual([0, 32, 3660]);
  });

  test.each(["1", "31", "-1", "32.5", "x"])("%s is refused", (value) => {
    expect(() => daysOf(value)).toThrow(ConfigError);
  });

  test("too few say why, from the environment and from a file", () => {
    expect(() => daysOf("31")).toThrow(
      'Cannot use USAGE_RETENTION_DAYS="31" for retention.usage_days: allowed is 0 to keep all, or at least 32: the statement of a month needs all of it',
    );
    using folder = temporaryFolder();
    const config = join(folder.path, "lowrouter.toml");
    writeFileSync(config, "[retention]\nusage_days = 31\n");
    expect(() => loadConfig({ config }, {})).toThrow(
      "retention.usage_days: found 31, allowed is 0 to keep all, or at least 32: the statement of a month needs all of it",
    );
  });
});
