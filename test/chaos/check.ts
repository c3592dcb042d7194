import { auditLedger, isSound } from "#src/ledger/audit.ts";
import { checkBalances } from "#src/ledger/transactions.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import { numberIn, textOf, type Store } from "#src/store/store.ts";

/** Whose leases may stand, and what has to be there. */
export interface Expected {
  /** Generations whose answers were seen whole. */
  complete: readonly string[];
  /** Generations that were refused, so that nobody pays for them. */
  refused?: readonly string[];
  /** Processes that live; undefined where leases of the dead may not have come back yet. */
  alive?: readonly number[];
}

const log = {
  log: "",
  isOwnLog: false,
  verifier: { verify: () => false, isVouchedFor: () => false },
};

/** Everything that must hold of a database, whatever befell it. Returns what does not, in words. */
export async function inspect(store: Store, expected: Expected): Promise<string[]> {
  const { complete, refused = [], alive } = expected;
  const findings: string[] = [];
  await checkIntegrity(store).catch((thrown: unknown) => findings.push(String(thrown)));
  const audit = await auditLedger(store, log);
  if (!isSound(audit))
    for (const { message } of [...audit.faults, ...audit.mismatches]) findings.push(message);
  for (const { accountId, balance, sum } of await checkBalances(store))
    findings.push(
      `The balance ${balance} of ${accountId} is not the sum ${sum} of its transactions`,
    );
  findings.push(...(await missing(store, complete)), ...(await doubled(store)));
  findings.push(...(await charged(store, refused)));
  findings.push(...(await leases(store)), ...(await overspent(store)));
  if (alive !== undefined) findings.push(...(await ofTheDead(store, alive)));
  return findings;
}

/** Complete answers without a row. */
export async function missing(store: Store, complete: readonly string[]): Promise<string[]> {
  const rows = await store.read(
    `SELECT value AS id, (SELECT count(*) FROM generation_record WHERE id = value) AS found
     FROM json_each(?) WHERE found <> 1`,
    [JSON.stringify(complete)],
  );
  return rows.map((row) => `The answer ${textOf(row, "id")} has ${numberIn(row, "found")} rows`);
}

/** Refused requests that were charged. */
async function charged(store: Store, refused: readonly string[]): Promise<string[]> {
  const rows = await store.read(
    "SELECT id, cost FROM generation WHERE cost <> 0 AND id IN (SELECT value FROM json_each(?))",
    [JSON.stringify(refused)],
  );
  return rows.map((row) => `The refused ${textOf(row, "id")} was charged ${numberIn(row, "cost")}`);
}

/** Answers of an upstream that were written down twice. */
async function doubled(store: Store): Promise<string[]> {
  const rows = await store.read(
    `SELECT upstream_id AS id, count(*) AS found FROM generation
     WHERE status = 'ok' AND upstream_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1`,
    [],
  );
  return rows.map(
    (row) => `The upstream's answer ${textOf(row, "id")} has ${numberIn(row, "found")} rows`,
  );
}

/** What is leased, beside the leases that say so. */
async function leases(store: Store): Promise<string[]> {
  const rows = await store.read(
    `SELECT kind, owner, leased, coalesce((SELECT sum(amount) FROM lease WHERE lease.kind = allowance.kind
     AND lease.owner = allowance.owner AND lease.window_start = allowance.window_start), 0) AS told
     FROM allowance WHERE leased <> told`,
    [],
  );
  return rows.map(
    (row) =>
      `The ${textOf(row, "kind")} of ${textOf(row, "owner")} has ${numberIn(row, "leased")} leased, its leases say ${numberIn(row, "told")}`,
  );
}

async function overspent(store: Store): Promise<string[]> {
  const rows = await store.read(
    "SELECT kind, owner, granted, used, leased FROM allowance WHERE kind = 'credit' AND granted IS NOT NULL AND used + leased > granted",
    [],
  );
  return rows.map(
    (row) =>
      `Of the credit ${numberIn(row, "granted")} of ${textOf(row, "owner")}, ${numberIn(row, "used")} is used and ${numberIn(row, "leased")} leased`,
  );
}

async function ofTheDead(store: Store, alive: readonly number[]): Promise<string[]> {
  const rows = await store.read(
    `SELECT process, kind, amount, pid FROM lease LEFT JOIN process ON process.id = lease.process
     WHERE amount > 0 AND (pid IS NULL OR pid NOT IN (SELECT value FROM json_each(?)))`,
    [JSON.stringify(alive)],
  );
  return rows.map(
    (row) =>
      `A lease of ${numberIn(row, "amount")} ${textOf(row, "kind")} outlives its process ${textOf(row, "process")} (${numberIn(row, "pid")})`,
  );
}
