import { createAccount } from "#src/account/accounts.ts";
import type { Account } from "#src/account/account.ts";
import type { KeyPlace } from "#src/account/master-key.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { estimate } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { type EcoTables, loadEco } from "#src/eco/load.ts";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { createIds } from "#src/lib/id.ts";
import { monthOf, type Month } from "#src/statement/month.ts";
import {
  type FileKind,
  fileOf as fileWith,
  type Issued,
  issue,
  type StatementFile,
  type StatementHouse,
} from "#src/statement/open.ts";
import { statementHtml } from "#src/web/dashboard/statement-file.tsx";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";
import type { Store } from "#src/store/store.ts";

export const day = 86_400_000;
export const tables: EcoTables = loadEco();

/** A statement as a file, as the gateway writes it. */
export function fileOf(issued: Issued, kind: FileKind): Promise<StatementFile> {
  return fileWith(issued, kind, statementHtml);
}

/** A month by its name. */
export function month(name: string): Month {
  const found = monthOf(name);
  if (found === undefined) throw new Error(`${name} is no month`);
  return found;
}

/** The month before the one of a time. */
export function monthBefore(now: number, back = 1): Month {
  const at = new Date(now);
  const start = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - back, 1));
  return month(start.toISOString().slice(0, 7));
}

/** One request as a test thinks of it. */
export interface Ask {
  at: number;
  account: string;
  model?: string | undefined;
  provider?: string;
  region?: string;
  zone?: string;
  input?: number;
  cached?: number;
  output?: number;
  reasoning?: number;
  methodology?: string;
  measured?: { whPer1kTokens: number; pue: number };
  /** When it got its id, where a clock was wrong. */
  idAt?: number;
  /** Its interval was not recorded. */
  isOld?: boolean;
  /** What the record says besides. */
  parts?: Partial<Generation>;
}

/** A record with the estimate that the gateway would have made. */
export function generationOf(ask: Ask, id: string): Generation {
  const { model = "openai/gpt-4o-mini", provider = "openai", region = "eu-west" } = ask;
  const { input = 100, cached = 0, output = 50, reasoning = 0 } = ask;
  const { methodology = "v0.4-2026-01", measured } = ask;
  const usage: Usage = {
    input: { fresh: input, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: output, reasoning },
    raw: null,
  };
  const grid = gridFor(tables, { provider, region, ...(ask.zone ? { zone: ask.zone } : {}) });
  const made = grid && estimate(tables, methodology, { model, usage, grid, provider, measured });
  return sampleGeneration({
    id,
    completionId: `chatcmpl-${id.slice(4)}`,
    accountId: ask.account,
    createdAt: ask.at,
    completedAt: ask.at + 900,
    model,
    provider,
    region,
    tokens: {
      inputFresh: input,
      cacheRead: cached,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      outputVisible: output,
      reasoning,
    },
    energyWh: made?.block.energy_wh,
    // Rows that are older than recorded intervals have none.
    energyBounds: ask.isOld === true ? undefined : made?.energyWh,
    carbonG: made?.block.carbon_g,
    carbonPer1kG: made?.block.carbon_per_1k_tokens_g,
    accuracy: made?.block.accuracy,
    methodology: made?.block.methodology_version,
    gridGPerKwh: made && grid.gPerKwh,
    gridZone: made && grid.zone,
    measured: made && measured,
    ...ask.parts,
  });
}

/** A ledger with accounts, and statements of it. */
export interface Kit extends Disposable {
  store: Store;
  path: string;
  clock: FakeClock;
  place: KeyPlace;
  house: StatementHouse;
  account: Account;
  other: Account;
  /** Writes requests through the ledger, as one process would. */
  write(asks: readonly Ask[]): Promise<Generation[]>;
  statement(name: string, account?: Account, allowPartial?: boolean): Promise<Issued>;
}

