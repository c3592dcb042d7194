import { expect, test } from "bun:test";
import cloudRegionsFile from "#data/cloud-regions.json" with { type: "json" };
import datacentersFile from "#data/datacenters.json" with { type: "json" };
import benchmarksFile from "#data/benchmarks.json" with { type: "json" };
import measuredGpusFile from "#data/measured-gpus.json" with { type: "json" };
import ecologitsDatacenters from "#data/ecologits/datacenters.json" with { type: "json" };
import ecologitsParameters from "#data/ecologits/parameters.json" with { type: "json" };
import gridFile from "#data/grid.json" with { type: "json" };
import methodologiesFile from "#data/methodologies.json" with { type: "json" };
import modelsFile from "#data/models.json" with { type: "json" };
import parametersFile from "#data/parameters.json" with { type: "json" };
import providersFile from "#data/providers.json" with { type: "json" };
import regionsFile from "#data/regions.json" with { type: "json" };
import { checkModels, checkProviders } from "#src/catalog/check.ts";
import { loadCatalog } from "#src/catalog/load.ts";
import { checkRows, rowSchemas } from "#src/eco/load.ts";
import { measuredGpu } from "#src/eco/measured-gpus.ts";
import { isObject, type Json } from "#src/lib/json.ts";

const { models, providers } = loadCatalog();
const day = /^\d{4}-\d\d-\d\d$/;

const tables: [file: string, rows: unknown[]][] = [
  ["benchmarks", benchmarksFile.measurements],
  ["cloud-regions", cloudRegionsFile.regions],
  ["datacenters", datacentersFile.datacenters],
  ["ecologits/datacenters", ecologitsDatacenters.datacenters],
  ["ecologits/parameters", ecologitsParameters.parameters],
  ["grid", gridFile.zones],
  ["measured-gpus", measuredGpusFile.measurements],
  ["methodologies", methodologiesFile.methodologies],
  ["models", modelsFile.models],
  ["parameters", parametersFile.parameters],
  ["providers", providersFile.providers],
  ["regions", regionsFile.regions],
];

test("every data file is among those whose rows are checked here", async () => {
  const files = await Array.fromAsync(
    new Bun.Glob("**/*.json").scan(`${import.meta.dir}/../../data`),
  );
  const checked = tables.map(([file]) => `${file}.json`);
  // The lock holds hashes of the other files, and no facts.
  expect(files.filter((file) => file !== "methodologies.lock.json").sort()).toEqual(checked.sort());
});

test.each(tables)("every row of data/%s.json has a source and the day it was read", (_, rows) => {
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    if (!isObject(row)) throw new Error("a row is no object");
    expect(typeof row.source === "string" && row.source.length > 1).toBe(true);
    expect(row.read).toMatch(day);
  }
});

test("every price and policy of an endpoint has a source and a day", () => {
  for (const { endpoints } of models)
    for (const { prices, dataPolicy } of endpoints)
      for (const { source, read } of [...prices, dataPolicy]) {
        expect(source).not.toBe("");
        expect(read).toMatch(day);
      }
});

test("every section of data/SOURCES.md that a row names is there", async () => {
  const page = await Bun.file(`${import.meta.dir}/../../data/SOURCES.md`).text();
  const headings = new Set([...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name));
  const named = JSON.stringify(tables).matchAll(/data\/SOURCES\.md#([a-z-]+)/g);
  const sections = new Set([...named].map(([, name]) => name));
  expect(sections.size).toBeGreaterThan(0);
  for (const section of sections) expect([section, headings.has(section)]).toEqual([section, true]);
});

/** A copy of a JSON value without one member of the object at a path. */
function without(value: Json, path: (string | number)[]): Json {
  const [first, ...rest] = path;
  if (Array.isArray(value))
    return value.map((entry, at) => (at === first ? without(entry, rest) : entry));
  if (!isObject(value)) throw new Error("there is no such member");
  const members = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
    if (member === undefined || (name === first && rest.length === 0)) return [];
    return [[name, name === first ? without(member, rest) : member]];
  });
  return Object.fromEntries(members);
}

