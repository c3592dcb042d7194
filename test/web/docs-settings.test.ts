import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { run } from "#src/cli/program.ts";
import { loadConfig } from "#src/config/load.ts";
import { inWords, toJsonSchema } from "#src/web/docs/json-schema.ts";
import { said, settings, settingsMarkdown } from "#src/web/docs/settings.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const empty = join(folder.path, "lowrouter.toml");
writeFileSync(empty, "");
afterAll(() => folder[Symbol.dispose]());

const read = (env: Record<string, string>) => loadConfig({ config: empty }, env);
/** Values for settings whose default depends on something else. */
const samples: Record<string, string> = {
  "database.url": "file:other.db",
  "log.format": "json",
  public_url: "https://gateway.example.org",
  "mail.url": "smtp://mail.example.org",
  "otel.endpoint": "http://127.0.0.1:4318",
  "mail.from": "gateway@example.org",
  "eco.grid_file": "grid.csv",
  "eco.live_grid": "rte-eco2mix",
  "eco.live_grid_url": "http://127.0.0.1:9000",
};
/** What a setting needs beside it. */
const beside: Record<string, Record<string, string>> = {
  "mail.url": {
    LOWROUTER_MAIL_FROM: "gateway@example.org",
    LOWROUTER_PUBLIC_URL: "https://gateway.example.org",
  },
};

test("every key of the schema is described, and no other", () => {
  const keys = settings().map(({ key }) => key);
  expect(keys.toSorted()).toEqual(Object.keys(said).toSorted());
  expect(keys.length).toBeGreaterThan(55);
  const table = settingsMarkdown();
  for (const key of keys) expect(table).toContain(`\`${key}\``);
});

test("every variable is the one that the loader reads, and none is left out", () => {
  const named = Object.entries(said).filter(([, { variable }]) => variable !== undefined);
  expect(named.map(([key]) => key).toSorted()).toEqual([...read({}).origins.keys()].toSorted());
  for (const [key, { variable = "", standard }] of named) {
    const { origins } = read({ ...beside[key], [variable]: standard ?? samples[key] ?? "" });
    expect([key, origins.get(key)]).toEqual([key, { origin: "environment", name: variable }]);
  }
});

test("every default is the one that counts when nothing is set", async () => {
  let out = "";
  const output = { out: (text: string) => void (out += text), err: () => {}, colour: false };
  const before = { ...process.env };
  for (const { variable } of Object.values(said)) if (variable) delete process.env[variable];
  expect(await run(["config", "show", "--json", "--config", empty], output)).toBe(0);
  Object.assign(process.env, before);
  for (const row of listAt(JSON.parse(out), "data")) {
    const key = String(at(row, "key"));
    const standard = said[key]?.standard;
    if (standard === undefined) continue;
    const value = String(at(row, "value"));
    expect([key, key === "data_dir" ? value.endsWith(`/${standard}`) : value]).toEqual([
      key,
      key === "data_dir" ? true : standard,
    ]);
  }
});

test("a schema is put into words, with its bounds and choices", () => {
  const words = (schema: unknown) => inWords(toJsonSchema(schema));
  expect(words(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)))).toBe(
    "integer, at least 1, at most 10",
  );
  expect(words(v.optional(v.picklist(["a", "b"])))).toBe('"a", "b"');
  expect(words(v.nullable(v.array(v.string())))).toBe("list of string or null");
  expect(words(v.union([v.literal("x"), v.boolean()]))).toBe('"x" or boolean');
  expect(() => words(v.date())).toThrow("Cannot describe");
});

test("toJsonSchema() keeps the bounds of a pipe that another begins with", () => {
  const inner = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
  const outer = v.pipe(
    inner,
    v.check(() => true, "never wrong"),
  );
  expect(toJsonSchema(outer)).toEqual({ type: "string", minLength: 1, maxLength: 200 });
});
