import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { dirname, join, normalize } from "node:path";

const root = join(import.meta.dir, "..");

/** Room to the rooms that it may import. `lib` is open to all. */
const allowed: Record<string, readonly string[]> = {
  lib: [],
  db: [],
  dialect: [],
  config: [],
  catalog: ["dialect"],
  eco: ["dialect", "catalog"],
  store: ["db"],
  allowance: ["store", "db"],
  ledger: ["store", "db", "allowance", "dialect", "eco", "catalog"],
  account: ["store", "db", "ledger", "allowance"],
  provider: ["dialect", "catalog", "config"],
  observe: [],
  workers: ["observe"],
  build: [],
  gateway: [
    "dialect",
    "catalog",
    "eco",
    "config",
    "allowance",
    "ledger",
    "account",
    "provider",
    "observe",
  ],
  report: ["ledger", "eco", "catalog", "account", "store", "dialect"],
  statement: ["account", "ledger", "eco", "report", "store", "db"],
  webhook: ["account", "allowance", "config", "ledger", "observe", "provider", "report", "store"],
  mail: ["store", "account", "config", "observe"],
  payment: ["store", "account", "ledger", "config", "observe"],
  http: [
    "gateway",
    "account",
    "ledger",
    "catalog",
    "eco",
    "report",
    "statement",
    "dialect",
    "provider",
    "allowance",
    "config",
    "store",
    "observe",
    "webhook",
    "mail",
    "payment",
    "workers",
  ],
  web: [
    "http",
    "gateway",
    "account",
    "ledger",
    "catalog",
    "eco",
    "report",
    "statement",
    "dialect",
    "provider",
    "allowance",
    "config",
    "store",
    "webhook",
    "mail",
    "payment",
    "workers",
  ],
  demo: [
    "gateway",
    "account",
    "ledger",
    "catalog",
    "eco",
    "report",
    "dialect",
    "provider",
    "allowance",
    "config",
    "store",
  ],
  cli: [
    "gateway",
    "account",
    "ledger",
    "catalog",
    "eco",
    "report",
    "statement",
    "dialect",
    "provider",
    "allowance",
    "config",
    "store",
    "demo",
    "observe",
    "http",
    "web",
    "workers",
    "app",
  ],
};

/** Where a thing may appear; nowhere else. */
const confined: [RegExp, string, readonly string[]][] = [
  [/from "elysia/, "elysia", ["http", "web"]],
  [
    /from "(drizzle-orm|@libsql|libsql)/,
    "the database driver",
    ["store", "allowance", "ledger", "account", "db"],
  ],
  [
    /(?<![.\w])fetch\(|\b(globalThis|self|Bun)\.fetch\b/,
    "fetch()",
    ["provider", "payment", "store"],
  ],
  [
    /Date\.now\(|new Date\(\)|Math\.random\(|randomUUID|nanoseconds\(/,
    "ambient time or chance",
    ["lib"],
  ],
  // How long a connection idles, and what a secret is made of, is no matter of any test's clock.
  [/performance\.now\(|hrtime/, "the time that only passes", ["lib", "provider"]],
  [/getRandomValues|randomBytes/, "chance for secrets", ["lib", "account"]],
  [/bun:sqlite/, "bun:sqlite", []],
];

interface Source {
  path: string;
  room: string;
  text: string;
}

async function sources(): Promise<Source[]> {
  const found: Source[] = [];
  for (const folder of ["src", "db"]) {
    for await (const file of new Glob("**/*.{ts,tsx}").scan(join(root, folder))) {
      const path = join(folder, file);
      const parts = path.split("/");
      const room = folder === "db" ? "db" : parts.length === 2 ? "app" : (parts[1] ?? "");
      found.push({ path, room, text: await Bun.file(join(root, path)).text() });
    }
  }
  return found;
}

const all = await sources();

describe("architecture", () => {
  test("rooms import only the rooms that stand below them", () => {
    const wrong: string[] = [];
    for (const { path, room, text } of all) {
      if (room === "app") continue;
      for (const [, specifier = ""] of text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
        const target = roomOf(specifier, path);
        if (target === undefined || target === room || target === "lib") continue;
        if (!allowed[room]?.includes(target)) wrong.push(`${path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("every room is known", () => {
    const rooms = new Set(all.map((source) => source.room));
    expect([...rooms].filter((room) => room !== "app" && !(room in allowed))).toEqual([]);
  });

  test.each(confined.map(([pattern, what, rooms]) => ({ pattern, what, rooms })))(
    "$what appears only where it belongs",
    ({ pattern, rooms }) => {
      const wrong = all.filter(
        ({ room, text }) => !rooms.includes(room) && pattern.test(code(text)),
      );
      expect(wrong.filter(({ path }) => path !== "src/build.ts").map(({ path }) => path)).toEqual(
        [],
      );
    },
  );

  test("types are not talked round: no any, no non-null, no casts but const and brands", () => {
    const pattern =
      /(:\s*any\b|\bas (?!const\b|NanoUnits\b)([A-Z{[]|(string|number|boolean|bigint|object|unknown|never|any|typeof|keyof|readonly)\b)|[\w\])]!(?=[.;,)\]}[]|$))/m;
    const wrong = all.flatMap(({ path, text }) => {
      const [found] = pattern.exec(withoutText(code(text))) ?? [];
      return found === undefined ? [] : [`${path}: ${found}`];
    });
    expect(wrong).toEqual([]);
    expect(all.some(({ text }) => /@ts-(ignore|expect-error|nocheck)/.test(text))).toBe(false);
  });

  test("what is exported has a name", () => {
    const pattern = /^export default|^export \* from/m;
    const own = all.filter(({ path }) => path !== "db/drizzle.config.ts" && path !== "db/sql.d.ts");
    expect(own.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("handle() fits on a screen", async () => {
    const text = await Bun.file(join(root, "src/gateway/handle.ts")).text();
    expect(text.split("\n").length).toBeLessThan(50);
  });

  test("a file over 300 lines says why in its header", () => {
    const long = all.filter(
      ({ text }) =>
        text.split("\n").length > 300 && !/^\/\*\*[\s\S]*?(long|length|lines)/.test(text),
    );
    expect(long.map(({ path }) => path)).toEqual([]);
  });
});

function roomOf(specifier: string, path: string): string | undefined {
  if (specifier.startsWith("#db/")) return "db";
  if (specifier.startsWith("#src/")) {
    const parts = specifier.slice("#src/".length).split("/");
    return parts.length === 1 ? "app" : parts[0];
  }
  if (!specifier.startsWith(".")) return undefined;
  const parts = normalize(join(dirname(path), specifier)).split("/");
  return parts[0] === "src" ? parts[1] : parts[0];
}

/** The text without comments, so that prose may name what code may not use. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

/** Code without what is in quotes, without what an import calls a thing, and without patterns. */
function withoutText(text: string): string {
  return text
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/`(?:[^`\\]|\\.)*`/g, "``")
    .replace(/^(?:import|export) (?:type )?(?:\{[^}]*\}|\* as \w+)/gm, "");
}
