import { createPublicKey } from "node:crypto";
import * as v from "valibot";
import type { PublicKey } from "#src/account/signing-key.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";

/** Where a gateway publishes its public keys. */
export const keysPath = "/.well-known/lowrouter-statement-keys.json";

/** The keys as a JSON Web Key Set, oldest first. Those that were retired stay: what they signed still verifies. */
export function publishKeys(keys: readonly PublicKey[]) {
  return {
    keys: keys.map(({ id, publicKey, createdAt, retiredAt, endorsement }) => ({
      kty: "OKP",
      crv: "Ed25519",
      alg: "EdDSA",
      use: "sig",
      kid: id,
      x: publicKey,
      created_at: rfc3339(createdAt),
      retired_at: retiredAt === undefined ? null : rfc3339(retiredAt),
      endorsement:
        endorsement === undefined
          ? null
          : { key_id: endorsement.keyId, signature: endorsement.signature },
    })),
  };
}

const publicKey = v.pipe(v.string(), v.regex(/^[\w-]{43}$/));
const keySet = v.looseObject({ keys: v.array(v.looseObject({ x: publicKey })) });

/**
 * Public keys from what a reader has of them: the 32 bytes in base64url, a PEM, or the published set. Throws
 * `invalid_value`.
 */
export function readKeys(given: string): string[] {
  const text = given.trim();
  if (/^[\w-]{43}$/.test(text)) return [text];
  const found = text.startsWith("{") ? fromSet(text) : fromPem(text);
  if (found.length > 0) return found;
  throw new AppError(
    "invalid_value",
    `Cannot use this as a public key: give the 43 characters that a statement prints, a file with a PEM, or the file of ${keysPath}`,
    { param: "key" },
  );
}

function fromSet(text: string): string[] {
  try {
    return v.parse(keySet, JSON.parse(text)).keys.map(({ x }) => x);
  } catch {
    // Told by the caller, who knows what else would do.
    return [];
  }
}

function fromPem(text: string): string[] {
  try {
    const { crv, x } = createPublicKey(text).export({ format: "jwk" });
    return crv === "Ed25519" && x !== undefined ? [x] : [];
  } catch {
    // The same.
    return [];
  }
}
