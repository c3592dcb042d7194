import { type DeletedKey, listDeletedKeys } from "#src/account/deleted-keys.ts";
import { listKeys } from "#src/account/keys.ts";
import type { ApiKey } from "#src/account/account.ts";
import { isAtLeast, type Visitor } from "#src/account/people/person.ts";
import { dayOf as dayIn } from "#src/http/query.ts";
import type { GenerationStatus } from "#src/ledger/generation.ts";
import type { GenerationSearch } from "#src/ledger/generations.ts";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import type { Store } from "#src/store/store.ts";

/** What the list of requests was asked for, as its URL says; empty: any. */
export interface RequestFilter {
  /** First and last day, YYYY-MM-DD, UTC. */
  start: string;
  end: string;
  model: string;
  provider: string;
  region: string;
  /** Hash of a key. */
  key: string;
  user: string;
  status: GenerationStatus | "";
  /** Only what is older than this generation. */
  before: string | undefined;
}

/** Keys of an account as a visitor may know them. */
export interface Reach {
  keys: readonly ApiKey[];
  /** Those that are gone, whose requests stay. */
  deleted: readonly DeletedKey[];
  /** Hashes of those whose requests the visitor may see; undefined: every request of the account. */
  only: readonly string[] | undefined;
}

export const statuses: Readonly<Record<GenerationStatus, string>> = {
  ok: "answered",
  client_error: "refused: the request",
  upstream_error: "failed: the provider",
  client_cancelled: "the client left",
};

const dayMs = 86_400_000;
const defaultDays = 30;
const longestText = 200;
const mostKeys = 10_000;
/** Deleted keys that are offered to choose from. */
export const mostDeletedShown = 20;

/** Reads the filters of a URL. Throws `invalid_value` for what none can be. */
export function filterOf(query: URLSearchParams, now: number): RequestFilter {
  const text = (name: string) => (query.get(name) ?? "").trim().slice(0, longestText);
  const end = dayIn(query, "end") ?? dayOf(now);
  const start = dayIn(query, "start") ?? dayOf(Date.parse(end) - (defaultDays - 1) * dayMs);
  for (const [name, day] of Object.entries({ end, start }))
    if (!/^\d{4}-\d{2}-\d{2}$/.test(day))
      throw wrong(name, `Cannot use ${day} for ${name}: a day such as 2026-01-31 is needed`);
  if (start > end)
    throw wrong("start", `Cannot show requests from ${start} to ${end}: start is after end`);
  return {
    start,
    end,
    model: text("model"),
    provider: text("provider"),
    region: text("region"),
    key: text("key"),
    user: text("user"),
    status: statusOf(text("status")),
    before: beforeOf(text("before")),
  };
}

/** The search that a filter is, within what a visitor may see. */
export function searchOf(filter: RequestFilter, accountId: string, reach: Reach): GenerationSearch {
  const { key, user, model, provider, region, status } = filter;
  const asked = key === "" ? reach.only : [key].filter((one) => reach.only?.includes(one) ?? true);
  return {
    accountId,
    from: Date.parse(filter.start),
    to: Date.parse(filter.end) + dayMs,
    ...(asked === undefined ? {} : { keyIds: asked }),
    ...(user === "" ? {} : { user }),
    ...(model === "" ? {} : { model }),
    ...(provider === "" ? {} : { provider }),
    ...(region === "" ? {} : { region }),
    ...(status === "" ? {} : { status }),
  };
}

/** The filter as the query of an address, for links; `before` is left to the caller. */
export function queryOf(filter: RequestFilter, accountId: string): URLSearchParams {
  const { start, end, model, provider, region, key, user, status } = filter;
  const pairs = { start, end, model, provider, region, key, user, status, account: accountId };
  return new URLSearchParams(Object.entries(pairs).filter(([, value]) => value !== ""));
}

/** Which requests a visitor may see: members those of the keys that they made, also of those that are gone. */
export async function reachOf(store: Store, { account, role, person }: Visitor): Promise<Reach> {
  const seesAll = isAtLeast(role, "admin");
  const whose = { accountId: account.id, createdBy: seesAll ? undefined : person.id };
  const [keys, deleted] = await Promise.all([
    listKeys(store, { ...whose, includeDisabled: true, pageSize: mostKeys }),
    listDeletedKeys(store, { ...whose, most: seesAll ? mostDeletedShown : mostKeys }),
  ]);
  const only = seesAll ? undefined : [...keys, ...deleted].map(({ hash }) => hash);
  return { keys, deleted, only };
}

function statusOf(text: string): RequestFilter["status"] {
  if (text === "") return "";
  const known = Object.keys(statuses);
  const found = known.find((one) => one === text);
  if (isStatus(found)) return found;
  throw wrong(
    "status",
    `Cannot show the status "${text.slice(0, 40)}": known are ${known.join(", ")}`,
  );
}

function isStatus(text: string | undefined): text is GenerationStatus {
  return text !== undefined && Object.hasOwn(statuses, text);
}

function beforeOf(text: string): string | undefined {
  if (text === "") return undefined;
  if (/^gen_[0-9A-HJKMNP-TV-Z]{26}$/.test(text)) return text;
  throw wrong(
    "before",
    `Cannot go on before "${text.slice(0, 40)}": the gen_… id of the last request seen is needed`,
  );
}

function wrong(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}
