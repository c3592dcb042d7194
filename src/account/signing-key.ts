import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify as verifyBytes,
} from "node:crypto";
import * as v from "valibot";
import { firstMasterKey, type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import { getSetting } from "#src/account/settings.ts";
import { keyIdOf, type MasterKey, seal, unseal, VaultError } from "#src/account/vault.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Statement, Store } from "#src/store/store.ts";

/** What a signature is for: one that was made for a thing verifies for no other. */
export type Purpose = "statement" | "ledger-head" | "signing-key";

/** A key that anyone may verify with. Ed25519. */
export interface PublicKey {
  /** First 16 hexadecimal digits of the SHA-256 of the 32 bytes. */
  id: string;
  /** The 32 bytes in base64url: member `x` of a JSON Web Key. */
  publicKey: string;
  /** Unix milliseconds. */
  createdAt: number;
  /** Since when another key signs; absent of the one that signs now. */
  retiredAt?: number | undefined;
  /** The key before vouches for this one; absent of the first. The signature is over `publicKey`. */
  endorsement?: { keyId: string; signature: string } | undefined;
}

/** What is needed of a key to check it. */
export type NamedKey = Pick<PublicKey, "id" | "publicKey" | "endorsement">;

/** The key that signs now. */
export interface Signer extends PublicKey {
  /** Signature in base64url, 64 bytes, over the text under its purpose. */
  sign(purpose: Purpose, text: string): string;
}

const setting = "signing_key";
const publicSetting = "signing_keys";
const seat = { id: setting, provider: "" };
const publicKeysSchema = v.array(
  v.object({
    id: v.string(),
    publicKey: v.string(),
    createdAt: v.number(),
    retiredAt: v.optional(v.number()),
    endorsement: v.optional(v.object({ keyId: v.string(), signature: v.string() })),
  }),
);
const jwkSchema = v.object({ x: v.string(), d: v.string() });

/**
 * The gateway's key for what others check offline, made at first use; its private part is sealed under the master key,
 * and all gateways on a database share it. Throws VaultError where the master key is not at hand.
 */
export async function signingKey(store: Store, place: KeyPlace, clock: Clock): Promise<Signer> {
  const envelope = (await getSetting(store, setting)) ?? (await create(store, place, clock));
  const secret = opened(envelope, readMasterKeys(place).all);
  const { x } = jwkOf(secret);
  const known = (await publicKeys(store)).find(({ publicKey }) => publicKey === x);
  if (known === undefined)
    throw new VaultError(
      `Cannot sign: the list of public keys lacks ${idOf(x)}, the key that signs. Restore a backup of the database`,
    );
  return { ...known, sign: (purpose, text) => signed(secret, purpose, text) };
}

/** Every key that ever signed, oldest first; the last one signs now. Empty before the first use. */
export async function publicKeys(store: Store): Promise<PublicKey[]> {
  const text = await getSetting(store, publicSetting);
  return text === undefined ? [] : v.parse(publicKeysSchema, JSON.parse(text));
}

/** Whether the owner of a public key (32 bytes in base64url) signed this text for this purpose. */
export function verifySignature(
  publicKey: string,
  purpose: Purpose,
  text: string,
  signature: string,
): boolean {
  try {
    const bytes = Buffer.from(signature, "base64url");
    // Several texts decode to the same bytes: a signature is only what sign() writes.
    if (bytes.toString("base64url") !== signature) return false;
    if (Buffer.from(publicKey, "base64url").toString("base64url") !== publicKey) return false;
    const jwk = { kty: "OKP", crv: "Ed25519", x: publicKey };
    const key = createPublicKey({ key: jwk, format: "jwk" });
    return verifyBytes(null, signedBytes(purpose, text), key, bytes);
  } catch {
    // What is no key or no signature verifies nothing.
    return false;
  }
}

/** Whether a key is named for what it is, and the key before it, where it names one, vouches for it. */
export function isVouchedFor(key: NamedKey, known: readonly NamedKey[]): boolean {
  if (idOf(key.publicKey) !== key.id) return false;
  const { endorsement } = key;
  if (endorsement === undefined) return true;
  const before = known.find(({ id }) => id === endorsement.keyId);
  return (
    before !== undefined &&
    idOf(before.publicKey) === before.id &&
    verifySignature(before.publicKey, "signing-key", key.publicKey, endorsement.signature)
  );
}

/** The name of a public key. */
export function idOf(publicKey: string): string {
  return sha256Hex(Buffer.from(publicKey, "base64url")).slice(0, 16);
}

/** Makes a new key, which the old one vouches for; old public keys stay in the list. */
export async function rotateSigningKey(
  store: Store,
  place: KeyPlace,
  clock: Clock,
): Promise<PublicKey> {
  const old = await signingKey(store, place, clock);
  const before = (await getSetting(store, setting)) ?? "";
  const known = await publicKeys(store);
  const secret = mint();
  const { x } = jwkOf(secret);
  const now = clock.now();
  const made: PublicKey = {
    id: idOf(x),
    publicKey: x,
    createdAt: now,
    endorsement: { keyId: old.id, signature: old.sign("signing-key", x) },
  };
  const list = [
    ...known.map((key) => (key.id === old.id ? { ...key, retiredAt: now } : key)),
    made,
  ];
  const { master } = await masterKeyFor(store, place);
  await store.write([
    { sql: unchanged, args: [setting, before] },
    { sql: put, args: [setting, seal(secret, seat, master)] },
    { sql: put, args: [publicSetting, JSON.stringify(list)] },
  ]);
  return made;
}

/** Statements that seal the key under a new master key, for the transaction of a rotation; none before it exists. */
export async function resealingSigningKey(
  store: Store,
  keys: readonly MasterKey[],
  next: MasterKey,
): Promise<Statement[]> {
  const old = await getSetting(store, setting);
  const moved: Statement[] =
    old === undefined || keyIdOf(old) === next.id
      ? []
      : [
          {
            sql: "UPDATE setting SET value = ? WHERE key = ? AND value = ?",
            args: [seal(opened(old, keys), seat, next), setting, old],
          },
        ];
  return [...moved, { sql: allMoved, args: [setting, `v1.${next.id}.%`] }];
}

const put = `INSERT INTO setting (key, value) VALUES (?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value`;
const putFirst = "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING";
/** Fails, and with it its transaction, where another process made a new key in between. */
const unchanged =
  "SELECT json(iif(EXISTS (SELECT 1 FROM setting WHERE key = ? AND value = ?), '1', 'not the same'))";
/** Fails, and with it its transaction, where a rotation of the master key ended in between. */
const sameMaster = `SELECT json(iif(coalesce((SELECT value FROM setting WHERE key = 'master_key'), '') = ?, '1', 'rotated'))`;
/** Fails, and with it its transaction, where the key came to be in between. */
const allMoved = `SELECT json(iif(EXISTS (SELECT 1 FROM setting WHERE key = ? AND value NOT LIKE ?), 'not all', '1'))`;

async function create(store: Store, place: KeyPlace, clock: Clock): Promise<string> {
  const secret = mint();
  const { x } = jwkOf(secret);
  const key: PublicKey = { id: idOf(x), publicKey: x, createdAt: clock.now() };
  const { master, named } = await masterKeyFor(store, place);
  const envelope = seal(secret, seat, master);
  // Of two processes that start together, the first one's stands.
  const [, , , [row] = []] = await store.write([
    { sql: sameMaster, args: [named] },
    { sql: putFirst, args: [setting, envelope] },
    { sql: putFirst, args: [publicSetting, JSON.stringify([key])] },
    { sql: "SELECT value FROM setting WHERE key = ?", args: [setting] },
  ]);
  return String(row?.["value"] ?? envelope);
}

async function masterKeyFor(
  store: Store,
  place: KeyPlace,
): Promise<{ master: MasterKey; named: string }> {
  const named = (await getSetting(store, "master_key")) ?? "";
  const { all } = readMasterKeys(place);
  return { master: all.find(({ id }) => id === named) ?? firstMasterKey(place), named };
}

/** A new private key as JSON text of a JSON Web Key. */
function mint(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return JSON.stringify(v.parse(jwkSchema, privateKey.export({ format: "jwk" })));
}

function jwkOf(secret: string): v.InferOutput<typeof jwkSchema> {
  return v.parse(jwkSchema, JSON.parse(secret));
}

function signed(secret: string, purpose: Purpose, text: string): string {
  const jwk = { kty: "OKP", crv: "Ed25519", ...jwkOf(secret) };
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  return signBytes(null, signedBytes(purpose, text), key).toString("base64url");
}

/** What is signed: a line that names the purpose, and the text, in UTF-8. */
function signedBytes(purpose: Purpose, text: string): Buffer {
  return Buffer.from(`lowrouter-${purpose}-v1\n${text}`);
}

function opened(envelope: string, keys: readonly MasterKey[]): string {
  try {
    return unseal(envelope, seat, keys);
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    throw new VaultError(
      `Cannot sign: the signing key is sealed under master key ${keyIdOf(envelope) ?? "unknown"}, which is not at hand, or its row was changed. Set LOWROUTER_MASTER_KEY to that key, or put its file master.key back into the data directory`,
      { cause },
    );
  }
}
