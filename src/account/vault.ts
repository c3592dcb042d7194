import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { sha256Hex } from "#src/lib/bytes.ts";

/** A key that seals others: 32 bytes, and the name that envelopes know it by. */
export interface MasterKey {
  /** First 8 hexadecimal digits of its SHA-256. */
  id: string;
  bytes: Buffer;
  /** Where it was found, for people. */
  from: string;
}

/** The row that an envelope stands in: it opens in no other. */
export interface Seat {
  id: string;
  provider: string;
  accountId?: string | undefined;
}

/** What was sealed cannot be had, or nothing can be sealed. The message is for the operator and holds no secret. */
export class VaultError extends Error {
  override readonly name = "VaultError";
}

const version = "v1";
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const cipher = "aes-256-gcm";

/** A new master key from the operating system, in base64. */
export function mintMasterKey(): string {
  return randomBytes(keyBytes).toString("base64");
}

/** A master key from its base64. Throws VaultError for anything but 32 bytes. */
export function masterKeyOf(text: string, from: string): MasterKey {
  const bytes = Buffer.from(text.trim(), "base64");
  // Decoding skips what is no base64, so a key that was cut or mistyped would be another key.
  const isWhole = bytes.toString("base64").replace(/=+$/, "") === text.trim().replace(/=+$/, "");
  if (bytes.length !== keyBytes || !isWhole)
    throw new VaultError(
      `Cannot use the master key of ${from}: 32 bytes in base64 are needed, as "openssl rand -base64 32" prints them`,
    );
  return { id: sha256Hex(bytes).slice(0, 8), bytes, from };
}

/** Seals a secret for a row: `v1.<key id>.<base64url of iv, ciphertext and tag>`. */
export function seal(secret: string, seat: Seat, { id, bytes }: MasterKey): string {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, bytes, iv, { authTagLength: tagBytes });
  sealing.setAAD(boundTo(seat, id));
  const sealed = [iv, sealing.update(secret, "utf8"), sealing.final(), sealing.getAuthTag()];
  return `${version}.${id}.${Buffer.concat(sealed).toString("base64url")}`;
}

/** The id of the master key that an envelope needs; undefined where it is none. */
export function keyIdOf(envelope: string): string | undefined {
  return /^v1\.([0-9a-f]{8})\.[\w-]+$/.exec(envelope)?.[1];
}

/** Opens an envelope. Throws VaultError for one of another row, another key, or that was changed. */
export function unseal(envelope: string, seat: Seat, keys: readonly MasterKey[]): string {
  const keyId = keyIdOf(envelope);
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) throw lost(keyId, keys);
  const text = envelope.slice(version.length + key.id.length + 2);
  const bytes = Buffer.from(text, "base64url");
  try {
    // Several texts decode to the same bytes: an envelope is only what seal() writes.
    if (bytes.toString("base64url") !== text) throw new Error("not canonical");
    const end = bytes.length - tagBytes;
    const opening = createDecipheriv(cipher, key.bytes, bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    });
    opening.setAAD(boundTo(seat, key.id));
    opening.setAuthTag(bytes.subarray(end));
    const opened = opening.update(bytes.subarray(ivBytes, end), undefined, "utf8");
    return opened + opening.final("utf8");
  } catch {
    // The library's own reason tells nothing more.
    throw new VaultError(
      `Cannot open the provider key ${seat.id}: its row was changed, or moved from another. Restore a backup, or remove it with "lowrouter provider key remove ${seat.id}" and add it again`,
    );
  }
}

/** What an envelope is bound to besides its master key; JSON, so that no two rows read the same. */
function boundTo({ id, provider, accountId }: Seat, keyId: string): Buffer {
  return Buffer.from(JSON.stringify([version, keyId, id, provider, accountId ?? null]));
}

/** Why an envelope's key is not there. */
function lost(keyId: string | undefined, keys: readonly MasterKey[]): VaultError {
  const needed = keyId === undefined ? "in no form that this program knows" : `under ${keyId}`;
  const known =
    keys.length === 0
      ? "there is no master key"
      : `known is ${keys.map(({ id, from }) => `${id} of ${from}`).join(", ")}`;
  return new VaultError(
    `Cannot open the provider keys: they are sealed ${needed} and ${known}. Set LOWROUTER_MASTER_KEY to the key that sealed them, put its file master.key back into the data directory, or remove them with "lowrouter provider key remove" and add them again`,
  );
}
