import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { hashOf, mintSecret } from "#src/account/keys.ts";
import { createKeyCache } from "#src/account/key-cache.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import type { Ask, Ids, WalkerName } from "#test/web/walk-house.ts";
import { startWalk, type WalkHouse } from "#test/web/walk-house.ts";
import { placeOf } from "#test/web/walk-places.ts";

let walk: WalkHouse;
const keys: string[] = [];
beforeAll(async () => {
  walk = await startWalk();
  for (const keyType of ["regular", "management"]) {
    const json = { name: keyType, key_type: keyType };
    const made = await walk.send("management", "POST", { path: "/api/v1/keys", json });
    keys.push(/"key":"(lr_\w+)"/.exec(made.text)?.[1] ?? "");
  }
  expect(keys.every((key) => key.length > 40)).toBe(true);
}, 20_000);
afterAll(() => walk[Symbol.asyncDispose]());

const quarterHour = 15 * 60_000;
const patienceMs = 120_000;

/** Sends every route what a walk of it sends, with a text of our own for every id and every name. */
async function everywhere(text: string): Promise<void> {
  const ids: Ids = { ...walk.own.ids };
  for (const name of Object.keys(ids)) Reflect.set(ids, name, text);
  for (const route of walk.routes) {
    if (/:s[1-9]/.test(route)) continue;
    const place = placeOf(route);
    const [method = ""] = route.split(" ");
    const sent = method === "ANY" || method === "ALL" ? "POST" : method;
    if (place?.isCounted) walk.house.clock.advance(quarterHour);
    for (const ask of place?.asks(ids, ids) ?? []) await everyone(sent, ask);
  }
}

async function everyone(method: string, ask: Ask): Promise<void> {
  // Whoever ends a session with what is sent would be nobody from then on.
  const isLeaving = /\/(logout|sessions|password|delete)/.test(ask.path);
  const names: WalkerName[] = isLeaving ? ["nobody"] : ["owner", "operator", "key", "management"];
  for (const as of names) {
    const { status } = await walk.send(as, method, ask);
    if (status >= 500 && status !== 502 && status !== 503)
      throw new Error(`${as} ${method} ${ask.path} is answered with ${status}`);
  }
}

test(
  "whatever is sent to any route is a value of a statement, and never part of its text",
  async () => {
    const { store } = walk.house;
    const canary = "zqsqlcanary'";
    let [bound, statements] = [0, 0];
    const spliced = new Set<string>();
    const note = (sql: string, args: readonly unknown[]) => {
      statements++;
      if (/zqsqlcanary/i.test(sql)) spliced.add(sql);
      if (args.some((arg) => String(arg).includes("zqsqlcanary"))) bound++;
    };
    const { read, write, snapshot, client } = store;
    const execute = client.execute.bind(client);
    store.read = (sql, args) => {
      note(sql, args);
      return read(sql, args);
    };
    store.write = (all) => {
      for (const { sql, args } of all) note(sql, args);
      return write(all);
    };
    store.snapshot = (all) => {
      for (const { sql, args } of all) note(sql, args);
      return snapshot(all);
    };
    Reflect.set(client, "execute", (statement: string | { sql: string; args?: unknown }) => {
      const { sql, args } = typeof statement === "string" ? { sql: statement } : statement;
      note(sql, Array.isArray(args) ? args : Object.values(args ?? {}));
      return Reflect.apply(execute, undefined, [statement]);
    });
    await everywhere(canary);
    expect([...spliced]).toEqual([]);
    // It did get as far as the database, from many places.
    expect(statements).toBeGreaterThan(1000);
    expect(bound).toBeGreaterThan(100);
  },
  patienceMs,
);

/** Every route that takes JSON of programs, as it is mounted. */
const takingJson = () =>
  walk.routes.filter((route) =>
    /^(POST|PATCH) \/(v1|v1beta|api|openai|anthropic)\b(?!.*stripe)/.test(route),
  );
const pathOf = (route: string) =>
  (route.split(" ")[1] ?? "").replaceAll("*", "x").replace(/:\w+/g, "x");

