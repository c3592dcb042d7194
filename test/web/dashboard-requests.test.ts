import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import { ulidStart } from "#src/lib/id.ts";
import { noEstimateWords } from "#src/report/no-estimate.ts";
import { askedWith, staff } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import { type Browser, startPeople, words } from "#test/web/people-kit.ts";

const day = 86_400_000;
const list = "/dashboard/transactions";

/** What the list answers as JSON. */
interface Listed {
  data: Record<string, unknown>[];
  is_cut: boolean;
  next_before: string | null;
}

async function listed(browser: Browser, query = ""): Promise<Listed> {
  const page = await browser.get(`${list}?format=json${query}`);
  expect([query, page.status]).toEqual([query, 200]);
  return JSON.parse(page.text);
}

const idsIn = ({ data }: Listed) => data.map((row) => row["generation_id"]);

/** Ids that a page links to, in order. */
const linked = (text: string) =>
  [...text.matchAll(/transactions\/(gen_\w+)\?account=/g)].map(([, id = ""]) => id);

/** A gateway with an owner, a member with a key, and requests of both. */
async function house() {
  const made = await startPeople();
  const people = await staff(made);
  const now = made.clock.now();
  const mine = await createKey(made.store, made.clock, {
    accountId: made.accountId,
    name: "members own",
    createdBy: people.ids.member,
  });
  const of = (ago: number, parts: Partial<Generation> = {}) => ({
    accountId: made.accountId,
    createdAt: now - ago,
    ...parts,
  });
  return { made, people, now, mine, of };
}

