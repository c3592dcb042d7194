import { notMeasured } from "#src/eco/explain.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { Account } from "#src/account/account.ts";
import { type PublicKey } from "#src/account/signing-key.ts";
import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { commit, version } from "#src/lib/version.ts";
import { allTokens, amountRecord, sumOf } from "#src/statement/amount.ts";
import { gather, type Tally } from "#src/statement/gather.ts";
import type { Month } from "#src/statement/month.ts";
import { monthRows } from "#src/statement/read.ts";
import { noEstimateWords } from "#src/report/no-estimate.ts";
import type { HasGrid } from "#src/statement/reason.ts";
import { type AccountNames, breakdown, sectionsOf } from "#src/statement/sections.ts";
import { type Line, type Statement } from "#src/statement/statement.ts";
import { belongs, ghgProtocol, ledgerHow, limits, rounding } from "#src/statement/words.ts";
import { type Store, textOf } from "#src/store/store.ts";

/** What a statement is asked for. */
export interface StatementAsk {
  /** Whose; undefined: of the whole gateway. */
  account: Pick<Account, "id" | "name"> | undefined;
  month: Month;
  partial: boolean;
  /** Unix milliseconds. */
  now: number;
  keys: readonly PublicKey[];
  /** Where the public keys can be had. */
  keysAt: string;
}

/** What a statement is made from. */
export interface StatementSources {
  store: Store;
  tables: EcoTables;
  hasGrid: HasGrid;
}

/** Makes a statement from the rows of the ledger. Throws where they were tampered with. */
export async function makeStatement(
  { store, tables, hasGrid }: StatementSources,
  { account, month, partial, now, keys, keysAt }: StatementAsk,
): Promise<Statement> {
  const found = await monthRows(store, account?.id, month);
  const byAccount = account === undefined;
  const { rows, tallies, heads } = await gather(found.rows(), { tables, hasGrid, byAccount });
  const names = byAccount ? await namesOf(store, tallies) : undefined;
  const breathe = createBreath();
  return {
    object: "lowrouter.footprint_statement",
    schema: 1,
    scope:
      account === undefined
        ? { kind: "gateway" }
        : { kind: "account", id: account.id, name: account.name.toWellFormed() },
    month: month.name,
    period: { from: rfc3339(month.from), to: rfc3339(month.to), belongs },
    partial,
    made: { at: rfc3339(now), version, commit },
    totals: amountRecord(sumOf(tallies.map(({ amount }) => amount))),
    without_estimate: withoutEstimate(tallies),
    by: await breakdown(tallies, names, breathe),
    sections: await sectionsOf(tallies, tables, names, breathe),
    not_measured: [...notMeasured],
    limits: [...limits],
    ghg_protocol: { ...ghgProtocol, notes: [...ghgProtocol.notes] },
    rounding,
    ledger: {
      rows,
      daily_totals: {
        requests: found.dailyTotals.requests,
        energy_pwh: String(found.dailyTotals.energy),
        carbon_pg: String(found.dailyTotals.carbon),
      },
      heads: heads.map((head) => ({
        chain: head.chain,
        rows: head.rows,
        first_sequence: head.firstSequence,
        sequence: head.sequence,
        hash: head.hash,
      })),
      how: ledgerHow,
    },
    keys: keys.map((key) => ({
      id: key.id,
      public_key: key.publicKey,
      created_at: rfc3339(key.createdAt),
      retired_at: key.retiredAt === undefined ? null : rfc3339(key.retiredAt),
      endorsement:
        key.endorsement === undefined
          ? null
          : { key_id: key.endorsement.keyId, signature: key.endorsement.signature },
    })),
    keys_at: keysAt,
    lines: await mapInPieces(tallies, breathe, lineOf),
  };
}

/** Names of the accounts that made requests, by id. */
async function namesOf(store: Store, tallies: readonly Tally[]): Promise<AccountNames> {
  const ids = [...new Set(tallies.flatMap(({ place }) => place.account ?? []))];
  const [rows = []] = await store.snapshot([
    {
      sql: "SELECT id, name FROM account WHERE id IN (SELECT value FROM json_each(?))",
      args: [JSON.stringify(ids)],
    },
  ]);
  return new Map(
    rows.map((row) => [textOf(row, "id") ?? "", (textOf(row, "name") ?? "").toWellFormed()]),
  );
}

function lineOf({ place, amount }: Tally): Line {
  return {
    ...(place.account === undefined ? {} : { account: place.account }),
    methodology_version: place.methodology ?? null,
    model: place.model ?? null,
    provider: place.provider ?? null,
    region: place.region ?? null,
    accuracy: place.accuracy ?? null,
    location: place.location ?? null,
    grid_zone: place.gridZone ?? null,
    grid_g_per_kwh: place.gridGPerKwh ?? null,
    measured_wh_per_1k_tokens: place.measuredWhPer1k ?? null,
    measured_pue: place.measuredPue ?? null,
    without_estimate: place.reason ?? null,
    ...amountRecord(amount),
  };
}

function withoutEstimate(tallies: readonly Tally[]): Statement["without_estimate"] {
  const all = sumOf(tallies.map(({ amount }) => amount));
  const without = tallies.filter(({ place }) => place.reason !== undefined);
  const sum = sumOf(without.map(({ amount }) => amount));
  const reasons = Map.groupBy(without, ({ place }) => place.reason);
  return {
    requests: sum.requests,
    tokens: allTokens(sum),
    share_of_requests: shareOf(sum.requests, all.requests),
    share_of_tokens: shareOf(allTokens(sum), allTokens(all)),
    reasons: [...reasons]
      .flatMap(([reason, some]) => {
        if (reason === undefined) return [];
        const part = sumOf(some.map(({ amount }) => amount));
        const { requests } = part;
        return [{ reason, why: noEstimateWords[reason], requests, tokens: allTokens(part) }];
      })
      .toSorted((a, b) => b.requests - a.requests || (a.reason < b.reason ? -1 : 1)),
  };
}

/** A share to six decimals. */
function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Number((part / whole).toFixed(6));
}
