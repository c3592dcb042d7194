import { afterAll, describe, expect, test } from "bun:test";
import { startWalk, type WalkHouse } from "#test/web/walk-house.ts";
import { placeOf } from "#test/web/walk-places.ts";

const walk: WalkHouse = await startWalk();
afterAll(() => walk[Symbol.asyncDispose]());

/** Called by programs, which bring a key or a signature and no cookie. */
const forPrograms = /^\w+ \/(v1|v1beta|api|stripe|healthz|readyz|metrics|\.well-known)\b|^ANY /;
const forms = walk.routes.filter(
  (route) => !/^(GET|OPTIONS|ALL) /.test(route) && !forPrograms.test(route),
);
const calls = walk.routes.filter((route) => forPrograms.test(route) && !route.includes(":s1"));

/** What browsers say of a form that stands on another site, and what they say where they say nothing. */
const elsewhere: readonly Record<string, string>[] = [
  {},
  { origin: "null" },
  { origin: "https://evil.example" },
  { origin: `${walk.house.url}.evil.example` },
  { origin: walk.house.url, "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "none" },
  { referer: `${walk.house.url}/account` },
];

describe("a form that no page of ours sent changes nothing", () => {
  test("there are forms", () => expect(forms.length).toBeGreaterThan(50));

  test.each(forms)(
    "%s",
    async (route) => {
      const [method = ""] = route.split(" ");
      const before = await walk.allRows();
      const asks = placeOf(route)?.asks(walk.own.ids, walk.own.ids) ?? [];
      expect(asks.length).toBeGreaterThan(0);
      for (const as of ["owner", "operator", "nobody"] as const)
        for (const from of elsewhere)
          for (const ask of asks) {
            const { status, headers } = await walk.send(as, method, { ...ask, from });
            expect([as, from, ask.path, status]).toEqual([as, from, ask.path, 403]);
            expect(headers.getSetCookie()).toEqual([]);
          }
      expect(await walk.allRows()).toEqual(before);
    },
    30_000,
  );
});

describe("who is signed in is nobody to what programs call", () => {
  test("there are calls", () => expect(calls.length).toBeGreaterThan(100));

  test.each(calls)("%s", async (route) => {
    const [named = ""] = route.split(" ");
    const method = named === "ANY" ? "POST" : named;
    const before = await walk.allRows();
    for (const ask of placeOf(route)?.asks(walk.own.ids, walk.own.ids) ?? []) {
      const answers = ["owner", "operator", "nobody"] as const;
      const [owner, operator, nobody] = await Promise.all(
        answers.map(async (as) => {
          const { status, text } = await walk.send(as, method, ask);
          return `${status} ${text.replace(/^process_.*$/gm, "")}`;
        }),
      );
      expect([ask.path, owner, operator]).toEqual([ask.path, nobody, nobody]);
    }
    expect(await walk.allRows()).toEqual(before);
  });
});

test("every answer of a program's route says that no browser shall guess what it is", async () => {
  const guessed: string[] = [];
  const seen = new Set<number>();
  for (const route of calls) {
    const [named = ""] = route.split(" ");
    const method = named === "ANY" ? "POST" : named;
    const names =
      method === "GET" ? (["nobody", "key", "management"] as const) : ["nobody" as const];
    for (const ask of placeOf(route)?.asks(walk.own.ids, walk.own.ids) ?? [])
      for (const as of names) {
        const { status, headers } = await walk.send(as, method, ask);
        seen.add(status);
        if (headers.get("x-content-type-options") !== "nosniff")
          guessed.push(`${as} ${method} ${ask.path}: ${status}`);
      }
  }
  expect(guessed).toEqual([]);
  expect([200, 401, 403, 404, 405].filter((status) => !seen.has(status))).toEqual([]);
}, 30_000);
