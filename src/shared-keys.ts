import type { KeyPlace } from "#src/account/master-key.ts";
import {
  openProviderKeys,
  providerKeyVersion,
  touchProviderKeys,
} from "#src/account/provider-keys.ts";
import type { Catalogue } from "#src/catalogue.ts";
import type { Config } from "#src/config/load.ts";
import { createKeyring, type Keyring } from "#src/gateway/keys/keyring.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Log } from "#src/observe/log.ts";
import { type Soon, then } from "#src/lib/soon.ts";
import type { Store } from "#src/store/store.ts";

/** The keyring of a gateway, kept as the database has it. */
export interface SharedKeys {
  keyring: Keyring;
  place: KeyPlace;
  /** Reads the stored keys where they changed. What does not open is logged, and those before stay. */
  refresh(): Soon<void>;
  /** Writes when keys were last used; every ten seconds or so. */
  tick(): Promise<void>;
}

/** Where a configuration keeps its master key. */
export function keyPlaceOf(config: Config): KeyPlace {
  return {
    dataDir: config.dataDir,
    isRemote: !config.database.url.startsWith("file:"),
    secret: config.secret,
  };
}

/** Opens the stored keys. Throws VaultError where one does not open. */
export async function shareKeys(options: {
  config: Config;
  store: Store;
  clock: Clock;
  log: Log;
  catalogue: Catalogue;
}): Promise<SharedKeys> {
  const { config, store, clock, log, catalogue } = options;
  const place = keyPlaceOf(config);
  const keyring = createKeyring({
    providers: catalogue.services.providers,
    config,
    clock,
    places: catalogue.places,
    tableOver: catalogue.tableOver,
    onUnusable: (id, cause) => log.write("warn", "provider_key_unusable", { key: id }, cause),
  });
  let version: string | undefined;

  function load(): Soon<void> {
    return then(providerKeyVersion(store), (found) => {
      if (found === version) return;
      return then(openProviderKeys(store, place), (keys) => {
        keyring.replace(keys);
        // Only now: what failed is read again by the next request that notices.
        version = found;
      });
    });
  }
  const failed = (cause: unknown) => log.write("error", "provider_keys_unread", {}, cause);

  function refresh(): Soon<void> {
    try {
      const loading = load();
      return loading instanceof Promise ? loading.catch(failed) : loading;
    } catch (cause) {
      failed(cause);
    }
  }

  await load();
  return {
    keyring,
    place,
    refresh,
    async tick() {
      // What could not be read, for instance amid a rotation, is tried again.
      await refresh();
      await touchProviderKeys(store, keyring.uses());
    },
  };
}
