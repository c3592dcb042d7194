import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { createCatalogue } from "#src/catalogue.ts";
import { catalogueDate } from "#src/catalog/date.ts";
import { configOf } from "#src/cli/configuration.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import { probe } from "#src/provider/probe.ts";

/** One thing looked at. `fix` says what to do when it is not well. */
interface Check {
  name: string;
  ok: boolean;
  found: string;
  fix?: string;
}

/** A year that no honest clock shows any more. */
const released = Date.UTC(2026, 0, 1);
const staleDays = 90;
const neededFiles = 4096;
const neededBytes = 200 * 1024 * 1024;

/** The `doctor` command. Exits 1 when something needs fixing. */
export async function doctor(options: CommonOptions, output: Output): Promise<void> {
  const checks: Check[] = [];
  const config = configOf(options);
  checks.push({ name: "configuration", ok: true, found: `valid; data in ${config.dataDir}` });
  checks.push(clock(), temporary(), files(), dataDirectory(config), disk(config.dataDir));
  const opened = await guarded(
    "database",
    'after the above, if any: move the file away and bring a backup back with "lowrouter restore FILE"',
    () => database(options),
  );
  checks.push(opened);
  if (opened.ok) {
    const keys = await guarded("provider keys", "then run this again", async () => {
      const { checkProviderKeys } = await import("#src/cli/doctor-keys.ts");
      return { name: "provider keys", ...(await checkProviderKeys(options)) };
    });
    checks.push(keys);
  }
  checks.push(...(await providers(options, config)), catalogue());
  if (options.json) printJson(output, { data: checks, ok: checks.every((check) => check.ok) });
  else {
    for (const check of checks) {
      output.out(`${check.ok ? "ok  " : "FIX "}  ${check.name}: ${check.found}\n`);
      if (!check.ok && check.fix) output.out(`      ${check.fix}\n`);
    }
  }
  const bad = checks.filter((check) => !check.ok);
  if (bad.length > 0)
    throw new CommandError(
      `${bad.length} of ${checks.length} checks need fixing: ${bad.map((check) => check.name).join(", ")}`,
    );
}

/** Prices change at the providers, not here: how old ours are is said, and is no fault of the installation. */
function catalogue(): Check {
  const read = catalogueDate();
  const days = Math.floor((systemClock.now() - Date.parse(read)) / 86_400_000);
  const advice = days > staleDays ? "; a newer release has newer prices" : "";
  return { name: "catalogue", ok: true, found: `of ${read}, ${days} days old${advice}` };
}

async function guarded(name: string, fix: string, look: () => Promise<Check>): Promise<Check> {
  try {
    return await look();
  } catch (thrown) {
    return {
      name,
      ok: false,
      found: thrown instanceof Error ? thrown.message : String(thrown),
      fix,
    };
  }
}

function clock(): Check {
  const now = systemClock.now();
  return {
    name: "clock",
    ok: now > released,
    found: new Date(now).toISOString(),
    fix: "set the clock, for example with timedatectl set-ntp true: windows and ids depend on it",
  };
}

/** The database library is unpacked into the temporary directory and loaded from there. */
function temporary(): Check {
  const directory = process.env.TMPDIR ?? tmpdir();
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return {
      name: "temporary directory",
      ok: !mountedNoexec(directory),
      found: directory,
      fix: `${directory} is mounted noexec: set TMPDIR to a directory that programs may be loaded from`,
    };
  } catch {
    return {
      name: "temporary directory",
      ok: false,
      found: `${directory} cannot be written`,
      fix: "set TMPDIR to a writable directory",
    };
  }
}

function mountedNoexec(directory: string): boolean {
  if (!existsSync("/proc/mounts")) return false;
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([, at = ""]) => directory === at || directory.startsWith(at.endsWith("/") ? at : `${at}/`),
    );
  const deepest = mounts.toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0];
  return deepest?.[3]?.split(",").includes("noexec") ?? false;
}

function files(): Check {
  const text = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
  const limit = Number(/Max open files\s+(\d+)/.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  return {
    name: "open files",
    ok: limit >= neededFiles,
    found: Number.isFinite(limit) ? String(limit) : "no limit known",
    fix: `raise it to ${neededFiles} or more: LimitNOFILE=65536 in the unit, or ulimit -n 65536`,
  };
}

/** The directory itself, or the nearest above it in which it would be made. */
function existing(directory: string): string {
  return existsSync(directory) ? directory : existing(dirname(directory));
}

function dataDirectory({ dataDir, database: { url } }: Config): Check {
  const name = "data directory";
  const fix = "give one that can be written with --data-dir or LOWROUTER_DATA_DIR";
  // A remote database needs none.
  if (!url.startsWith("file:")) return { name, ok: true, found: "not used" };
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
    return { name, ok: true, found: dataDir };
  } catch {
    return { name, ok: false, found: `${dataDir} cannot be written`, fix };
  }
}

function disk(directory: string): Check {
  const { bavail, bsize } = statfsSync(existing(resolve(directory)));
  const free = bavail * bsize;
  const mode = existsSync(directory) ? statSync(directory).mode & 0o077 : 0;
  return {
    name: "disk",
    ok: free > neededBytes,
    found: `${Math.round(free / 1_048_576)} MB free${mode ? "; others can read the data directory" : ""}`,
    fix: "free some space: the ledger has to be written before an answer ends",
  };
}

async function database(options: CommonOptions): Promise<Check> {
  // Only here: where the library cannot be unpacked, loading it would end the search for the reason.
  const [{ withStore }, { checkIntegrity }, { verifyChain }, { checkBalances }] = await Promise.all(
    [
      import("#src/cli/runtime.ts"),
      import("#src/store/backup.ts"),
      import("#src/ledger/chain.ts"),
      import("#src/ledger/transactions.ts"),
    ],
  );
  return withStore(options, async (store) => {
    await checkIntegrity(store);
    const { rows, faults } = await verifyChain(store);
    const imbalances = await checkBalances(store);
    const ok = faults.length === 0 && imbalances.length === 0;
    return {
      name: "database",
      ok,
      found: ok
        ? `whole; ${rows} ledger rows verify`
        : `${faults.length} chain faults, ${imbalances.length} wrong balances`,
      fix: 'see "lowrouter audit verify"',
    };
  });
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