describe("the list of requests", () => {
  test("is newest first, for the last 30 days unless asked otherwise, a page at a time", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    const ids = await keep(
      made.store,
      Array.from({ length: 120 }, (_, at) => of((120 - at) * 8 * 3_600_000)),
    );
    const newest = ids.toReversed();
    const first = await people.owner.get(list);
    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(linked(first.text)).toEqual(newest.slice(0, 50));
    const older = /rel="next" href="([^"]+)"/.exec(first.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const second = await people.owner.get(older);
    // 30 days of three each, today's part of it.
    const inRange = idsIn(await listed(people.owner)).length;
    expect(inRange).toBeGreaterThan(84);
    expect(inRange).toBeLessThan(91);
    expect(linked(second.text)).toEqual(newest.slice(50, inRange));
    expect(second.text).not.toContain('rel="next"');
    const all = await listed(people.owner, "&start=2020-01-01");
    expect(idsIn(all)).toEqual(newest);
    expect([all.is_cut, all.next_before]).toEqual([false, null]);
  }, 20_000);

  test("takes every filter of its form from the URL, alone and together, and shows it again", async () => {
    const { made, people, mine, of } = await house();
    await using _ = made;
    const [a, b, c] = await keep(made.store, [
      of(3 * day, { user: "ada", provider: "mistral", region: "eu-west", model: "mistral/small" }),
      of(2 * day, { user: "max", keyId: mine.key.hash, keyName: "members own" }),
      of(day, {
        user: "ada",
        status: "upstream_error",
        errorCode: "upstream_error",
        model: undefined,
        provider: undefined,
        region: undefined,
        tokens: undefined,
        cost: undefined,
      }),
    ]);
    const asDay = (ago: number) => new Date(made.clock.now() - ago).toISOString().slice(0, 10);
    const cases: [string, unknown[]][] = [
      ["", [c, b, a]],
      ["&user=ada", [c, a]],
      ["&model=mistral%2Fsmall", [a]],
      ["&provider=openai", [b]],
      ["&region=eu-west", [b, a]],
      [`&key=${mine.key.hash}`, [b]],
      ["&status=upstream_error", [c]],
      ["&status=ok&user=ada", [a]],
      [`&start=${asDay(2 * day)}&end=${asDay(2 * day)}`, [b]],
      [`&before=${c}`, [b, a]],
      ["&user=nobody", []],
    ];
    for (const [query, ids] of cases) {
      expect([query, idsIn(await listed(people.owner, query))]).toEqual([query, ids]);
      const page = await people.owner.get(`${list}?${query}`);
      expect([query, linked(page.text)]).toEqual([query, ids.map(String)]);
    }
    const page = await people.owner.get(`${list}?user=ada&status=ok&provider=mistral&model=x%2Fy`);
    expect(page.text).toContain('name="user" value="ada"');
    expect(page.text).toContain('name="model" value="x/y"');
    expect(page.text).toMatch(/<option value="ok" selected/);
    expect(page.text).toMatch(/<option value="mistral" selected/);
    // What is not known is a dash with its reason, and no zero.
    const failed = await people.owner.get(`${list}?status=upstream_error`);
    expect(words(failed)).toContain("The price or the token counts are not known");
  }, 20_000);

  test("names the member at fault of a filter that can be none", async () => {
    const { made, people } = await house();
    await using _ = made;
    const cases: [string, string][] = [
      ["start=yesterday", "start"],
      ["end=2026-13-40", "end"],
      ["start=2026-02-01&end=2026-01-01", "start"],
      ["status=fine", "status"],
      ["before=txn_1", "before"],
      ["end=%2B275760-09-12", "end"],
    ];
    for (const [query, param] of cases) {
      const answer = await people.owner.get(`${list}?${query}`, { accept: "application/json" });
      expect([query, answer.status, JSON.parse(answer.text).error.param]).toEqual([
        query,
        400,
        param,
      ]);
    }
  }, 20_000);

  test("is CSV at the same URL, with cells that no spreadsheet runs", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    await keep(made.store, [of(day, { user: '=cmd|"x"' }), of(2 * day, { user: "plain" })]);
    const page = await people.owner.get(`${list}?format=csv`);
    expect(page.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(page.headers.get("content-disposition")).toBe('attachment; filename="requests.csv"');
    expect(page.headers.get("x-lowrouter-cut")).toBeNull();
    const [head = "", first = "", second = "", end, ...rest] = page.text.split("\r\n");
    expect([end, rest]).toEqual(["", []]);
    expect(head).toStartWith("created_at,completed_at,generation_id,");
    expect(first).toContain(`"'=cmd|""x"""`);
    expect(second).toContain(",plain,");
    const packed = await fetch(`${made.url}${list}?format=csv`, {
      headers: {
        cookie: [...people.owner.cookies].map((pair) => pair.join("=")).join("; "),
        "accept-encoding": "gzip",
      },
    });
    expect(packed.headers.get("vary")).toContain("Accept-Encoding");
    expect(await packed.text()).toBe(page.text);
  }, 20_000);

  test("is cut at 50,000 rows, and says so", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    const many = 50_010;
    const [pattern = ""] = await keep(made.store, [of(day)]);
    const [row] = await made.store.read("SELECT record FROM generation_record WHERE id = ?", [
      pattern,
    ]);
    // By hand, as the ledger would take a minute: ids count up from that of the first.
    await made.store.write([
      {
        sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many - 1})
          INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
          SELECT made, ?, json_set(?, '$[0]', made), 'x', i, '', '' FROM
            (SELECT i, substr(?, 1, 20) || printf('%010d', i) AS made FROM n)`,
        args: [made.accountId, String(row?.["record"]), pattern],
      },
    ]);
    const csv = await people.owner.get(`${list}?format=csv`);
    expect(csv.headers.get("content-disposition")).toContain("requests-cut.csv");
    expect(csv.text.split("\r\n")).toHaveLength(50_002);
    const cut = await listed(people.owner);
    expect([cut.is_cut, cut.data.length]).toEqual([true, 50_000]);
    expect(csv.headers.get("x-lowrouter-cut")).toBe(`before=${cut.next_before}`);
    const rest = await listed(people.owner, `&before=${cut.next_before}`);
    expect([rest.is_cut, rest.data.length]).toEqual([false, 10]);
    expect(new Set([...idsIn(cut), ...idsIn(rest)]).size).toBe(many);
  }, 30_000);

  test("makes one file at a time for a person", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    await keep(
      made.store,
      Array.from({ length: 1200 }, (_, at) => of(day + at)),
    );
    const both = await Promise.all([
      people.owner.get(`${list}?format=csv`),
      people.owner.get(`${list}?format=csv`),
      people.admin.get(`${list}?format=csv`),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 200, 429]);
    expect((await people.owner.get(`${list}?format=csv`)).status).toBe(200);
  }, 20_000);

  test("offers to look further back where a filter fits nothing among very many", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    await keep(made.store, [
      // The day's totals know a user of the name, so that every row has to be looked at.
      of(5 * day, { user: "rare" }),
      of(5 * day, { user: "rare", provider: "mistral" }),
    ]);
    const [row] = await made.store.read(
      "SELECT record FROM generation_record ORDER BY position DESC LIMIT 1",
      [],
    );
    const record = String(row?.["record"]).replace("rare", "many");
    // A moment after those, so that all of these are looked at before them.
    const start = `gen_${ulidStart(made.clock.now() - 5 * day + 100).slice(0, 16)}`;
    await made.store.write([
      {
        sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50600)
          INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
          SELECT made, ?, json_set(?, '$[0]', made), 'x', i, '', '' FROM
            (SELECT i, ? || printf('%010d', i) AS made FROM n)`,
        args: [made.accountId, record, start],
      },
    ]);
    const first = await people.owner.get(`${list}?user=rare`);
    expect(linked(first.text)).toEqual([]);
    expect(words(first)).toContain("No request that fits was found so far");
    expect(words(first)).toContain("Look further back");
    const further = /rel="next" href="([^"]+)"/.exec(first.text)?.[1]?.replaceAll("&amp;", "&");
    const second = await people.owner.get(further ?? "");
    expect(linked(second.text)).toHaveLength(2);
    expect(words(second)).not.toContain("Look further back");
  }, 30_000);
});

