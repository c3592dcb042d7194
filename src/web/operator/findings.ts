import { statSync } from "node:fs";
import { checkKeptKeys } from "#src/account/check-provider-keys.ts";
import { checkSigningKey } from "#src/account/check-signing-key.ts";
import { checkCatalogue } from "#src/catalog/date.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { checkDatabase } from "#src/ledger/check-database.ts";
import { checkWaiting, type SpoolState } from "#src/ledger/spool-check.ts";
import { type Check, guarded } from "#src/lib/check.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import { probe } from "#src/provider/probe.ts";
import { checkMachine } from "#src/store/machine.ts";
import type { Store } from "#src/store/store.ts";

/** A check, or why it was left out. */
export type Finding = Check & { isSkipped?: true };

/** Beyond this, reading all of a file would hold requests up: 64 MiB take some tenths of a second. */
const mostBytes = 64 * 1024 * 1024;

interface Gateway {
  app: App;
  services: Services;
}

/** What `lowrouter doctor` looks at that costs nothing. */
export async function cheapFindings(
  { app, services }: Gateway,
  spool: SpoolState | undefined,
): Promise<Finding[]> {
  const { store, providerKeys } = services;
  return [
    { name: "configuration", ok: true, found: `valid; data in ${app.config.dataDir}` },
    ...checkMachine(app.config, app.clock),
    ...(spool === undefined ? [] : [checkWaiting(spool, app.config.dataDir, app.clock.now())]),
    await guarded("provider keys", "put the master key back", () =>
      checkKeptKeys(store, providerKeys.place),
    ),
    await guarded("signing key", "put the master key back", () =>
      checkSigningKey(store, providerKeys.place, app.clock),
    ),
    app.routes.anyProvider
      ? { name: "providers", ok: true, found: `${app.routes.deployments.length} places` }
      : {
          name: "providers",
          ok: false,
          found: "none is configured",
          fix: "set a key such as OPENAI_API_KEY, ANTHROPIC_API_KEY or MISTRAL_API_KEY",
        },
    checkCatalogue(app.clock.now()),
  ];
}

/** The rest: reads the whole database, and asks every provider. */
export async function dearFindings({ app, services }: Gateway): Promise<Finding[]> {
  const { store } = services;
  const size = databaseBytes(store);
  const database: Promise<Finding> =
    size !== undefined && size > mostBytes
      ? Promise.resolve({
          name: "database",
          ok: true,
          isSkipped: true,
          found:
            "not looked at: reading so large a file would hold requests up. Run lowrouter doctor on the machine",
        })
      : guarded("database", 'see "lowrouter audit verify"', () => checkDatabase(store));
  const places = distinctPlaces(app.routes.deployments);
  const asked = places.map(async (place): Promise<Finding> => {
    const { region, credential, ok, message } = await probe(place, app.config.timeouts.connectMs);
    return {
      name: `provider ${place.provider.id} in ${region}${credential ? ` with ${credential}` : ""}`,
      ok,
      found: message,
      fix: "check its key and address",
    };
  });
  return Promise.all([database, ...asked]);
}

/** Bytes of a database file and its log; undefined where it is elsewhere. */
export function databaseBytes({ path }: Store): number | undefined {
  if (path === undefined) return undefined;
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return statSync(path).size + (log?.size ?? 0);
}
