import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import {
  type Head,
  type HeadKey,
  type HeadVerifier,
  lineHash,
  readHeads,
  signedLine,
} from "#src/ledger/heads-log.ts";
import { type Clock, rfc3339 } from "#src/lib/clock.ts";
import { numberIn, type Row, type Statement, type Store, textOf } from "#src/store/store.ts";

/** What signs heads. */
export interface HeadSigner extends HeadKey {
  sign(text: string): string;
}

export interface HeadsOptions {
  store: Store;
  clock: Clock;
  /** The log, JSON lines; made where it is not there yet. */
  file: string;
  /** This gateway's chain. */
  processId: string;
  /** Asked only when there is something to sign. */
  signer(): Promise<HeadSigner>;
  /** Told of what could not be published. */
  onFault(cause: unknown): void;
}

/** Publishes the ends of the hash chains, so that who cuts one off has to explain a signed line that is elsewhere too. */
export interface Heads {
  /** Appends the heads that moved since they were published. Returns how many; what fails is told and tried again. */
  publish(): Promise<number>;
  /** Publishes this gateway's last head as its end. */
  close(): Promise<void>;
}

const hourMs = 3_600_000;
/** Where the database says how long the log is, so that one that was cut off or removed is missed. */
export const headsSetting = "ledger_heads";
/** Reads that; one row or none. */
export const lengthStatement: Statement = {
  sql: `SELECT value FROM setting WHERE key = '${headsSetting}'`,
  args: [],
};
/** Lets that go, in a copy to which no log came along. */
export const forgetLength: Statement = {
  sql: `DELETE FROM setting WHERE key = '${headsSetting}'`,
  args: [],
};
const remember = `INSERT INTO setting (key, value) VALUES ('${headsSetting}', ?)
ON CONFLICT DO UPDATE SET value = excluded.value`;

/** To go on from a log it is enough to know what it says; whether it is true, an audit finds out. */
const believing: HeadVerifier = { verify: () => true, isVouchedFor: () => true };

/** The log of a data directory. */
export function headsFile(dataDir: string): string {
  return `${dataDir}/ledger-heads.log`;
}

/** The text of a log; empty where there is none. */
export function headsText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw cause;
  }
}

/** The heads that a log names, as they stand there; whether they are true, an audit finds out. */
export function publishedHeads(file: string): readonly Head[] {
  return readHeads(headsText(file), believing).heads;
}

/** Publishes now, once an hour, and at the end. */
export function startHeads(options: HeadsOptions): Heads {
  const { onFault } = options;
  let last: Promise<number> = Promise.resolve(0);
  const next = (isEnd: boolean): Promise<number> =>
    (last = last
      .then(() => alone(options, () => append(options, isEnd)))
      .catch((cause: unknown) => {
        onFault(cause);
        return 0;
      }));
  void next(false);
  const ticking = setInterval(() => void next(false), hourMs);
  ticking.unref();
  return {
    publish: () => next(false),
    async close() {
      clearInterval(ticking);
      await next(true);
    },
  };
}

const lockSetting = "ledger_heads_lock";
const take = `INSERT INTO setting (key, value) VALUES ('${lockSetting}', ?1)
ON CONFLICT DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < ?2 RETURNING value`;
const letGo = `DELETE FROM setting WHERE key = '${lockSetting}' AND value = ?`;
/** How long a process that died while it appended holds the others up. */
const lockMs = 5000;
const lockTries = 400;

/** Does something while no other process on this database does it: of two that append at once, each would follow the same line. */
async function alone<T>(
  { store, clock, processId }: HeadsOptions,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; tries < lockTries; tries++) {
    const now = clock.now();
    const mark = `${now + lockMs} ${processId}`;
    const [taken = []] = await store.write([{ sql: take, args: [mark, now] }]);
    if (taken.length > 0)
      try {
        return await work();
      } finally {
        await store.write([{ sql: letGo, args: [mark] }]);
      }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("Cannot publish the heads: another process holds their log");
}

async function append(options: HeadsOptions, isEnd: boolean): Promise<number> {
  const { store, clock, file, processId } = options;
  const text = headsText(file);
  const log = readHeads(text, believing);
  const known = new Map(log.heads.map((head) => [head.chain, head]));
  const rows = await store.read(
    "SELECT id, sequence, head FROM process WHERE sequence > 0 ORDER BY id",
    [],
  );
  const moved = rows.flatMap((row) => {
    const chain = textOf(row, "id") ?? "";
    const sequence = numberIn(row, "sequence") ?? 0;
    const before = known.get(chain);
    const ends = isEnd && chain === processId && before?.isEnd !== true;
    const isNew = sequence > (before?.sequence ?? 0) || ends;
    return isNew ? [{ chain, sequence, hash: textOf(row, "head") ?? "", ends }] : [];
  });
  if (moved.length === 0) return 0;
  const signer = await options.signer();
  const time = rfc3339(clock.now());
  const lines: string[] = [];
  let previous = log.last;
  const add = (line: string): void => {
    lines.push(line);
    previous = lineHash(line);
  };
  if (!log.keys.some(({ id }) => id === signer.id)) {
    const by = signer.endorsement;
    const vouched = by && { vouched_by: { key: by.keyId, signature: by.signature } };
    const body = { time, public_key: signer.publicKey, ...vouched, previous, key: signer.id };
    add(signedLine(body, signer.sign));
  }
  for (const { chain, sequence, hash, ends } of moved) {
    const end = ends ? { end: true as const } : {};
    const body = { time, chain, sequence, hash, ...end, previous, key: signer.id };
    add(signedLine(body, signer.sign));
  }
  // A line that a crash cut short stays as it is, and ours do not join it.
  write(file, `${text === "" || text.endsWith("\n") ? "" : "\n"}${lines.join("\n")}\n`);
  // With a remote database each machine has a log of its own, and no one length is right.
  if (store.kind === "file") {
    const [noted] = await store.read(lengthStatement.sql, lengthStatement.args);
    // Lines that went missing are not forgotten because new ones follow.
    const before = Math.max(log.lines, notedLines(noted));
    const length = { lines: before + lines.length, last: previous };
    await store.write([{ sql: remember, args: [JSON.stringify(length)] }]);
  }
  return moved.length;
}

/** Lines that were written until the database was last told; 0 where it never was. */
export function notedLines(row: Row | undefined): number {
  const text = row && textOf(row, "value");
  if (text === undefined) return 0;
  const noted: unknown = JSON.parse(text);
  return Number(Reflect.get(Object(noted), "lines"));
}

function write(file: string, text: string): void {
  const handle = openSync(file, "a", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