/** An empty one, on a fake clock that stands in December. */
export async function startKit(): Promise<Kit> {
  const kept = await temporaryStore();
  const folder = temporaryFolder();
  const clock = createFakeClock(Date.UTC(2026, 11, 3, 12));
  const place: KeyPlace = { dataDir: folder.path, isRemote: false, secret: () => undefined };
  const { store, path } = kept;
  const house: StatementHouse = {
    store,
    tables,
    hasGrid: (provider, region) => gridFor(tables, { provider, region }) !== undefined,
    place,
    clock,
    origin: "https://gateway.example",
  };
  const naming = { clock, ids: createIds(clock) };
  const account = await createAccount(store, naming, { name: "Ada & Söhne", plan: "metered" });
  const other = await createAccount(store, naming, { name: "another", plan: "metered" });
  let processes = 0;
  return {
    store,
    path,
    clock,
    place,
    house,
    account,
    other,
    async write(asks) {
      const past = createFakeClock(0);
      const ids = createIds(past);
      const ledger = createLedger({ store, clock, processId: `proc_test${++processes}` });
      const written: Generation[] = [];
      for (const ask of asks) {
        past.set(ask.idAt ?? ask.at + 3);
        const generation = generationOf(ask, ids.next("gen"));
        written.push(generation);
        void ledger.record({ generation, movements: [] });
      }
      await ledger.close();
      return written;
    },
    statement: (name, of, allowPartial = false) =>
      issue(house, { account: of, month: month(name), allowPartial }),
    [Symbol.dispose]() {
      kept[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** A month of an account with everything in it, and what lies just outside of it and beside it. */
export function busyMonth(
  account: string,
  other: string,
  { from, to }: Month = month("2026-10"),
): Ask[] {
  const step = Math.floor((to - from) / 241);
  const models = ["openai/gpt-4o-mini", "mistral/mistral-small-3.2", "google/gemini-2.5-flash"];
  const zones = ["FRA", "DEU", undefined, "US-SRVC"];
  const ordinary = Array.from({ length: 240 }, (_, at): Ask => {
    const zone = zones[at % zones.length];
    return {
      at: from + at * step,
      account,
      model: models[at % models.length],
      provider: at % 2 === 0 ? "openai" : "mistral",
      region: at % 4 === 0 ? "us-east" : "eu-west",
      ...(zone === undefined ? {} : { zone }),
      input: 17 + ((at * 131) % 900),
      cached: at % 5 === 0 ? 333 : 0,
      output: 3 + ((at * 71) % 400),
      reasoning: at % 7 === 0 ? 129 : 0,
      isOld: at % 3 === 0,
      methodology: at < 150 ? "v0.4-2026-01" : "v0.11-2026-10",
    };
  });
  const none = { energyWh: undefined, carbonG: undefined, carbonPer1kG: undefined };
  const unrated = { ...none, accuracy: undefined, methodology: undefined };
  const bare = { ...unrated, gridGPerKwh: undefined, gridZone: undefined };
  return [
    ...ordinary,
    { at: from, account, output: 1 },
    { at: to - 1, account, output: 2, methodology: "v0.11-2026-10" },
    { at: from - 1, account, output: 5000 },
    { at: to, account, output: 6000 },
    { at: from + day, account: other, output: 7000 },
    { at: from + 2 * day, account, measured: { whPer1kTokens: 0.4, pue: 1.1 }, zone: "FRA" },
    { at: from + 3 * day, account, model: "nobody/knows-its-size" },
    { at: from + 3 * day + 1, account, model: "nobody/knows-its-size", region: "nowhere" },
    {
      at: from + 4 * day,
      account,
      parts: {
        ...bare,
        model: undefined,
        provider: undefined,
        region: undefined,
        tokens: undefined,
        status: "upstream_error",
      },
    },
    { at: from + 5 * day, account, parts: { ...bare, settlement: "estimated" } },
    { at: from + 6 * day, account, parts: { ...bare, tokens: undefined, settlement: "unknown" } },
    {
      at: from + 7 * day,
      account,
      model: "openai/text-embedding-3-small",
      output: 0,
      parts: { ...bare, dialect: "openai-embeddings" },
    },
    { at: from + 8 * day, account, region: "nowhere", parts: bare },
  ];
}
