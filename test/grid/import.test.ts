import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { estimate } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { isPublishable } from "#src/eco/grid-licence.ts";
import {
  gridChanges,
  GridTableError,
  readGridTable,
  tablesFor,
  withImported,
} from "#src/eco/grid-table.ts";
import { publishMethodology } from "#src/eco/publish.ts";
import { gridsAt } from "#src/imported-grids.ts";
import { isObject } from "#src/lib/json.ts";
import { fingerprint, inputsOf } from "#test/eco/fingerprint.ts";
import { known, tables } from "#test/eco/sample.ts";
import { at, listAt, startGateway } from "#test/lib/gateway.ts";
import { systemClock } from "#src/lib/clock.ts";
import { loadConfig } from "#src/config/load.ts";
import { openStore } from "#src/store/open.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const head = "zone,year,g_per_kwh,scope,basis,source,licence,url";
const iea = "IEA Emissions Factors 2026,IEA terms,https://www.iea.org/data";
const france = `FRA,2026,50,consumption,direct,${iea}`;
const read = (...lines: string[]) =>
  readGridTable([head, ...lines].join("\n"), { tables, today: "2026-11-21" });

function saved(name: string, ...lines: string[]): string {
  const path = join(folder.path, name);
  writeFileSync(path, `${[head, ...lines].join("\r\n")}\r\n`);
  return path;
}

describe("a table is read", () => {
  test("with its rows, basis and scope, under a name made of its newest year and its source", () => {
    const table = read(
      france,
      `DE,2025,350.5,production,lifecycle,"IEA, other",CC BY 4.0,https://a.org`,
    );
    expect(table.name).toBe("grid-2026-IEA");
    expect(table.rows).toMatchObject([
      {
        zone: "DEU",
        gPerKwh: 350.5,
        year: 2025,
        basis: "lifecycle",
        scope: "production",
        source: "IEA, other",
      },
      {
        zone: "FRA",
        gPerKwh: 50,
        year: 2026,
        basis: "direct",
        scope: "consumption",
        licence: "IEA terms",
      },
    ]);
  });

  test("with its columns in any order, a byte-order mark and empty lines", () => {
    const text = `\ufeffurl,licence,source,basis,scope,g_per_kwh,year,zone,note\n\nhttps://a.org,x,IEA,Direct,Production,1,2026,FRA,"a ""note"""\n\n`;
    const { rows } = readGridTable(text, { tables, today: "2026-11-21" });
    expect(rows).toMatchObject([{ zone: "FRA", gPerKwh: 1, basis: "direct", scope: "production" }]);
  });

  test("not where all of it is in kilograms, which the name would stand for ever after", () => {
    const kilograms = ["FRA,2025,0.04", "DEU,2025,0.33"].map(
      (row) => `${row},production,lifecycle,${iea}`,
    );
    expect(() => read(...kilograms)).toThrow(
      /as 0\.04 of FRA beside [\d.]+; grams CO2e per kWh are needed, not kilograms/,
    );
    // One grid of water power alone may emit next to nothing.
    expect(read(...kilograms, france.replace("FRA", "GBR")).rows).toHaveLength(3);
  });

  test("of several years of a zone the newest counts", () => {
    const older = `FRA,2024,90,consumption,direct,${iea}`;
    expect(read(older, france).rows.map(({ gPerKwh }) => gPerKwh)).toEqual([50]);
    expect(read(france, older).rows.map(({ gPerKwh }) => gPerKwh)).toEqual([50]);
  });

  test.each([
    ["no source", "FRA,2026,50,consumption,direct,,x,https://a.org", "line 3", "it has no source"],
    [
      "no licence",
      "FRA,2026,50,consumption,direct,IEA,,https://a.org",
      "line 3",
      "it has no licence",
    ],
    ["no address", "FRA,2026,50,consumption,direct,IEA,x,", "line 3", "it has no url"],
    [
      "an address that is none",
      "FRA,2026,50,consumption,direct,IEA,x,javascript:1",
      "line 3",
      "no url",
    ],
    [
      "less than nothing",
      "FRA,2026,-1,consumption,direct,IEA,x,https://a.org",
      "line 3",
      '"-1" is no g_per_kwh',
    ],
    [
      "more than any grid",
      "FRA,2026,2001,consumption,direct,IEA,x,https://a.org",
      "line 3",
      "g_per_kwh",
    ],
    [
      "kilograms in words",
      "FRA,2026,0.05 kg,consumption,direct,IEA,x,https://a.org",
      "line 3",
      "g_per_kwh",
    ],
    [
      "an infinite value",
      "FRA,2026,1e999,consumption,direct,IEA,x,https://a.org",
      "line 3",
      "g_per_kwh",
    ],
    [
      "a year to come",
      "FRA,2027,50,consumption,direct,IEA,x,https://a.org",
      "line 3",
      '"2027" is no year',
    ],
    ["a year of no data", "FRA,26,50,consumption,direct,IEA,x,https://a.org", "line 3", "year"],
    [
      "an unknown zone",
      "ATL,2026,50,consumption,direct,IEA,x,https://a.org",
      "line 3",
      '"ATL" is no known zone',
    ],
    ["an unknown scope", "FRA,2026,50,marginal,direct,IEA,x,https://a.org", "line 3", "scope"],
    ["an unknown basis", "FRA,2026,50,consumption,total,IEA,x,https://a.org", "line 3", "basis"],
    ["a zone twice", `DEU,2026,9,consumption,direct,${iea}`, "line 3", "already, on line 2"],
    ["a cell too many", `FRA,2026,50,consumption,direct,${iea},more`, "line 3", "9 cells"],
    [
      "a quote without end",
      'FRA,2026,50,consumption,direct,"IEA,x,https://a.org',
      "",
      "line 3 has no end",
    ],
  ])("and refused for %s, with the line", (_, line, where, why) => {
    const first = `DEU,2026,300,consumption,direct,${iea}`;
    const thrown = caught(() => read(first, line));
    expect(thrown).toBeInstanceOf(GridTableError);
    expect(String(thrown)).toContain(where);
    expect(String(thrown)).toContain(why);
  });

  test.each([
    ["", "it is empty"],
    [head, "no row below its headings"],
    ["zone,year,g_per_kwh", 'lack "scope", "basis", "source", "licence", "url"'],
    [`${head},kg`, '"kg" is no column'],
    [`${head},zone`, '"zone" is there twice'],
  ])("and refused for headings %j", (text, why) => {
    const thrown = caught(() => readGridTable(text, { tables, today: "2026-11-21" }));
    expect(String(thrown)).toContain(why);
  });
});

