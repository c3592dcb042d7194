import type { Signer } from "#src/account/signing-key.ts";
import { encode, sha256Hex } from "#src/lib/bytes.ts";
import { createBreath } from "#src/lib/breath.ts";
import { canonical, canonicalInPieces } from "#src/statement/canonical.ts";
import type { Statement } from "#src/statement/statement.ts";

/** A statement with its signature. */
export interface Signed {
  statement: Statement;
  /** The canonical JSON of the statement: what was signed. */
  text: string;
  /** Of that text. */
  sha256: string;
  key: { id: string; publicKey: string };
  signature: string;
}

const signedWords =
  'Ed25519 over "lowrouter-statement-v1", a line feed, and the canonical JSON (RFC 8785) of the member statement';
const fileWords =
  'Ed25519 over "lowrouter-statement-v1", a line feed, "sha256 " and the SHA-256 of the file in lower-case hexadecimal';

/** Signs a statement. */
export async function signStatement(statement: Statement, signer: Signer): Promise<Signed> {
  const breathe = createBreath();
  const text = await canonicalInPieces(statement, breathe);
  await breathe();
  return {
    statement,
    text,
    sha256: sha256Hex(text),
    key: { id: signer.id, publicKey: signer.publicKey },
    signature: signer.sign("statement", text),
  };
}

/** The signed statement as a file: the only text that verifies. */
export function signedJson({ text, sha256, key, signature }: Omit<Signed, "statement">): string {
  const about = {
    signed: signedWords,
    key_id: key.id,
    public_key: key.publicKey,
    sha256,
    signature,
  };
  // Of two members, in the order of their names.
  return `{"signature":${canonical(about)},"statement":${text}}\n`;
}

/** What is signed for a file that is no JSON. */
export function fileText(bytes: Uint8Array): string {
  return `sha256 ${sha256Hex(bytes)}`;
}

/** The signature that stands beside a file, for what has no place for it inside. */
export function sideSignature(bytes: Uint8Array, signer: Signer): string {
  return sideJson(
    { id: signer.id, publicKey: signer.publicKey },
    sha256Hex(bytes),
    signer.sign("statement", fileText(bytes)),
  );
}

/** The text of such a file. */
export function sideJson(
  key: { id: string; publicKey: string },
  sha256: string,
  signature: string,
): string {
  return `${canonical({ signed: fileWords, key_id: key.id, public_key: key.publicKey, sha256, signature })}\n`;
}

/** How a file of a kind keeps a signature in its last line, where its readers pass it over. */
export const trailers = {
  pdf: { start: "%lowrouter-signature ", end: "\n" },
  html: { start: "<!--lowrouter-signature ", end: " -->\n" },
} as const;
export type Trailed = keyof typeof trailers;

/** A file with the signature of everything before it in its last line. */
export function withTrailer(kind: Trailed, bytes: Uint8Array, signer: Signer): Uint8Array {
  const { start, end } = trailers[kind];
  const signature = signer.sign("statement", fileText(bytes));
  const line = encode(`${start}${signer.id} ${signer.publicKey} ${signature}${end}`);
  const whole = new Uint8Array(bytes.length + line.length);
  whole.set(bytes);
  whole.set(line, bytes.length);
  return whole;
}
