import type { KeyPlace } from "#src/account/master-key.ts";
import { isVouchedFor, signingKey, verifySignature } from "#src/account/signing-key.ts";
import type { HeadSigner } from "#src/ledger/heads.ts";
import type { HeadVerifier } from "#src/ledger/heads-log.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";

/** The gateway's key, for published heads. Throws VaultError where the master key is not at hand. */
export async function headSigner(store: Store, place: KeyPlace, clock: Clock): Promise<HeadSigner> {
  const key = await signingKey(store, place, clock);
  return { ...key, sign: (text) => key.sign("ledger-head", text) };
}

/** Checks published heads by the keys that they name. */
export const headVerifier: HeadVerifier = {
  verify: (publicKey, text, signature) =>
    verifySignature(publicKey, "ledger-head", text, signature),
  isVouchedFor,
};
