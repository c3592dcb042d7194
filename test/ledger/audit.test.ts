import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { createAccount } from "#src/account/accounts.ts";
import { headSigner, headVerifier } from "#src/account/head-signer.ts";
import { createKey } from "#src/account/keys.ts";
import { rotateSigningKey, signingKey } from "#src/account/signing-key.ts";
import { auditLedger, isSound } from "#src/ledger/audit.ts";
import { linkHash } from "#src/ledger/chain.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { headsFile, headsText, startHeads } from "#src/ledger/heads.ts";
import { readHeads } from "#src/ledger/heads-log.ts";
import { nano } from "#src/ledger/money.ts";
import { rollupSums } from "#src/ledger/rollup.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store, Value } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

const rowCount = 6;

/** A ledger of six rows in one chain, of an account with credit and a key with limits, and what publishes its heads. */
async function house() {
  const kept = await temporaryStore();
  const folder = temporaryFolder();
  const { store } = kept;
  const clock = createFakeClock();
  const ids = createIds(clock);
  const place = { dataDir: folder.path, isRemote: false, secret: () => undefined };
  const account = await createAccount(store, { clock, ids }, { name: "a", plan: "prepaid" });
  const limits = { dailyLimit: nano(10 ** 12), carbonBudgetG: 10 };
  const { key } = await createKey(store, clock, { accountId: account.id, name: "k", ...limits });
  const credit = { accountId: account.id, type: "credit", amount: nano(10 ** 10) } as const;
  await addCredit(store, { clock, ids }, { ...credit, description: "Test", by: "test" });
  const midnight = Date.UTC(2026, 0, 16);
  clock.set(midnight + 12 * 3_600_000);
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  const record = async (at: number): Promise<void> => {
    const parts = { cost: nano(100 + at), carbonG: at / 1000, createdAt: clock.now() };
    const generation = sampleGeneration({ ...parts, accountId: account.id, keyId: key.hash });
    const window = { owner: key.hash, windowStart: midnight };
    await ledger.record({
      generation,
      movements: [
        { kind: "key_daily", ...window, used: 100 + at },
        { kind: "carbon", ...window, windowStart: Date.UTC(2026, 0), used: at * 1000 },
      ],
    });
  };
  for (let at = 1; at <= rowCount; at++) await record(at);
  const faults: unknown[] = [];
  const heads = (processId = "prc_1") =>
    startHeads({
      store,
      clock,
      processId,
      file: headsFile(folder.path),
      signer: () => headSigner(store, place, clock),
      onFault: (cause) => faults.push(cause),
    });
  return {
    ...{ store, clock, place, ledger, heads, record, faults },
    account: account.id,
    key: key.hash,
    file: headsFile(folder.path),
    audit: (trusted?: string) =>
      auditLedger(store, {
        log: headsText(headsFile(folder.path)),
        isOwnLog: true,
        verifier: headVerifier,
        trusted,
      }),
    run: async (sql: string, ...args: Value[]) => void (await store.write([{ sql, args }])),
    [Symbol.dispose]() {
      kept[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Links the rows of a chain anew from one on, as somebody would who knows how, and moves the recorded end. */
async function relink(store: Store, from: number): Promise<void> {
  const rows = await store.read(
    "SELECT sequence, record, previous FROM generation_record WHERE chain = 'prc_1' AND sequence >= ? ORDER BY sequence",
    [from],
  );
  let previous = String(rows[0]?.["previous"]);
  for (const { sequence = null, record } of rows) {
    const hash = linkHash(previous, String(record));
    const sql = `UPDATE generation_record SET previous = ?, hash = ? WHERE chain = 'prc_1' AND sequence = ?`;
    await store.write([
      { sql, args: [previous, hash, sequence] },
      {
        sql: "UPDATE process SET head = ?, sequence = ? WHERE id = 'prc_1'",
        args: [hash, sequence],
      },
    ]);
    previous = hash;
  }
}

test("a ledger that nobody touched verifies, with all heads published", async () => {
  using made = await house();
  const heads = made.heads();
  await heads.close();
  const audit = await made.audit();
  expect(made.faults).toEqual([]);
  expect([audit.faults, audit.mismatches, audit.headFaults]).toEqual([[], [], []]);
  expect([audit.rows, audit.published.uncovered, isSound(audit)]).toEqual([rowCount, 0, true]);
  expect(statSync(made.file).mode & 0o777).toBe(0o600);
});

test("heads are published every time they moved, and not again", async () => {
  using made = await house();
  const heads = made.heads();
  expect(await heads.publish()).toBe(0);
  const before = headsText(made.file);
  expect(before.trim().split("\n")).toHaveLength(2);
  await made.record(7);
  expect((await made.audit()).published.uncovered).toBe(1);
  expect(await heads.publish()).toBe(1);
  expect(headsText(made.file)).toStartWith(before);
  await heads.close();
  expect(headsText(made.file)).toContain('"sequence":7,');
  expect(headsText(made.file)).toContain('"end":true');
});

test("rows that are committed while the ledger is read are no fault", async () => {
  using made = await house();
  const { store } = made;
  let pages = 0;
  const busy: Store = {
    ...store,
    async read(sql, args) {
      if (pages++ < 5) await made.record(10 + pages);
      return store.read(sql, args);
    },
  };
  const audit = await auditLedger(busy, { log: "", isOwnLog: true, verifier: headVerifier });
  expect(pages).toBeGreaterThan(0);
  expect([audit.faults, audit.mismatches, audit.rows]).toEqual([[], [], rowCount]);
});

describe("what the chain alone cannot tell is found by its published heads", () => {
  test("the end cut off, with the recorded end moved to fit", async () => {
    using made = await house();
    await made.heads().close();
    await made.run("DELETE FROM generation_record WHERE sequence > 4");
    await relink(made.store, 4);
    const { faults } = await made.audit();
    expect(faults).toMatchObject([{ fault: "removed", chain: "prc_1", sequence: 6 }]);
    expect(faults[0]?.message).toStartWith("Rows 5 to 6 of chain prc_1 were removed: ");
  });

  test("a whole chain removed, as if its process had never been", async () => {
    using made = await house();
    await made.heads().close();
    await made.run("DELETE FROM generation_record");
    await made.run("DELETE FROM process");
    const { faults } = await made.audit();
    expect(faults[0]?.message).toStartWith("Rows 1 to 6 of chain prc_1 were removed: ");
  });

  test.each([1, 3, 6])("row %i changed, and all after it linked anew", async (at) => {
    using made = await house();
    const heads = made.heads();
    await heads.publish();
    await made.run(
      "UPDATE generation_record SET record = replace(record, 'eu-west', 'us-east') WHERE sequence = ?",
      at,
    );
    await relink(made.store, at);
    const { faults } = await made.audit();
    expect(faults).toMatchObject([{ fault: "changed", chain: "prc_1", sequence: 6 }]);
    await heads.close();
  });

  test("a row removed in the middle, and the others moved up and linked anew", async () => {
    using made = await house();
    await made.heads().close();
    await made.run("DELETE FROM generation_record WHERE sequence = 3");
    await made.run("UPDATE generation_record SET sequence = sequence - 1 WHERE sequence > 3");
    await made.store.write([
      {
        sql: `UPDATE generation_record SET previous = (SELECT hash FROM generation_record AS one
          WHERE one.sequence = 2) WHERE sequence = 3`,
        args: [],
      },
    ]);
    await relink(made.store, 3);
    const { faults } = await made.audit();
    expect(faults).toMatchObject([{ fault: "removed", sequence: 6 }]);
    expect(faults[0]?.message).toStartWith("Row 6 of chain prc_1 was removed: ");
  });

  test("a row put after the end of a chain whose process is gone", async () => {
    using made = await house();
    await made.heads().close();
    await made.record(7);
    const { faults } = await made.audit();
    expect(faults).toMatchObject([{ fault: "inserted", chain: "prc_1", sequence: 7 }]);
  });
});

test("a row put before the first is found, whatever its position", async () => {
  using made = await house();
  await made.run(
    `INSERT INTO generation_record SELECT -5, 'gen_before', account_id, record, chain, 0, previous, hash
     FROM generation_record WHERE sequence = 1`,
  );
  expect((await made.audit()).faults).toMatchObject([{ fault: "inserted", sequence: 0 }]);
});

describe("sums beside the rows are compared with them", () => {
  test.each(rollupSums)("%s of a daily total", async (sum) => {
    using made = await house();
    await made.run(`UPDATE rollup SET ${sum} = ${sum} + ${rowCount + 1}`);
    const { faults, mismatches } = await made.audit();
    expect(faults).toEqual([]);
    expect(mismatches).toMatchObject([{ what: "total", place: { sum, day: "2026-01-16" } }]);
  });

  test("a daily total that is gone, and one that nobody wrote", async () => {
    using made = await house();
    await made.run("UPDATE rollup SET model = 'an/other'");
    const { mismatches } = await made.audit();
    expect(mismatches.find(({ told }) => told === "nothing")?.place["model"]).toBe(
      "openai/gpt-5.4",
    );
    expect(mismatches.find(({ counted }) => counted === "0")?.place["model"]).toBe("an/other");
  });

  test.each([
    ["used = used + 1", "credit", ["used"]],
    ["granted = granted - 1", "credit", ["granted"]],
    // The balance stays what it was.
    ["used = used + 1, granted = granted + 1", "credit", ["used", "granted"]],
  ] as const)("credit with %s", async (change, kind, sums) => {
    using made = await house();
    await made.run(`UPDATE allowance SET ${change} WHERE kind = '${kind}'`);
    const { mismatches } = await made.audit();
    expect(mismatches.map(({ what, place }) => [what, place["sum"]])).toEqual(
      sums.map((sum) => [kind, sum]),
    );
  });

  test("what a key has used of its limit and of its carbon budget", async () => {
    using made = await house();
    expect((await made.audit()).mismatches).toEqual([]);
    await made.run("UPDATE allowance SET used = used - 1 WHERE kind = 'key_daily'");
    // Of a month that the key did not have all its budget through, less may count than there was.
    await made.run("UPDATE allowance SET used = 0 WHERE kind = 'carbon'");
    expect((await made.audit()).mismatches).toMatchObject([
      { what: "key_daily", place: { key: made.key }, told: "620", counted: "621" },
    ]);
    await made.run("UPDATE allowance SET used = used + 1 WHERE kind = 'key_daily'");
    // But no more: 21,000 micrograms, of which each row's may be rounded.
    await made.run("UPDATE allowance SET used = 21006 WHERE kind = 'carbon'");
    expect((await made.audit()).mismatches).toEqual([]);
    await made.run("UPDATE allowance SET used = 21007 WHERE kind = 'carbon'");
    expect((await made.audit()).mismatches).toMatchObject([
      { what: "carbon", place: { key: made.key }, told: "21007", counted: "0 to 21000" },
    ]);
    await made.run("UPDATE allowance SET used = 0 WHERE kind = 'carbon'");
    await made.run("UPDATE allowance SET used = used - 1 WHERE kind = 'key_daily'");
    await made.run("UPDATE api_key SET created_at = 0");
    const kinds = (await made.audit()).mismatches.map(({ what }) => what);
    expect(kinds.toSorted()).toEqual(["carbon", "key_daily"]);
  });

  test("what a carbon budget was charged for answers of which nobody told the tokens is no finding, and what lacks is", async () => {
    using made = await house();
    await made.run("UPDATE api_key SET created_at = 0");
    await made.ledger.record({
      generation: sampleGeneration({
        ...{ accountId: made.account, keyId: made.key, createdAt: made.clock.now() },
        ...{ cost: nano(0), settlement: "estimated", energyWh: undefined, carbonG: undefined },
        ...{ carbonPer1kG: undefined, accuracy: undefined, methodology: undefined },
      }),
      movements: [
        { kind: "carbon", owner: made.key, windowStart: Date.UTC(2026, 0), used: 12_166 },
      ],
    });
    expect((await made.audit()).mismatches).toEqual([]);
    await made.run("UPDATE allowance SET used = 20990 WHERE kind = 'carbon'");
    expect((await made.audit()).mismatches).toMatchObject([
      { what: "carbon", place: { key: made.key }, told: "20990", counted: "21000 or more" },
    ]);
  });
});

describe("the log of published heads", () => {
  test("is found changed in any byte", async () => {
    using made = await house();
    const heads = made.heads();
    await made.record(7);
    await heads.publish();
    await heads.close();
    const text = headsText(made.file);
    expect(readHeads(text, headVerifier).faults).toEqual([]);
    fc.assert(
      fc.property(fc.nat(text.length - 2), fc.integer({ min: 33, max: 126 }), (at, code) => {
        fc.pre(text.charCodeAt(at) !== code && text[at] !== "\n");
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        expect(readHeads(changed, headVerifier).faults.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  test("is found without one of its lines, cut off, or gone", async () => {
    using made = await house();
    const heads = made.heads();
    await heads.publish();
    for (let at = 7; at < 10; at++) {
      await made.record(at);
      await heads.publish();
    }
    await heads.close();
    const whole = readFileSync(made.file, "utf8");
    const lines = whole.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    expect(isSound(await made.audit())).toBeTrue();
    for (const at of lines.keys()) {
      writeFileSync(made.file, `${lines.toSpliced(at, 1).join("\n")}\n`);
      expect([at, (await made.audit()).headFaults.length > 0]).toEqual([at, true]);
    }
    writeFileSync(made.file, "");
    const gone = await made.audit();
    expect([gone.headFaults, gone.published.missing, isSound(gone)]).toEqual([
      [`The log of published heads is missing: ${lines.length} lines were written to it`],
      lines.length,
      false,
    ]);
    writeFileSync(made.file, whole);
    appendFileSync(made.file, '{"time":"2026');
    expect((await made.audit()).headFaults[0]).toContain("was changed or cut short");
  });

  test("is found begun anew after it was removed, until what was there is put back before it", async () => {
    using made = await house();
    const heads = made.heads();
    await heads.publish();
    const before = readFileSync(made.file, "utf8");
    const lines = before.trimEnd().split("\n").length;
    writeFileSync(made.file, "");
    await made.record(7);
    await heads.publish();
    await heads.close();
    const after = readFileSync(made.file, "utf8");
    const more = after.trimEnd().split("\n").length;
    expect((await made.audit()).headFaults).toEqual([
      `The log of published heads was cut off: it has ${more} lines, and ${lines + more} were written`,
    ]);
    writeFileSync(made.file, before + after);
    expect(isSound(await made.audit())).toBeTrue();
  });

  test("goes on under a new key that the old one vouches for, and under no other", async () => {
    using made = await house();
    using other = await house();
    const heads = made.heads();
    await heads.publish();
    const first = await signingKey(made.store, made.place, made.clock);
    await rotateSigningKey(made.store, made.place, made.clock);
    await made.record(7);
    await heads.close();
    const audit = await made.audit(first.publicKey);
    expect(audit.headFaults).toEqual([]);
    expect(audit.published.keys).toHaveLength(2);
    const stranger = await signingKey(other.store, other.place, other.clock);
    expect((await made.audit(stranger.publicKey)).headFaults[0]).toContain("not the one given");
    // A key of somebody's own, in the place of ours.
    const { store, clock, place } = made;
    await store.write([{ sql: "DELETE FROM setting WHERE key LIKE 'signing_key%'", args: [] }]);
    await made.record(8);
    const again = startHeads({
      ...{ store, clock, file: made.file, processId: "prc_1" },
      signer: () => headSigner(store, place, clock),
      onFault: (cause) => made.faults.push(cause),
    });
    await again.close();
    expect((await made.audit()).headFaults[0]).toContain("for which no earlier key vouches");
    expect(made.faults).toEqual([]);
  });

  test("goes on under no key whose endorsement is made up", async () => {
    using made = await house();
    using other = await house();
    await made.heads().publish();
    const first = await signingKey(made.store, made.place, made.clock);
    const stranger = await signingKey(other.store, other.place, other.clock);
    const forged = stranger.sign("signing-key", stranger.publicKey);
    await made.record(7);
    const { store, clock, file } = made;
    const heads = startHeads({
      ...{ store, clock, file, processId: "prc_1" },
      signer: async () => ({
        ...(await headSigner(other.store, other.place, clock)),
        endorsement: { keyId: first.id, signature: forged },
      }),
      onFault: (cause) => made.faults.push(cause),
    });
    await heads.close();
    expect((await made.audit()).headFaults[0]).toContain("for which no earlier key vouches");
  });

  test("is found with a space more, or lines in another order", async () => {
    using made = await house();
    const heads = made.heads();
    await heads.publish();
    await made.record(7);
    await heads.close();
    const text = headsText(made.file);
    expect(readHeads(text.replace('"end":true', '"end": true'), headVerifier).faults).not.toEqual(
      [],
    );
    const [key = "", one = "", two = ""] = text.split("\n");
    expect(readHeads([key, two, one].join("\n"), headVerifier).faults).toEqual([
      "Line 2 of the published heads does not follow any line before it: lines were removed or reordered",
    ]);
  });

  test("that cannot be signed is told, and requests go on", async () => {
    using made = await house();
    const { store, clock } = made;
    const faults: unknown[] = [];
    const heads = startHeads({
      ...{ store, clock, processId: "prc_1" },
      file: join(made.place.dataDir, "no", "such", "folder"),
      signer: () => headSigner(store, { ...made.place, isRemote: true }, clock),
      onFault: (cause) => faults.push(cause),
    });
    expect(await heads.publish()).toBe(0);
    await heads.close();
    expect(String(faults[0])).toContain("LOWROUTER_MASTER_KEY");
  });
});