function copyOf(file: unknown): Json {
  const copy: Json = JSON.parse(JSON.stringify(file));
  return copy;
}

test.each(["source", "read"])("checkModels() refuses a row without %s and names it", (member) => {
  const file = copyOf(modelsFile);
  const id = modelsFile.models[7]?.id ?? "";
  expect(() => checkModels(without(file, ["models", 7, member]))).toThrow(
    new RegExp(`data/models\\.json: row "${id}".*${member}`),
  );
  const endpoint = modelsFile.models[7]?.endpoints[0]?.id ?? "";
  const price = ["models", 7, "endpoints", 0, "prices", 0, member];
  expect(() => checkModels(without(file, price))).toThrow(`row "${endpoint}"`);
});

test.each(["source", "read"])(
  "checkProviders() refuses a row without %s and names it",
  (member) => {
    const id = providersFile.providers[3]?.id ?? "";
    expect(() => checkProviders(without(copyOf(providersFile), ["providers", 3, member]))).toThrow(
      new RegExp(`data/providers\\.json: row "${id}".*${member}`),
    );
  },
);

test("checkModels() refuses a member it does not know and a price that is no decimal string", () => {
  const [first] = modelsFile.models;
  const unknown = copyOf({ schema: 1, models: [{ ...first, colour: "red" }] });
  expect(() => checkModels(unknown)).toThrow("colour");
  const [endpoint] = first?.endpoints ?? [];
  const [price] = endpoint?.prices ?? [];
  for (const input of [0.5, "1e-7", "-1", "", ".5", "free"]) {
    const prices = [{ ...price, input }];
    const file = copyOf({
      schema: 1,
      models: [{ ...first, endpoints: [{ ...endpoint, prices }] }],
    });
    expect(() => checkModels(file)).toThrow("input");
  }
});

const ecoRows = [
  ["parameters", rowSchemas.parameters, parametersFile.parameters, "model"],
  ["grid", rowSchemas.gridRow, gridFile.zones, "zone"],
  ["regions", rowSchemas.region, regionsFile.regions, "id"],
  ["datacenters", rowSchemas.datacenter, datacentersFile.datacenters, "provider"],
  ["methodologies", rowSchemas.methodology, methodologiesFile.methodologies, "version"],
  ["benchmarks", rowSchemas.benchmark, benchmarksFile.measurements, "id"],
  ["measured-gpus", measuredGpu, measuredGpusFile.measurements, "id"],
] as const;

test.each(ecoRows)("checkRows() refuses a row of %s without a source and names it", (...row) => {
  const [file, schema, rows, name] = row;
  for (const member of ["source", "licence", "read"]) {
    const copy = copyOf(rows);
    const second: unknown = rows[1];
    const id = isObject(second) ? String(second[name]) : "";
    const broken = without(copy, [1, member]);
    if (!Array.isArray(broken)) throw new Error("the rows are no list");
    expect(() => checkRows(`data/${file}.json`, schema, broken)).toThrow(
      `Cannot load data/${file}.json: row "${id}", ${member}:`,
    );
  }
});

test.each(ecoRows)("checkRows() refuses a row of %s whose source is empty", (...row) => {
  const [file, schema, [first]] = row;
  const broken = copyOf([{ ...first, source: "" }]);
  if (!Array.isArray(broken)) throw new Error("the rows are no list");
  expect(() => checkRows(`data/${file}.json`, schema, broken)).toThrow(", source:");
});

test("ids of models, endpoints and providers are unique", () => {
  for (const ids of [
    models.map(({ id }) => id),
    models.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)),
    providers.map(({ id }) => id),
  ])
    expect(new Set(ids).size).toBe(ids.length);
});

test("every endpoint names a provider of the catalogue, and its prices are in order of their days", () => {
  const known = new Set(providers.map(({ id }) => id));
  for (const { endpoints } of models)
    for (const { id, provider, prices } of endpoints) {
      expect([id, known.has(provider)]).toEqual([id, true]);
      const days = prices.map(({ from }) => from ?? "");
      expect(days).toEqual(days.toSorted());
      expect(days.slice(1)).not.toContain("");
    }
});
