import * as v from "valibot";
import { sha256Hex } from "#src/lib/bytes.ts";

/** A key of the log, and the key before it that vouches for it. */
export interface HeadKey {
  id: string;
  /** 32 bytes in base64url, Ed25519. */
  publicKey: string;
  endorsement?: { keyId: string; signature: string } | undefined;
}

/** How signatures are checked; the room of accounts knows. */
export interface HeadVerifier {
  verify(publicKey: string, text: string, signature: string): boolean;
  /** Whether a key has its own id, and one of those before it vouches for it where it names one. */
  isVouchedFor(key: HeadKey, known: readonly HeadKey[]): boolean;
}

/** The end of a chain, as it was published. */
export interface Head {
  chain: string;
  sequence: number;
  hash: string;
  /** RFC 3339. */
  time: string;
  /** The process ended: no row may follow. */
  isEnd: boolean;
}

/** What a log says, and what is wrong with it. */
export interface HeadsLog {
  lines: number;
  heads: Head[];
  keys: HeadKey[];
  /** In words, each naming its line. */
  faults: string[];
  /** SHA-256 of the last line. */
  last: string;
}

const headSchema = v.strictObject({
  time: v.string(),
  chain: v.string(),
  sequence: v.number(),
  hash: v.string(),
  end: v.optional(v.literal(true)),
  previous: v.string(),
  key: v.string(),
  signature: v.string(),
});
const keySchema = v.strictObject({
  time: v.string(),
  public_key: v.string(),
  vouched_by: v.optional(v.strictObject({ key: v.string(), signature: v.string() })),
  previous: v.string(),
  key: v.string(),
  signature: v.string(),
});
type HeadLine = v.InferOutput<typeof headSchema>;
type KeyLine = v.InferOutput<typeof keySchema>;

/** What the first line of a log follows. */
export const logStart = "0".repeat(64);

/** A line of the log, without its end. The signature is over the JSON text without that member. */
export function signedLine(
  body: Omit<HeadLine, "signature"> | Omit<KeyLine, "signature">,
  sign: (text: string) => string,
): string {
  return JSON.stringify({ ...body, signature: sign(JSON.stringify(body)) });
}

/** What the next line has to follow. */
export function lineHash(line: string): string {
  return sha256Hex(line);
}

/**
 * Reads a log and checks every line: its form, its signature, that it follows an earlier line, and that each key but the first is
 * vouched for by one before it. With `trusted`, the first key has to be that one.
 */
export function readHeads(text: string, verifier: HeadVerifier, trusted?: string): HeadsLog {
  const log: HeadsLog = { lines: 0, heads: [], keys: [], faults: [], last: logStart };
  const before = new Set([logStart]);
  for (const line of text.split("\n")) {
    if (line === "") continue;
    log.lines++;
    const fault = readLine(line, log, before, verifier, trusted);
    if (fault !== undefined) log.faults.push(`Line ${log.lines} of the published heads ${fault}`);
    log.last = lineHash(line);
    before.add(log.last);
  }
  return log;
}

/** Takes a line into the log. Returns what is wrong with it; a line that is wrong says nothing. */
function readLine(
  line: string,
  log: HeadsLog,
  before: ReadonlySet<string>,
  verifier: HeadVerifier,
  trusted: string | undefined,
): string | undefined {
  const parsed = parse(line);
  if (parsed === undefined) return "was changed or cut short: it is no line of this log";
  const { signature, ...body } = parsed;
  const key = "public_key" in parsed ? keyOf(parsed) : log.keys.find(({ id }) => id === parsed.key);
  if (key === undefined) return `is signed by the key ${parsed.key}, which the log does not name`;
  if (!verifier.verify(key.publicKey, JSON.stringify(body), signature))
    return "was changed: its signature does not verify";
  const follows = before.has(parsed.previous);
  if ("public_key" in parsed) {
    const [first] = log.keys;
    if (first === undefined && trusted !== undefined && key.publicKey !== trusted)
      return `names the key ${key.publicKey}, which is not the one given`;
    if (first !== undefined && key.endorsement === undefined && key.id !== first.id)
      return `names the key ${key.id}, for which no earlier key vouches`;
    if (!verifier.isVouchedFor(key, log.keys))
      return `names the key ${key.id}, for which no earlier key vouches`;
    if (!log.keys.some(({ id }) => id === key.id)) log.keys.push(key);
  } else {
    const { chain, sequence, hash, time, end } = parsed;
    log.heads.push({ chain, sequence, hash, time, isEnd: end === true });
  }
  return follows
    ? undefined
    : "does not follow any line before it: lines were removed or reordered";
}

function parse(line: string): HeadLine | KeyLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const head = v.safeParse(headSchema, value);
    const told = head.success ? head : v.safeParse(keySchema, value);
    // Other texts of the same value, such as one with a space, were not written by us.
    return told.success && JSON.stringify(told.output) === line ? told.output : undefined;
  } catch {
    // No JSON is no line.
    return undefined;
  }
}

function keyOf({ key, public_key: publicKey, vouched_by: by }: KeyLine): HeadKey {
  return {
    id: key,
    publicKey,
    ...(by === undefined ? {} : { endorsement: { keyId: by.key, signature: by.signature } }),
  };
}
