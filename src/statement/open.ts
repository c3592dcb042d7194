import type { Account } from "#src/account/account.ts";
import type { KeyPlace } from "#src/account/master-key.ts";
import { publicKeys, signingKey, type Signer } from "#src/account/signing-key.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { Clock } from "#src/lib/clock.ts";
import { statementCsv } from "#src/statement/csv.ts";
import { keysPath } from "#src/statement/keys.ts";
import { makeStatement } from "#src/statement/make.ts";
import { isPartial, type Month } from "#src/statement/month.ts";
import type { HasGrid } from "#src/statement/reason.ts";
import {
  type Signed,
  sideSignature,
  signedJson,
  signStatement,
  withTrailer,
} from "#src/statement/sign.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Store } from "#src/store/store.ts";

/** What statements are made with. */
export interface StatementHouse {
  store: Store;
  tables: EcoTables;
  hasGrid: HasGrid;
  place: KeyPlace;
  clock: Clock;
  /** Address that people open; empty where it is not known. */
  origin: string;
}

/** Writes a statement as one file of HTML, signed; the pages know how. */
export type HtmlWriter = (issued: Issued) => Promise<Uint8Array>;

/** What is wanted. */
export interface Wanted {
  /** Undefined: the whole gateway. */
  account: Pick<Account, "id" | "name"> | undefined;
  month: Month;
  /** A month that is not over may be stated. */
  allowPartial: boolean;
}

/** A statement, signed, with the key for its other forms. */
export interface Issued extends Signed {
  signer: Signer;
}

/** Makes and signs a statement. The key is made at first use. Throws VaultError where it cannot be had. */
export async function issue(
  { store, tables, hasGrid, place, clock, origin }: StatementHouse,
  { account, month, allowPartial }: Wanted,
): Promise<Issued> {
  const now = clock.now();
  const partial = isPartial(month, now, allowPartial);
  const signer = await signingKey(store, place, clock);
  const keys = await publicKeys(store);
  const keysAt = origin === "" ? `${keysPath} at the gateway` : origin + keysPath;
  const ask = { account, month, partial, now, keys, keysAt };
  const statement = await makeStatement({ store, tables, hasGrid }, ask);
  return { ...(await signStatement(statement, signer)), signer };
}

/** The forms of a statement that are files. */
export const fileKinds = ["pdf", "html", "json", "csv"] as const;
export type FileKind = (typeof fileKinds)[number];

/** A file, and the one that stands beside it where it cannot hold its signature. */
export interface StatementFile {
  type: string;
  bytes: Uint8Array;
  side?: string;
}

/** An issued statement as a file. */
export async function fileOf(
  issued: Issued,
  kind: FileKind,
  html: HtmlWriter,
): Promise<StatementFile> {
  const { statement, signer } = issued;
  if (kind === "json") return { type: "application/json", bytes: encode(signedJson(issued)) };
  if (kind === "csv") {
    const bytes = encode(await statementCsv(statement));
    return { type: "text/csv; charset=utf-8", bytes, side: sideSignature(bytes, signer) };
  }
  if (kind === "html") return { type: "text/html; charset=utf-8", bytes: await html(issued) };
  // Only who wants a PDF loads what writes one.
  const { statementPdf } = await import("#src/statement/pdf.ts");
  const bytes = withTrailer("pdf", await statementPdf(issued), signer);
  return { type: "application/pdf", bytes };
}

/** A file's name without its ending. */
export function nameOf({ scope, month, partial }: Issued["statement"]): string {
  const whose = scope.kind === "account" ? scope.id : "gateway";
  return `footprint-${month}-${whose}${partial ? "-partial" : ""}`;
}

/** Keeps the last statements, so that a page and its files are of one making. */
export interface StatementShelf {
  of(wanted: Wanted): Promise<Issued>;
  fileOf(issued: Issued, kind: FileKind): Promise<StatementFile>;
}

const kept = 12;
/** A row of last month may come late, so nothing is kept for long. */
const keptMs = 60_000;

/** An empty shelf. */
export function createShelf(house: StatementHouse & { html: HtmlWriter }): StatementShelf {
  const shelf = new Map<string, { at: number; issued: Promise<Issued> }>();
  return {
    fileOf: (issued, kind) => fileOf(issued, kind, house.html),
    of(wanted) {
      const { account, month, allowPartial } = wanted;
      const name = JSON.stringify([account?.id, account?.name, month.name, allowPartial]);
      const now = house.clock.now();
      const known = shelf.get(name);
      if (known !== undefined && now - known.at < keptMs) return known.issued;
      const issued = issue(house, wanted);
      shelf.delete(name);
      shelf.set(name, { at: now, issued });
      issued.catch(() => shelf.delete(name));
      const [oldest] = shelf.keys();
      if (shelf.size > kept && oldest !== undefined) shelf.delete(oldest);
      return issued;
    },
  };
}
