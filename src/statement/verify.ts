import * as v from "valibot";
import { idOf, isVouchedFor, verifySignature } from "#src/account/signing-key.ts";
import { decode, encode, sha256Hex } from "#src/lib/bytes.ts";
import { canonical } from "#src/statement/canonical.ts";
import { fileText, sideJson, signedJson, type Trailed, trailers } from "#src/statement/sign.ts";
import { type Statement, statementSchema } from "#src/statement/statement.ts";
import { faultsOf } from "#src/statement/sums.ts";

/** A file that verifies. */
export interface Verdict {
  kind: "json" | "csv" | Trailed;
  keyId: string;
  publicKey: string;
  /** `given`: by a key that the reader brought. `vouched`: by one that such a key vouches for. `embedded`: by the one in the file. */
  trust: "given" | "vouched" | "embedded";
  /** Of a JSON file. */
  statement?: Statement;
}

/** A file that does not verify. The message says why. */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
}

/** What is checked. */
export interface VerifyAsk {
  bytes: Uint8Array;
  /** The signature that stands beside a CSV file. */
  side?: Uint8Array | undefined;
  /** Public keys that the reader brought, 32 bytes in base64url; empty: the one in the file is taken. */
  keys: readonly string[];
}

/** Checks a file, with nothing but itself and the keys. Throws VerifyError. */
export function verifyFile(ask: VerifyAsk): Verdict {
  const { bytes, side } = ask;
  const start = decode(bytes.subarray(0, 16));
  if (start.startsWith("{")) return verifyJson(ask);
  if (start.startsWith("%PDF-")) return verifyTrailed("pdf", ask);
  if (start.startsWith("<!doctype html>")) return verifyTrailed("html", ask);
  if (side !== undefined) return verifySide(bytes, side, ask.keys);
  throw new VerifyError(
    "It is no statement in JSON, PDF or HTML, and there is no signature beside it: a CSV file needs its .sig",
  );
}

const signedSchema = v.strictObject({
  signature: v.strictObject({
    signed: v.string(),
    key_id: v.string(),
    public_key: v.string(),
    sha256: v.string(),
    signature: v.string(),
  }),
  statement: statementSchema,
});

function verifyJson({ bytes, keys }: VerifyAsk): Verdict {
  const parsed = v.safeParse(signedSchema, parsedJson(bytes), { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new VerifyError(
      `It is no signed statement: ${v.getDotPath(issue) ?? "the document"}: ${issue.message}`,
    );
  }
  const { signature: about, statement } = parsed.output;
  const key = { id: about.key_id, publicKey: about.public_key };
  const text = canonical(statement);
  holdSignature(key, text, about.signature);
  const written = signedJson({
    text,
    sha256: sha256Hex(text),
    key,
    signature: about.signature,
  });
  if (!isSame(bytes, encode(written)))
    throw new VerifyError(
      "The content is what was signed, but the file is not the one that was written: it was formatted anew, or something was changed beside the statement",
    );
  const own = statement.keys.find(({ public_key }) => public_key === key.publicKey);
  if (own === undefined)
    throw new VerifyError("The statement does not name the key that signed it");
  const [fault] = faultsOf(statement);
  if (fault !== undefined)
    throw new VerifyError(
      `It was signed, but it does not add up: ${fault} is not the sum of the lines`,
    );
  return { kind: "json", ...named(key), trust: trustOf(key.publicKey, keys, statement), statement };
}

const sideSchema = v.strictObject({
  signed: v.string(),
  key_id: v.string(),
  public_key: v.string(),
  sha256: v.string(),
  signature: v.string(),
});

function verifySide(bytes: Uint8Array, side: Uint8Array, keys: readonly string[]): Verdict {
  const parsed = v.safeParse(sideSchema, parsedJson(side));
  if (!parsed.success) throw new VerifyError("What stands beside the file is no signature");
  const { key_id: id, public_key: publicKey, signature } = parsed.output;
  const key = { id, publicKey };
  holdSignature(key, fileText(bytes), signature);
  if (!isSame(side, encode(sideJson(key, sha256Hex(bytes), signature))))
    throw new VerifyError("The signature is right, but its file is not the one that was written");
  return { kind: "csv", ...named(key), trust: trustOf(publicKey, keys) };
}

function verifyTrailed(kind: Trailed, { bytes, keys }: VerifyAsk): Verdict {
  const { start, end } = trailers[kind];
  const at = Buffer.from(bytes).lastIndexOf(start);
  const line = at < 0 ? "" : decode(bytes.subarray(at));
  const [, id, publicKey, signature] =
    /^(?:%|<!--)lowrouter-signature ([0-9a-f]{16}) ([\w-]{43}) ([\w-]{86})(?: -->)?\n$/.exec(
      line,
    ) ?? [];
  if (id === undefined || publicKey === undefined || signature === undefined || !line.endsWith(end))
    throw new VerifyError("Its last line is no signature: it was cut, added to, or never signed");
  const key = { id, publicKey };
  holdSignature(key, fileText(bytes.subarray(0, at)), signature);
  return { kind, ...named(key), trust: trustOf(publicKey, keys) };
}

function holdSignature(
  key: { id: string; publicKey: string },
  text: string,
  signature: string,
): void {
  if (idOf(key.publicKey) !== key.id)
    throw new VerifyError(`The key ${key.id} is not named for the public key that stands with it`);
  if (!verifySignature(key.publicKey, "statement", text, signature))
    throw new VerifyError(
      "The signature is not of this content: it was changed after it was signed, or the signature was",
    );
}

/** How far the reader can trust a key that signed. Throws where the keys that the reader brought say nothing of it. */
function trustOf(
  publicKey: string,
  given: readonly string[],
  statement?: Statement,
): Verdict["trust"] {
  if (given.length === 0) return "embedded";
  if (given.includes(publicKey)) return "given";
  const known = (statement?.keys ?? []).map((key) => ({
    id: key.id,
    publicKey: key.public_key,
    createdAt: 0,
    endorsement:
      key.endorsement === null
        ? undefined
        : { keyId: key.endorsement.key_id, signature: key.endorsement.signature },
  }));
  let key = known.find((one) => one.publicKey === publicKey);
  for (let steps = 0; key !== undefined && steps < known.length; steps++) {
    if (!isVouchedFor(key, known)) break;
    const before = key.endorsement?.keyId;
    key = known.find(({ id }) => id === before);
    if (key !== undefined && given.includes(key.publicKey)) return "vouched";
  }
  throw new VerifyError(
    `It was signed by the key ${idOf(publicKey)}, which is not the one that was given (${given.map(idOf).join(", ")}), and none of those vouches for it`,
  );
}

function named({ id, publicKey }: { id: string; publicKey: string }) {
  return { keyId: id, publicKey };
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes));
  } catch {
    throw new VerifyError("It is no JSON: it was cut or changed");
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