describe("an imported table", () => {
  const table = read(france);
  const all = withImported(tables, [table]);
  const version = "v0.4-2026-01+grid-2026-IEA";
  const usage = {
    input: { fresh: 100, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 900, reasoning: 0 },
    raw: null,
  };
  const place = { provider: "mistral", region: "eu-west", country: "FR" };
  const grams = (of: string) => {
    const grid = known(gridFor(tablesFor(all, of), place));
    return known(estimate(all, of, { model: "openai/gpt-4o-mini", usage, grid })).block;
  };

  test("makes a version of each methodology, and leaves the bundled ones to a figure as they were", () => {
    expect(all.methodologies.map((record) => record.version)).toEqual([
      "v0.4-2026-01",
      "v0.11-2026-10",
      version,
      "v0.11-2026-10+grid-2026-IEA",
    ]);
    const before = known(gridFor(tables, place));
    const old = known(
      estimate(tables, "v0.4-2026-01", { model: "openai/gpt-4o-mini", usage, grid: before }),
    ).block;
    expect(grams("v0.4-2026-01")).toEqual(old);
    expect(grams(version)).toMatchObject({
      energy_wh: old.energy_wh,
      methodology_version: version,
    });
    expect(grams(version).carbon_g).toBeCloseTo((old.energy_wh * 50) / 1000, 12);
    expect(tablesFor(tablesFor(all, version), "v0.4-2026-01").zones).toBe(tables.bundled);
  });

  test("counts in the mean of a region whose countries it changes", () => {
    const mean = (of: string) =>
      known(gridFor(tablesFor(all, of), { provider: "", region: "eu-west" })).gPerKwh;
    const [bundled, changed] = [known(tables.bundled.get("FRA")).gPerKwh, 50];
    const weight = 66.5 / (66.5 + 84.6 + 18.2 + 5.26);
    expect(mean(version) - mean("v0.4-2026-01")).toBeCloseTo((changed - bundled) * weight, 9);
  });

  test("has inputs of its own, so that a version stands for one set of values", () => {
    const record = known(all.methodologies.find((one) => one.version === version));
    const other = withImported(tables, [read(france.replace(",50,", ",51,"))]);
    const hash = (of: typeof all) => fingerprint(inputsOf(tablesFor(of, version), record));
    expect(new Set([hash(all), hash(other), hash(tables)]).size).toBe(3);
    expect(read(france).hash).not.toBe(read(france.replace(",50,", ",51,")).hash);
    expect(read(france.replace("IEA terms", "x")).hash).toBe(table.hash);
  });

  test("tells what it changes: zones, before, after and percent, the largest first", () => {
    const same = known(tables.zones.get("DEU"));
    const kept = `DEU,${same.year},${same.gPerKwh},${same.scope},${same.basis},IEA,x,https://a.org`;
    const poland = known(tables.zones.get("POL"));
    const more = `POL,2026,${poland.gPerKwh * 1.01},production,lifecycle,IEA,x,https://a.org`;
    const changes = gridChanges(tables, read(france, kept, more));
    expect(changes.map(({ after }) => after.zone)).toEqual(["FRA", "POL"]);
    expect(changes[1]?.percent).toBeCloseTo(1, 9);
  });

  test("is not published where its licence does not allow that, and its basis is", () => {
    const published = publishMethodology(all, version);
    const row = published?.grid.find(({ zone }) => zone === "FRA");
    expect(row).toMatchObject({ gPerKwh: null, year: 2026, basis: "direct", scope: "consumption" });
    expect(JSON.stringify(published)).toContain("not for publication");
    for (const open of ["CC BY 4.0", "CC-BY-SA-4.0", "CC0-1.0", "ODbL", "Licence Ouverte 2.0"])
      expect([open, isPublishable({ ...known(table.rows[0]), licence: open })]).toEqual([
        open,
        true,
      ]);
    for (const shut of ["CC BY-NC 4.0", "CC-BY-ND", "IEA terms", "proprietary"])
      expect([shut, isPublishable({ ...known(table.rows[0]), licence: shut })]).toEqual([
        shut,
        false,
      ]);
  });
});