describe("one request", () => {
  test("is told whole: times, tokens, cost, trace and the estimate, as a page and as JSON", async () => {
    await using made = await startPeople(undefined, { simulated: true });
    const people = await staff(made);
    const { secret } = await createKey(made.store, made.clock, {
      accountId: made.accountId,
      name: "k",
    });
    const asked = await askedWith(made, secret, {
      user: "ada",
      messages: [{ role: "user", content: "canary-in-the-prompt" }],
      route: { region: "eu-west" },
    });
    const id = asked.headers.get("x-lowrouter-generation-id") ?? "";
    expect([asked.status, id.slice(0, 4)]).toEqual([200, "gen_"]);
    const page = await people.owner.get(`${list}/${id}`);
    expect([page.status, page.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const text = words(page);
    for (const piece of [
      id,
      "outside the region asked for",
      "region_pin",
      "us-east",
      "wh_per_token = alpha * active_b + beta",
      "alpha = 0.0000891",
      "Rows of the grid",
      "Prompt, read from cache",
      "Price at the provider",
      "The same answer under the other methodologies",
      "set by the operator",
    ])
      expect(text).toContain(piece);
    expect(page.text).not.toContain("canary-in-the-prompt");
    const told = await people.owner.get(`${list}/${id}?format=json`);
    const record = JSON.parse(told.text);
    expect(record).toMatchObject({
      generation_id: id,
      user: "ada",
      costs: { is_byok: false, usd_rate: 1 },
      token_classes: { cacheRead: 0 },
      eco_explanation: { generation_id: id, explanation: { grid: { zone: "eu-west" } } },
    });
    expect(record.eco_explanation.explanation.result).toEqual(record.eco);
    expect(told.text).not.toContain("canary-in-the-prompt");
    const shown = await people.owner.get(list);
    expect(linked(shown.text)).toEqual([id]);
    expect(shown.text).not.toContain("canary-in-the-prompt");
    // The id of the completion leads there too.
    expect((await people.owner.get(`${list}/${record.completion_id}`)).status).toBe(200);
  }, 20_000);

  test("says why there is no estimate, and shows what failed", async () => {
    const { made, people, of } = await house();
    await using _ = made;
    const [id] = await keep(made.store, [
      of(day, {
        status: "upstream_error",
        errorCode: "upstream_timeout",
        settlement: "waived",
        model: undefined,
        provider: undefined,
        region: undefined,
        tokens: undefined,
        cost: nano(0),
        costPrompt: undefined,
        costCompletion: undefined,
        upstreamCost: undefined,
        energyWh: undefined,
        carbonG: undefined,
        carbonPer1kG: undefined,
        methodology: undefined,
        accuracy: undefined,
        gridGPerKwh: undefined,
        gridZone: undefined,
        rawUsage: undefined,
        trace: [
          {
            provider: "openai",
            region: "eu-west",
            model: "openai/gpt-4o-mini",
            decision: "failed",
            reason: "upstream_503",
            status: 503,
            ms: 41,
          },
          {
            provider: "openai",
            region: "us-east",
            model: "openai/gpt-4o-mini",
            decision: "considered",
            reason: "hedged",
            may_cost: 0.002,
            estimated: true,
          },
        ],
      }),
    ]);
    const page = await people.owner.get(`${list}/${id}`);
    const text = words(page);
    for (const piece of [
      `No estimate was recorded. ${noEstimateWords.not_answered}.`,
      "the provider answered 503",
      "another answered first, and it was called off",
      "may cost 0.002 USD at the provider, estimated; not charged",
      "The provider told no token counts.",
      "upstream_timeout",
    ])
      expect(text).toContain(piece);
    expect(JSON.parse((await people.owner.get(`${list}/${id}?format=json`)).text)).toMatchObject({
      eco_explanation: { explanation: null, reason: noEstimateWords.not_answered },
      costs: { charged: 0, prompt: null },
    });
  }, 20_000);
});

describe("who sees which requests", () => {
  test("owners and admins all of the account, members those of their own keys, others none", async () => {
    const { made, people, mine, of, now } = await house();
    await using _ = made;
    const [theirs, own, foreign] = await keep(made.store, [
      of(3 * day),
      of(2 * day, { keyId: mine.key.hash, keyName: "members own" }),
      { accountId: "acc_other", createdAt: now - day, keyId: mine.key.hash },
    ]);
    const missing = `gen_${"0".repeat(26)}`;
    for (const [browser, ids] of [
      [people.owner, [own, theirs]],
      [people.admin, [own, theirs]],
      [people.member, [own]],
      [people.other, []],
    ] as const) {
      expect(idsIn(await listed(browser))).toEqual([...ids]);
      expect(linked((await browser.get(list)).text)).toEqual(ids.map(String));
      const csv = await browser.get(`${list}?format=csv`);
      expect([...csv.text.matchAll(/gen_\w+/g)].map(String)).toEqual(ids.map(String));
      for (const id of [theirs, own, foreign, missing]) {
        const isSeen = ids.some((one) => one === id);
        const page = await browser.get(`${list}/${id}`);
        expect([id, page.status]).toEqual([id, isSeen ? 200 : 404]);
        const json = await browser.get(`${list}/${id}?format=json`);
        expect([id, json.status]).toEqual([id, isSeen ? 200 : 404]);
      }
    }
    // A foreign one and one that never was look the same.
    const [a, b] = await Promise.all(
      [theirs, missing].map((id) => people.member.get(`${list}/${id}`)),
    );
    expect(a?.text.replaceAll(theirs ?? "", "")).toBe(b?.text.replaceAll(missing, "") ?? "");
    // Another's key in the filter widens nothing.
    expect(idsIn(await listed(people.member, "&key=f01d52"))).toEqual([]);
    expect(words(await people.member.get(list))).not.toContain("f01d52");
    for (const path of [list, `${list}/${own}`, `${list}?format=csv`]) {
      const page = await people.nobody.get(path);
      expect([page.status, page.to?.startsWith("/login?next=")]).toEqual([303, true]);
      const asked = `${path}${path.includes("?") ? "&" : "?"}account=${made.accountId}`;
      expect((await people.other.get(asked)).status).toBe(404);
    }
  }, 20_000);
});

test("text that clients and people chose stays text on every page, and in every file", async () => {
  const { made, people, of } = await house();
  await using _ = made;
  const { key } = await createKey(made.store, made.clock, {
    accountId: made.accountId,
    name: hostile,
  });
  const [id] = await keep(made.store, [
    of(day, {
      user: hostile,
      app: hostile,
      model: hostile,
      requestedModel: hostile,
      keyName: hostile,
      keyId: key.hash,
      provider: hostile,
      region: hostile,
      upstreamId: hostile,
      completionId: hostile,
      errorCode: hostile,
      rawUsage: JSON.stringify({ [hostile]: 1 }),
      trace: [
        {
          provider: hostile,
          region: hostile,
          model: hostile,
          decision: "selected",
          reason: hostile,
          credential: hostile,
        },
      ],
    }),
  ]);
  const encoded = encodeURIComponent(hostile);
  for (const path of [
    list,
    `${list}/${id}`,
    `${list}?user=${encoded}&model=${encoded}&provider=${encoded}&region=${encoded}&key=${encoded}`,
    `${list}?status=${encoded}`,
    `${list}?start=${encoded}`,
    `${list}/${encoded}`,
  ]) {
    const page = await people.owner.get(path);
    expect(page.headers.get("content-type")).toStartWith("text/html");
    expect([path, page.text.includes("<img src=x"), page.text.includes("<script>alert")]).toEqual([
      path,
      false,
      false,
    ]);
  }
  expect((await people.owner.get(`${list}/${id}`)).text).toContain("&lt;script&gt;alert(1)");
  const csv = await people.owner.get(`${list}?format=csv`);
  expect(csv.headers.get("content-disposition")).toContain("attachment");
});

test("a page with fifty requests of the longest names stays below 100 KB as a browser gets it", async () => {
  const { made, people, of } = await house();
  await using _ = made;
  const long = (at: number) => `${String(at).padStart(4, "0")}-${"x".repeat(190)}`;
  await keep(
    made.store,
    Array.from({ length: 60 }, (_, at) =>
      of(day + at, {
        user: long(at),
        app: long(at + 100),
        model: long(at + 200),
        keyName: long(at + 300),
      }),
    ),
  );
  for (let at = 0; at < 60; at++)
    await createKey(made.store, made.clock, { accountId: made.accountId, name: long(at) });
  const cookie = [...people.owner.cookies].map((pair) => pair.join("=")).join("; ");
  const answer = await fetch(made.url + list, {
    headers: { cookie, accept: "text/html", "accept-encoding": "gzip" },
    decompress: false,
  });
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  const bytes = (await answer.arrayBuffer()).byteLength;
  expect(bytes).toBeLessThan(40_000);
});
