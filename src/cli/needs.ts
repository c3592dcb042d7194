import { readMasterKeys } from "#src/account/master-key.ts";
import { CommandError } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";

/**
 * Refuses to serve on a remote database without the master key: without it nobody could sign in, and no provider key be
 * kept. Throws VaultError for one that was mistyped, which nothing else would say before it is needed.
 */
export function requireMasterKey(config: Config): void {
  const place = keyPlaceOf(config);
  const { current } = readMasterKeys(place);
  if (!place.isRemote || current !== undefined) return;
  throw new CommandError(
    'Cannot serve on a remote database without LOWROUTER_MASTER_KEY\nSet it to 32 bytes in base64, as "openssl rand -base64 32" prints them, the same for every gateway on that database',
    78,
  );
}
