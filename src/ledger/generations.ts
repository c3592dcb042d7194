import type { Generation } from "#src/ledger/generation.ts";
import { generationOf } from "#src/ledger/row.ts";
import { dayOf } from "#src/lib/clock.ts";
import { timeOfId, ulidStart } from "#src/lib/id.ts";
import { numberIn, textOf, type Store, type Value } from "#src/store/store.ts";

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
  return isAsked(found, accountId, id) ? found : undefined;
}

/** Whether a generation is the one of an id, its own or that of its completion, and of the account where one is given. */
export function isAsked(
  found: Pick<Generation, "id" | "completionId" | "accountId">,
  accountId: string | undefined,
  id: string,
): boolean {
  const isTheirs = accountId === undefined || found.accountId === accountId;
  return isTheirs && (found.id === id || found.completionId === id);
}

/** Requests of an account that a page or an export is about. Absent is all; times are of acceptance, end excluded. */
export interface GenerationSearch {
  accountId: string;
  /** Hashes of the keys whose requests are meant. */
  keyIds?: readonly string[];
  user?: string;
  /** The model that answered, or the one that was asked for where none did. */
  model?: string;
  provider?: string;
  region?: string;
  status?: Generation["status"];
  from: number;
  to: number;
}

/** A step back in time. */
export interface Stride {
  /** Newest first. */
  items: Generation[];
  /** Rows that were looked at. */
  rows: number;
  /** What is older than this id was not looked at yet; undefined where nothing is left. */
  before: string | undefined;
}

/** A request has its id once it is admitted: after it came in, but hardly later than so many milliseconds. */
export const admissionMs = 600_000;

/**
 * Walks back through an account's requests in steps of `rows`, so that no search holds up the requests that run: a file is
 * read while nothing else happens. Days of which the daily totals know nothing that fits are passed over.
 */
export async function* searchGenerations(
  store: Store,
  search: GenerationSearch,
  { before, rows }: { before?: string | undefined; rows: number },
): AsyncGenerator<Stride, void, void> {
  const { accountId, from, to } = search;
  const fitting = fittingOf(search);
  const floor = `gen_${ulidStart(Math.max(0, from))}`;
  const newest = `gen_${ulidStart(to + admissionMs)}`;
  const known = new Map<string, boolean>();
  let top = before !== undefined && before < newest ? before : newest;
  for (;;) {
    const [first] = await store.read(spanOf, [accountId, top, floor, 1]);
    const id = first && textOf(first, "oldest");
    if (id === undefined) return;
    const quiet =
      fitting.texts.length > 0 ? await quietDay(store, search, timeOfId(id), known) : undefined;
    if (quiet !== undefined && quiet.passed < id) {
      top = quiet.passed;
      yield { items: [], rows: 0, before: top };
      continue;
    }
    // Of a quiet day, its first minutes only: they may hold requests that came in the day before.
    const least = quiet !== undefined && quiet.start > floor ? quiet.start : floor;
    const [span] = await store.read(spanOf, [accountId, top, least, rows]);
    const looked = numberIn(span, "rows") ?? 0;
    const bottom = (looked === rows && span && textOf(span, "oldest")) || least;
    const [found = []] = await store.snapshot([
      {
        sql: `SELECT record FROM generation WHERE account_id = ? AND id < ? AND id >= ? AND created_at >= ? AND created_at < ?
       ${fitting.texts.map((text) => `AND ${text}`).join(" ")} ORDER BY generation.id DESC`,
        args: [accountId, top, bottom, from, to, ...fitting.args],
      },
    ]);
    yield {
      items: found.map((row) => generationOf(textOf(row, "record") ?? "")),
      rows: looked,
      before: bottom === floor ? undefined : bottom,
    };
    if (bottom === floor) return;
    top = bottom;
  }
}

/** The newest ids between two, by the index alone. */
const spanOf = `SELECT min(id) AS oldest, count(*) AS rows FROM (SELECT id FROM generation_record
WHERE account_id = ? AND id < ? AND id >= ? ORDER BY id DESC LIMIT ?)`;

/** The filters but that of time, for the rows. */
function fittingOf(search: GenerationSearch): { texts: string[]; args: Value[] } {
  const { keyIds, user, model, provider, region, status } = search;
  const pairs: [string, Value | undefined][] = [
    ["status = ?", status],
    [isOneOfKeys("key_id"), keyIds && JSON.stringify(keyIds)],
    ["user = ?", user],
    ["coalesce(model, requested_model) = ?", model],
    ["provider = ?", provider],
    ["region = ?", region],
  ];
  const asked = pairs.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]));
  return { texts: asked.map(({ text }) => text), args: asked.map(({ value }) => value) };
}

const isOneOfKeys = (column: string) => `${column} IN (SELECT value FROM json_each(?))`;

/** The ids at which a day starts, and from which on nothing of the day before can be among its own. */
interface QuietDay {
  start: string;
  passed: string;
}

/** The day of a time, where nothing of it fits. */
async function quietDay(
  store: Store,
  search: GenerationSearch,
  time: number,
  known: Map<string, boolean>,
): Promise<QuietDay | undefined> {
  const day = dayOf(time);
  const isQuiet = known.get(day) ?? !(await hasFitting(store, search, day));
  known.set(day, isQuiet);
  const start = Date.parse(day);
  return isQuiet
    ? { start: `gen_${ulidStart(start)}`, passed: `gen_${ulidStart(start + admissionMs)}` }
    : undefined;
}

/** Whether the totals of a day know a request that may fit. */
async function hasFitting(store: Store, search: GenerationSearch, day: string): Promise<boolean> {
  const { accountId, keyIds, user, model, provider, region, status } = search;
  const pairs: [string, Value | undefined][] = [
    [isOneOfKeys("key"), keyIds && JSON.stringify(keyIds)],
    ["user = ?", user],
    // Of what no model answered they do not know which was asked for.
    ["model IN (?, '')", model],
    ["provider = ?", provider],
    ["region = ?", region],
  ];
  const asked = pairs.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]));
  const texts = asked.map(({ text }) => `AND ${text}`);
  if (status !== undefined)
    texts.push(status === "ok" ? "AND requests > errors" : "AND errors > 0");
  const [one] = await store.read(
    `SELECT 1 AS one FROM rollup WHERE account = ? AND day = ? ${texts.join(" ")} LIMIT 1`,
    [accountId, day, ...asked.map(({ value }) => value)],
  );
  return one !== undefined;
}
