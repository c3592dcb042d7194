import { type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import { publicKeys, signingKey } from "#src/account/signing-key.ts";
import type { Check } from "#src/lib/check.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";

const name = "signing key";

/**
 * Whether statements and published heads can be signed: a gateway without its master key serves, and leaves both out.
 * Throws VaultError where the key does not open; makes none.
 */
export async function checkSigningKey(store: Store, place: KeyPlace, clock: Clock): Promise<Check> {
  // One that was mistyped would only be noticed when the first key is made.
  readMasterKeys(place);
  if ((await publicKeys(store)).length === 0) return { name, ok: true, found: "none was made yet" };
  const { id } = await signingKey(store, place, clock);
  return { name, ok: true, found: `${id} opens` };
}
