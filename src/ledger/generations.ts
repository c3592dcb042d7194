import { and, desc, eq, gte, lt, type SQL } from "drizzle-orm";
import { generation } from "#db/schema.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { generationOf } from "#src/ledger/row.ts";
import { pageOf, ulidOf, type Page, type PageRequest } from "#src/ledger/transactions.ts";
import { textOf, type Store } from "#src/store/store.ts";

/** Which generations are wanted. Absent is all; times are of acceptance, start included and end excluded. */
export interface GenerationFilter {
  accountId?: string;
  keyId?: string;
  user?: string;
  model?: string;
  provider?: string;
  region?: string;
  status?: Generation["status"];
  from?: number;
  to?: number;
}

/** Characters of the unique part of an id, which a generation shares with its completion. */
const ulidLength = 26;

/** A generation by its own id or that of its completion; without an account, whoever's it is. */
export async function findGeneration(
  store: Store,
  accountId: string | undefined,
  id: string,
): Promise<Generation | undefined> {
  const rows = await store.read("SELECT account_id, record FROM generation_record WHERE id = ?", [
    `gen_${id.slice(-ulidLength)}`,
  ]);
  const record = rows[0] && textOf(rows[0], "record");
  if (record === undefined) return undefined;
  const found = generationOf(record);
  const isTheirs = accountId === undefined || found.accountId === accountId;
  return isTheirs && (found.id === id || found.completionId === id) ? found : undefined;
}

/** Generations, newest first. */
export async function listGenerations(
  store: Store,
  filter: GenerationFilter,
  { pageSize, pageToken }: PageRequest,
): Promise<Page<Generation>> {
  const before =
    pageToken === undefined ? undefined : lt(generation.id, `gen_${ulidOf(pageToken, "gen_")}`);
  const rows = await store.db
    .select({ record: generation.record })
    .from(generation)
    .where(and(...conditions(filter), before))
    .orderBy(desc(generation.id))
    .limit(pageSize + 1);
  return pageOf(
    rows.map(({ record }) => generationOf(record)),
    pageSize,
  );
}

function conditions(filter: GenerationFilter): (SQL | undefined)[] {
  const { accountId, keyId, user, model, provider, region, status, from, to } = filter;
  return [
    accountId === undefined ? undefined : eq(generation.accountId, accountId),
    keyId === undefined ? undefined : eq(generation.keyId, keyId),
    user === undefined ? undefined : eq(generation.user, user),
    model === undefined ? undefined : eq(generation.model, model),
    provider === undefined ? undefined : eq(generation.provider, provider),
    region === undefined ? undefined : eq(generation.region, region),
    status === undefined ? undefined : eq(generation.status, status),
    from === undefined ? undefined : gte(generation.createdAt, from),
    to === undefined ? undefined : lt(generation.createdAt, to),
  ];
}