describe("JSON that is made to hurt is refused, and hurts nobody", () => {
  const deep = 100_000;
  test.each([
    ["lists without end", "[".repeat(deep) + "]".repeat(deep)],
    ["lists that never close", "[".repeat(deep)],
    ["members within members", '{"a":'.repeat(deep) + "1" + "}".repeat(deep)],
    ["depth in a member that is known", `{"messages":${"[".repeat(deep)}${"]".repeat(deep)}}`],
    ["depth in one that is not", `{"x":${"[".repeat(deep)}${"]".repeat(deep)}}`],
    ["a name a hundred thousand times", `{${'"a":1,'.repeat(deep)}"a":1}`],
    ["a number of a hundred thousand digits", `{"max_tokens":${"9".repeat(deep)}}`],
    ["half of a character", '{"model":"\\ud800"}'],
  ])(
    "%s",
    async (_, body) => {
      const routes = takingJson();
      for (const path of ["v1/chat/completions", "v1/messages", "v1/responses", "api/v1/byok"])
        expect(routes).toContain(`POST /${path}`);
      for (const route of routes) {
        const from = performance.now();
        const found = await statuses(route, body);
        expect([route, found, found.every(isRefused)]).toEqual([route, found, true]);
        expect([route, performance.now() - from < 2000]).toEqual([route, true]);
      }
    },
    patienceMs,
  );

  test("names that every object has change no object but their own", async () => {
    const body =
      '{"__proto__":{"polluted":true,"disabled":true},"constructor":{"prototype":{"polluted":true}},"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"x","__proto__":{"polluted":true}}],"max_tokens":4}';
    for (const route of takingJson()) await statuses(route, body);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(Reflect.get([], "polluted")).toBeUndefined();
  });
});

/** Status of what a route answers to these bytes, with each kind of key. */
async function statuses(
  route: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<number[]> {
  const [method = ""] = route.split(" ");
  const found: number[] = [];
  for (const key of keys) {
    const response = await fetch(walk.house.url + pathOf(route), {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body,
    });
    await response.body?.cancel();
    found.push(response.status);
  }
  return found;
}

const isRefused = (status: number) => status >= 400 && status < 500;

test("a compressed body is no JSON: nothing is unpacked for anybody", async () => {
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(8_000_000, " ")));
  expect(bomb.length).toBeLessThan(10_000);
  for (const route of takingJson())
    for (const coding of ["gzip", "deflate", "br", "zstd", "gzip, gzip"]) {
      const found = await statuses(route, bomb, { "content-encoding": coding });
      expect([route, coding, found, found.every(isRefused)]).toEqual([route, coding, found, true]);
    }
});

describe("a line of the log is one line, whatever stands in it", () => {
  const nasty =
    'a\nb\r\nc\u001b[2J\u001b]0;x\u0007\u0000\u007f\u009b31m\u0085\u2028\u2029\u202e d=e "f"';
  test.each(["json", "pretty"] as const)("as %s", (format) => {
    const lines: string[] = [];
    const log = createLog({
      clock: systemClock,
      level: "debug",
      format,
      write: (line) => void lines.push(line),
    });
    log.write("warn", "odd", { path: nasty, other: 1 }, new Error(nasty));
    const [line = ""] = lines;
    expect(lines.length).toBe(1);
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(line).toEndWith("\n");
    expect(line).toContain("other");
  });
});

describe("keys cannot be guessed", () => {
  test("a key is 256 bits of chance, and what is compared is a hash of it that the database finds", async () => {
    const secrets = new Set(Array.from({ length: 1000 }, () => mintSecret("regular")));
    expect(secrets.size).toBe(1000);
    const characters = [...secrets].flatMap((secret) => [...secret.slice("lr_live_".length)]);
    // 43 of 62 characters: 256 bits.
    expect(characters.length).toBe(43_000);
    expect(new Set(characters).size).toBe(62);
    const texts: unknown[][] = [];
    const { store } = walk.house;
    const cache = createKeyCache({
      store: {
        ...store,
        read(sql, args) {
          texts.push([...args]);
          return store.read(sql, args);
        },
      },
      clock: systemClock,
    });
    const [guess = ""] = secrets;
    expect(await cache.find(guess)).toBeUndefined();
    expect(texts.at(-1)).toEqual([hashOf(guess)]);
    expect(texts.flat()).not.toContain(guess);
  });

  test("thousands of guesses are answered alike, keep nothing, and shut nobody out", async () => {
    const rowsBefore = new Set(await walk.allRows());
    const guesses: string[] = [];
    const near = walk.own.ids.key;
    const answers = new Set<string>();
    for (let at = 0; at < 2000; at++) {
      const guess = at % 3 === 0 ? near : at % 3 === 1 ? `lr_live_${at}` : mintSecret("regular");
      guesses.push(guess, hashOf(guess));
      const response = await fetch(`${walk.house.url}/v1/key`, {
        headers: { authorization: `Bearer ${guess}` },
      });
      answers.add(`${response.status} ${await response.text()}`);
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toStartWith("401 ");
    expect((await walk.send("key", "GET", { path: "/v1/key" })).status).toBe(200);
    // Whatever else goes on meanwhile, no row tells of a guess.
    const added = (await walk.allRows()).filter((row) => !rowsBefore.has(row));
    const telling = added.filter((row) => guesses.some((guess) => row.includes(guess)));
    expect(telling).toEqual([]);
    expect(walk.house.logged()).not.toContain("lr_live_");
  }, 30_000);
});