describe("a gateway on a table of its own", () => {
  const path = saved("iea.csv", france, `USA,2026,300,consumption,direct,${iea}`);
  const ask = { model: "openai/gpt-4o-mini", route: { region: "eu-west" } };

  test("records under its version, explains by it, and still explains by it when it counts no more", async () => {
    const gateway = await startGateway({ config: (config) => void (config.eco.gridFile = path) });
    const reply = await gateway.chat({ model: "openai/gpt-4o-mini", route: { region: "us-east" } });
    const eco = at(reply.json, "lowrouter.eco");
    expect(at(eco, "methodology_version")).toBe("v0.4-2026-01+grid-2026-IEA");
    const id = String(at(reply.json, "lowrouter.generation_id"));
    const explained = await gateway.ask(`/v1/generation/${id}/eco`);
    const grid = at(explained.json, "explanation.grid");
    expect(grid).toMatchObject({
      g_per_kwh: 300,
      year: 2026,
      basis: "direct",
      scope: "consumption",
    });
    expect(at(explained.json, "explanation.result")).toEqual(eco);
    const list = await gateway.ask("/v1/methodology");
    expect(listAt(list.json, "data").map((one) => at(one, "version"))).toContain(
      "v0.11-2026-10+grid-2026-IEA",
    );
    const one = await gateway.ask("/v1/methodology/v0.4-2026-01+grid-2026-IEA");
    expect(one.status).toBe(200);
    // The same database, started without the file.
    const config = loadConfig({ dataDir: gateway.folder }, {});
    const { imported, methodology } = await gridsAt(gateway.store, config, systemClock);
    expect(methodology).toBe("v0.4-2026-01");
    expect(imported.map(({ name }) => name)).toEqual(["grid-2026-IEA"]);
    await gateway.close();
  });

  test("a row of before is computed by the bundled table, whatever counts now", async () => {
    const gateway = await startGateway();
    const reply = await gateway.chat(ask);
    const id = String(at(reply.json, "lowrouter.generation_id"));
    const config = loadConfig({ dataDir: gateway.folder }, { LOWROUTER_GRID_FILE: path });
    const { createCatalogue } = await import("#src/catalogue.ts");
    const catalogue = createCatalogue(
      config,
      systemClock,
      await gridsAt(gateway.store, config, systemClock),
    );
    expect(catalogue.methodology).toBe("v0.4-2026-01+grid-2026-IEA");
    const { explainGeneration, gridVersionOf } = await import("#src/report/explain-generation.ts");
    const { findGeneration } = await import("#src/ledger/generations.ts");
    const row = known(await findGeneration(gateway.store, gateway.accountId, id));
    const version = gridVersionOf(row, catalogue.methodology);
    const grid = catalogue.services.gridOf(row.provider ?? "", row.region ?? "", version);
    const explained = explainGeneration(row, catalogue.tables, grid, catalogue.methodology);
    expect(explained.explanation?.result).toMatchObject({
      carbon_g: known(row.carbonG),
      methodology_version: "v0.4-2026-01",
    });
    await gateway.close();
  });

  test("another table under the same name gets a name of its own, and both are kept", async () => {
    const gateway = await startGateway({ config: (config) => void (config.eco.gridFile = path) });
    const other = saved("other.csv", france.replace(",50,", ",60,"));
    const config = loadConfig({ dataDir: gateway.folder }, { LOWROUTER_GRID_FILE: other });
    const { imported, methodology } = await gridsAt(gateway.store, config, systemClock);
    expect(methodology).toMatch(/^v0\.4-2026-01\+grid-2026-IEA-[0-9a-f]{8}$/);
    expect(imported).toHaveLength(2);
    const again = await gridsAt(gateway.store, config, systemClock);
    expect(again.methodology).toBe(methodology);
    await gateway.close();
  });

  test("does not start on a table that cannot be taken, and says the line", async () => {
    const wrong = saved("wrong.csv", france.replace("FRA", "ATL"));
    const started = startGateway({ config: (config) => void (config.eco.gridFile = wrong) });
    expect(String(await started.catch((thrown: unknown) => thrown))).toContain(
      'line 2 of the table: "ATL" is no known zone',
    );
  });
});

