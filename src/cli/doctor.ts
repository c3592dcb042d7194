import { existsSync } from "node:fs";
import { join } from "node:path";
import { createCatalogue } from "#src/catalogue.ts";
import { checkCatalogue } from "#src/catalog/date.ts";
import { checkAddress } from "#src/cli/doctor-address.ts";
import { checkConfiguration } from "#src/cli/doctor-configuration.ts";
import { checkSettings } from "#src/cli/doctor-settings.ts";
import { databaseFix, remoteDatabaseFix } from "#src/cli/doctor-fix.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { type Check, guarded } from "#src/lib/check.ts";
import { systemClock } from "#src/lib/clock.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import { probe } from "#src/provider/probe.ts";
import { checkHost, checkMachine } from "#src/store/machine.ts";

/** The `doctor` command. Exits 1 when something needs fixing. */
export async function doctor(options: CommonOptions, output: Output): Promise<void> {
  const { check, config } = checkConfiguration(options);
  const checks = [
    check,
    ...(config === undefined ? checkHost(systemClock) : await ours(options, config)),
    ...(config !== undefined && check.ok ? await providers(options, config) : []),
    checkCatalogue(systemClock.now()),
  ];
  if (options.json)
    printJson(output, { data: checks.map(told), ok: checks.every((one) => one.ok) });
  else {
    for (const one of checks) {
      output.out(`${one.ok ? "ok  " : "FIX "}  ${one.name}: ${one.found}\n`);
      if (!one.ok && one.fix) output.out(`      ${one.fix}\n`);
    }
  }
  const bad = checks.filter((one) => !one.ok);
  if (bad.length > 0)
    throw new CommandError(
      `${bad.length} of ${checks.length} checks need fixing: ${bad.map((one) => one.name).join(", ")}`,
    );
}

/** A check as a program reads it: nothing says how to mend what is well. */
function told({ fix, ...check }: Check): Check {
  return check.ok || fix === undefined ? check : { ...check, fix };
}

/** The machine, the address, and what is kept here. */
async function ours(options: CommonOptions, config: Config): Promise<Check[]> {
  const checks = [checkSettings(config), ...checkMachine(config, systemClock)];
  checks.push(await checkAddress(config.listen));
  const fix = isRemote(config) ? remoteDatabaseFix : databaseFix;
  const opened = await guarded("database", fix, () => database(options));
  checks.push(opened);
  checks.push(...(await spool(options, opened.ok, config)));
  if (opened.ok) {
    const keys = await guarded("provider keys", "then run this again", async () => {
      const { checkProviderKeys } = await import("#src/cli/doctor-keys.ts");
      return checkProviderKeys(options);
    });
    const signing = await guarded("signing key", "then run this again", async () => {
      const { checkOurKey } = await import("#src/cli/doctor-keys.ts");
      return checkOurKey(options);
    });
    const usage = await guarded("old usage", "then run this again", () => oldUsage(options));
    checks.push(keys, signing, usage);
  }
  return checks;
}

async function database(options: CommonOptions): Promise<Check> {
  // Only here: where the library cannot be unpacked, loading it would end the search for the reason.
  const [{ withStore }, { checkDatabase }] = await Promise.all([
    import("#src/cli/runtime.ts"),
    import("#src/ledger/check-database.ts"),
  ]);
  return withStore(options, checkDatabase);
}

/** What waits in the data directory for a database elsewhere; told of the files alone where that does not answer. */
async function spool(options: CommonOptions, isOpen: boolean, config: Config): Promise<Check[]> {
  const { dataDir } = config;
  const place = { dataDir, isRemote: isRemote(config), now: systemClock.now() };
  if (!place.isRemote && !existsSync(join(dataDir, "spool"))) return [];
  const look = async (isAsked: boolean): Promise<Check[]> => {
    const [{ withStore }, { checkSpool }] = await Promise.all([
      import("#src/cli/runtime.ts"),
      import("#src/ledger/spool-check.ts"),
    ]);
    const found = await (isAsked && place.isRemote
      ? withStore(options, (store) => checkSpool(place, store))
      : checkSpool(place, undefined));
    return found === undefined ? [] : [found];
  };
  try {
    return await look(isOpen);
  } catch (thrown) {
    const found = thrown instanceof Error ? thrown.message : String(thrown);
    return [{ name: "spool", ok: false, found, fix: "then run this again" }];
  }
}

function isRemote({ database: { url } }: Config): boolean {
  return !url.startsWith("file:");
}

async function oldUsage(options: CommonOptions): Promise<Check> {
  const [{ withStore }, { checkRetention }] = await Promise.all([
    import("#src/cli/runtime.ts"),
    import("#src/ledger/check-retention.ts"),
  ]);
  return withStore(options, (store, config) =>
    checkRetention(store, config.retention.usageDays, systemClock.now()),
  );
}

/** Where requests can go, with the stored keys too where the database can be read. */
async function deploymentsOf(options: CommonOptions, config: Config) {
  try {
    const { withCatalogue } = await import("#src/cli/catalogue.ts");
    return await withCatalogue(options, ({ view }) => view.routes.deployments);
  } catch {
    // What is wrong with the database was told above.
    return createCatalogue(config, systemClock).routes.deployments;
  }
}

async function providers(options: CommonOptions, config: Config): Promise<Check[]> {
  const places = distinctPlaces(await deploymentsOf(options, config));
  if (places.length === 0)
    return [
      {
        name: "providers",
        ok: false,
        found: "none is configured",
        fix: "set a key such as OPENAI_API_KEY, ANTHROPIC_API_KEY or MISTRAL_API_KEY",
      },
    ];
  const results = await Promise.all(places.map((place) => probe(place, config.timeouts.connectMs)));
  return results.map((result, index) => ({
    name: `provider ${places[index]?.provider.id} in ${result.region}${result.credential ? ` with ${result.credential}` : ""}`,
    ok: result.ok,
    found: result.message,
    fix: `check its key and address: ${result.base_url}`,
  }));
}
