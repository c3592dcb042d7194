import { checkKeptKeys } from "#src/account/check-provider-keys.ts";
import { checkSigningKey } from "#src/account/check-signing-key.ts";
import { requireMasterKey } from "#src/cli/needs.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { withStore } from "#src/cli/runtime.ts";
import type { Check } from "#src/lib/check.ts";
import { systemClock } from "#src/lib/clock.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";

/**
 * Whether every kept provider key opens, and whether the master key is kept from others. Throws VaultError where one does
 * not, and CommandError where `serve` would not start for want of it.
 */
export function checkProviderKeys(options: CommonOptions): Promise<Check> {
  return withStore(options, (store, config) => {
    requireMasterKey(config);
    return checkKeptKeys(store, keyPlaceOf(config));
  });
}

/** Whether the key of statements and published heads opens. Throws VaultError where it does not. */
export function checkOurKey(options: CommonOptions): Promise<Check> {
  return withStore(options, (store, config) =>
    checkSigningKey(store, keyPlaceOf(config), systemClock),
  );
}