describe("lowrouter grid import", () => {
  async function command(...argv: string[]) {
    let [out, err] = ["", ""];
    const output = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      colour: false,
    };
    const code = await run([...argv, "--data-dir", join(folder.path, "state")], output);
    return { code, out, err };
  }
  const path = saved("cli.csv", france, `POL,2026,700,consumption,direct,${iea}`);

  test("shows with --dry-run what would change, and keeps nothing", async () => {
    const { code, out, err } = await command("grid", "import", path, "--dry-run");
    expect(code).toBe(0);
    expect(out).toMatch(/FRA +[\d.]+ +50 +[-+][\d.]+% /);
    expect(err).toContain("nothing is kept");
    expect(err).toContain("change what is counted too");
    expect((await command("grid", "list")).err).toContain("No table yet");
  });

  test("keeps it once, under its version, which the configuration can name", async () => {
    const made = await command("grid", "import", path, "--json");
    expect(at(JSON.parse(made.out), "data")).toMatchObject({
      name: "grid-2026-IEA",
      methodology_version: "v0.4-2026-01+grid-2026-IEA",
      kept: true,
      rows: 2,
    });
    expect((await command("grid", "import", path)).code).toBe(0);
    const list = await command("grid", "list", "--json");
    expect(listAt(JSON.parse(list.out), "data")).toHaveLength(1);
    const config = loadConfig(
      { dataDir: join(folder.path, "state") },
      { LOWROUTER_ECO_METHODOLOGY: "v0.11-2026-10+grid-2026-IEA" },
    );
    const store = await openStore({ url: config.database.url });
    const { createCatalogue } = await import("#src/catalogue.ts");
    const grids = await gridsAt(store, config, systemClock);
    expect(createCatalogue(config, systemClock, grids).tables.zones.get("FRA")?.gPerKwh).toBe(50);
    const [row] = await store.read(
      "SELECT count(*) AS n FROM audit_event WHERE action = 'grid.imported'",
      [],
    );
    store.close();
    expect(isObject(row ? { ...row } : null) && row?.["n"]).toBe(2);
  });

  test("is listed by eco methodology, as versions with its source and without its values", async () => {
    const told = await command("eco", "methodology", "--json");
    const versions = listAt(JSON.parse(told.out), "data");
    expect(versions.map((one) => at(one, "version"))).toEqual([
      "v0.4-2026-01",
      "v0.11-2026-10",
      "v0.4-2026-01+grid-2026-IEA",
      "v0.11-2026-10+grid-2026-IEA",
    ]);
    expect(at(versions[0], "grid_table")).toBeNull();
    expect(at(versions[2], "grid_table")).toMatchObject({ zones: 2, published: false });
    const { out } = await command("eco", "methodology");
    expect(out).toMatch(/v0\.4-2026-01\+grid-2026-IEA .*IEA/);
    expect(out).toMatch(/v0\.4-2026-01 .*bundled/);
    expect(told.out + out).not.toMatch(/\b(50|700)\b/);
  });

  test("refuses another table of that name, and takes it under one of its own", async () => {
    const other = saved("cli2.csv", france.replace(",50,", ",61,"));
    const refused = await command("grid", "import", other);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("--name");
    const named = await command("grid", "import", other, "--name", "second", "--json");
    expect(at(JSON.parse(named.out), "data.name")).toBe("grid-2026-second");
  });

  test("says the line of a table that cannot be taken, and of a file that is not there", async () => {
    const wrong = saved("cli3.csv", "FRA,2026,50,consumption,direct,IEA,,https://a.org");
    expect(await command("grid", "import", wrong)).toMatchObject({ code: 1, out: "" });
    expect((await command("grid", "import", wrong)).err).toContain(
      "line 2 of the table: it has no licence",
    );
    expect((await command("grid", "import", "nowhere.csv")).err).toContain("(ENOENT)");
  });
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}
