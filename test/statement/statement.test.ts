import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { estimate } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { onGrid, readGridTable, withImported } from "#src/eco/grid-table.ts";
import type { Issued } from "#src/statement/open.ts";
import { type Statement, statementSchema } from "#src/statement/statement.ts";
import type { Store } from "#src/store/store.ts";
import { fileOf, busyMonth, day, type Kit, startKit, tables } from "./kit.ts";
import { recount, sumCsv } from "./recount.ts";

let kit: Kit;
let issued: Issued;
let statement: Statement;

beforeAll(async () => {
  kit = await startKit();
  await kit.write(busyMonth(kit.account.id, kit.other.id));
  issued = await kit.statement("2026-10", kit.account);
  statement = issued.statement;
});
afterAll(() => kit[Symbol.dispose]());

const from = Date.UTC(2026, 9, 1);

describe("a busy month", () => {
  test("is what the rows of the ledger come to, counted by a program of its own", async () => {
    const rows = await kit.store.read("SELECT record FROM generation_record", []);
    const counted = recount(
      rows.map((row) => String(row["record"])),
      kit.account.id,
      "2026-10",
    );
    expect(counted.requests).toBe(250);
    expect(statement.totals.requests).toBe(counted.requests);
    expect(statement.totals.tokens.total).toBe(counted.tokens);
    expect(statement.totals.energy?.pwh).toBe(String(counted.energy));
    expect(statement.totals.carbon?.pg).toBe(String(counted.carbon));
    expect(statement.without_estimate.requests).toBe(counted.withoutEstimate);
    expect(statement.without_estimate.tokens).toBe(counted.tokensWithoutEstimate);
    for (const by of ["model", "provider", "region"] as const)
      expect([
        by,
        Object.fromEntries(
          statement.by[by].map((part) => [part.name ?? "", part.carbon?.pg ?? "0"]),
        ),
      ]).toEqual([by, counted.carbonBy[by]]);
    expect(
      Object.fromEntries(
        statement.sections.map((one) => [one.methodology_version, one.totals.energy?.pwh]),
      ),
    ).toEqual(counted.energyByMethodology);
  });

  test("has totals that are the sums of the rows of its own CSV", async () => {
    const { bytes } = await fileOf(issued, "csv");
    const sums = sumCsv(new TextDecoder().decode(bytes));
    const { totals } = statement;
    expect(sums).toEqual({
      requests: BigInt(totals.requests),
      tokens: BigInt(totals.tokens.total),
      energy_pwh: BigInt(totals.energy?.pwh ?? -1),
      energy_low_pwh: BigInt(totals.energy?.low_pwh ?? -1),
      energy_high_pwh: BigInt(totals.energy?.high_pwh ?? -1),
      carbon_pg: BigInt(totals.carbon?.pg ?? -1),
      carbon_low_pg: BigInt(totals.carbon?.low_pg ?? -1),
      carbon_high_pg: BigInt(totals.carbon?.high_pg ?? -1),
      requests_without_estimate: BigInt(statement.without_estimate.requests),
    });
  });

  test("has a part in every breakdown that adds up to the whole", () => {
    const groups = [statement.by, ...statement.sections.map((one) => one.by)];
    const wholes = [statement.totals, ...statement.sections.map((one) => one.totals)];
    for (const [at, by] of groups.entries()) {
      for (const parts of [by.model, by.provider, by.region, by.accuracy]) {
        const sum = parts.reduce((all, one) => all + BigInt(one.carbon?.low_pg ?? 0), 0n);
        expect(String(sum)).toBe(wholes[at]?.carbon?.low_pg ?? "");
      }
      const requests = by.model.reduce((all, one) => all + one.requests, 0);
      expect(requests).toBe(wholes[at]?.requests ?? -1);
    }
  });

  test("shows each methodology in a section of its own, with its formula and coefficients whole", () => {
    expect(statement.sections.map((one) => one.methodology_version)).toEqual([
      "v0.4-2026-01",
      "v0.4-2026-01+measured",
      "v0.11-2026-10",
    ]);
    const [first, measured, second] = statement.sections;
    expect(first?.methodology?.coefficients).toEqual({ alpha: 8.91e-5, beta: 1.43e-3 });
    expect(first?.methodology?.formula.join("\n")).toContain("alpha * active_b + beta");
    expect(Object.keys(second?.methodology?.coefficients ?? {})).toHaveLength(13);
    expect(second?.methodology?.weights).toEqual({
      completion: 1,
      freshPrompt: 0,
      cachedPrompt: 0,
    });
    expect(measured?.measured).toBe(true);
    expect(measured?.by.accuracy.map(({ name }) => name)).toEqual(["measured"]);
    expect(measured?.totals.energy?.wh).toBe("0.066000000000");
    expect(measured?.measurements).toEqual([
      {
        provider: "openai",
        model: "openai/gpt-4o-mini",
        wh_per_1k_tokens: 0.4,
        pue: 1.1,
        requests: 1,
      },
    ]);
    expect([first?.measurements, measured?.parameters]).toEqual([[], []]);
    expect(first?.parameters.map(({ model }) => model)).toEqual([
      "google/gemini-2.5-flash",
      "mistral/mistral-small-3.2",
      "openai/gpt-4o-mini",
    ]);
  });

  test("names the grid rows behind the figures, with year, basis, source and licence", () => {
    const [first] = statement.sections;
    expect(first?.grid.map(({ zone }) => zone)).toEqual(["DEU", "FRA", "US-SRVC", "eu-west"]);
    for (const grid of first?.grid ?? []) {
      const mean = grid.rows.reduce((sum, row) => sum + row.g_per_kwh * row.weight, 0);
      expect(mean).toBeCloseTo(grid.g_per_kwh, 9);
      for (const row of grid.rows) {
        expect(row.source).not.toBe("");
        expect(row.licence).not.toBe("");
        expect(row.year).toBeGreaterThan(2015);
      }
    }
    expect(first?.grid.find(({ zone }) => zone === "US-SRVC")?.basis).toBe("direct");
    expect(first?.grid.find(({ zone }) => zone === "eu-west")?.rows).toHaveLength(4);
  });

  test("says of everything without an estimate why there is none, and never that it is zero", () => {
    const reasons = Object.fromEntries(
      statement.without_estimate.reasons.map(({ reason, requests }) => [reason, requests]),
    );
    expect(reasons).toEqual({
      size_unknown: 2,
      embedding: 1,
      grid_unknown: 1,
      not_answered: 1,
      tokens_estimated: 1,
      tokens_unknown: 1,
    });
    expect(statement.without_estimate.share_of_requests).toBe(7 / 250);
    const unknown = statement.by.model.find(({ name }) => name === "nobody/knows-its-size");
    expect([unknown?.energy, unknown?.carbon]).toEqual([null, null]);
    for (const line of statement.lines)
      expect(line.energy === null).toBe(line.without_estimate !== null);
  });

  test("covers the rows with heads that the ledger has", async () => {
    expect(statement.ledger.rows).toBe(250);
    expect(statement.ledger.daily_totals.requests).toBe(250);
    expect(statement.ledger.heads).toHaveLength(1);
    const [head] = statement.ledger.heads;
    const [row] = await kit.store.read(
      `SELECT chain, sequence, hash FROM generation WHERE account_id = ? AND created_at < ?
       AND created_at >= ? ORDER BY sequence DESC LIMIT 1`,
      [kit.account.id, Date.UTC(2026, 10, 1), from],
    );
    expect({ chain: head?.chain, sequence: head?.sequence, hash: head?.hash }).toEqual({
      chain: String(row?.["chain"]),
      sequence: Number(row?.["sequence"]),
      hash: String(row?.["hash"]),
    });
  });

  test("is the model that its schema describes, and is the same whenever it is made", async () => {
    expect(v.parse(statementSchema, JSON.parse(JSON.stringify(statement)))).toEqual(statement);
    const again = await kit.statement("2026-10", kit.account);
    expect(again.statement).toEqual(statement);
    expect(again.signature).toBe(issued.signature);
  });

  test("of the whole gateway holds every account, and one of another account only its own", async () => {
    const whole = await kit.statement("2026-10");
    expect(whole.statement.scope).toEqual({ kind: "gateway" });
    expect(whole.statement.totals.requests).toBe(251);
    const other = await kit.statement("2026-10", kit.other);
    expect(other.statement.totals.requests).toBe(1);
    const sum =
      BigInt(other.statement.totals.carbon?.pg ?? 0) + BigInt(statement.totals.carbon?.pg ?? 0);
    expect(whole.statement.totals.carbon?.pg).toBe(String(sum));
    expect(JSON.stringify(other.statement)).not.toContain(kit.account.id);
  });
});

test("low and high are the sums of both ends of every estimate, whether they were recorded or not", async () => {
  using own = await startKit();
  const account = own.account.id;
  const asks = [0, 1, 2, 3, 4, 5].map((at) => ({
    at: from + at * day,
    account,
    provider: at < 3 ? "scaleway" : "openai",
    model: "google/gemini-2.5-flash",
    input: 100 * at + 1,
    output: 77,
    isOld: at % 2 === 0,
    methodology: at % 3 === 0 ? "v0.4-2026-01" : "v0.11-2026-10",
  }));
  await own.write(asks);
  const { totals, sections } = (await own.statement("2026-10", own.account)).statement;
  // All that the ends were made with stands there: parameters, and the overheads of whoever served.
  for (const { methodology_version: version, interval } of sections)
    expect(interval.split(" Overheads: ")[1]).toBe(
      version === "v0.4-2026-01"
        ? undefined
        : "openai 1.2, scaleway 1.16 to 1.51; the methodology's own 1.2.",
    );
  expect(sections).toHaveLength(2);
  let [low, high, carbonLow, carbonHigh] = [0n, 0n, 0n, 0n];
  const pico = (value = NaN) => BigInt(Math.round(value * 1e12));
  for (const { provider, model, input, output, methodology } of asks) {
    const grid = gridFor(tables, { provider, region: "eu-west" });
    if (grid === undefined) throw new Error("no grid");
    const usage = {
      input: { fresh: input, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: output, reasoning: 0 },
      raw: null,
    };
    const made = estimate(tables, methodology, { model, usage, grid, provider });
    low += pico(made?.energyWh.low);
    high += pico(made?.energyWh.high);
    carbonLow += pico(made?.carbonG.low);
    carbonHigh += pico(made?.carbonG.high);
  }
  expect(totals.requests_without_interval).toBe(0);
  expect([totals.energy?.low_pwh, totals.energy?.high_pwh]).toEqual([String(low), String(high)]);
  expect([totals.carbon?.low_pg, totals.carbon?.high_pg]).toEqual([
    String(carbonLow),
    String(carbonHigh),
  ]);
  expect(BigInt(totals.energy?.low_pwh ?? 0)).toBeLessThan(BigInt(totals.energy?.pwh ?? 0));
});

test("a methodology that is not bundled any more keeps its figures, and says that their interval is not known", async () => {
  using own = await startKit();
  await own.write([
    {
      at: from,
      account: own.account.id,
      isOld: true,
      parts: { methodology: "v0.1-2024-01", gridZone: "ATLANTIS", gridGPerKwh: 123.4 },
    },
  ]);
  const { statement: told } = await own.statement("2026-10", own.account);
  const [section] = told.sections;
  expect(section?.methodology).toBeNull();
  expect(section?.grid[0]).toMatchObject({ zone: "ATLANTIS", g_per_kwh: 123.4, rows: [] });
  expect(section?.grid[0]?.note).toContain("as it was recorded");
  expect(told.totals.requests_without_interval).toBe(1);
  expect(told.totals.energy?.low_pwh).toBe(told.totals.energy?.pwh ?? "");
});

test("a grid value that the table does not have any more is said to be the recorded one", async () => {
  using own = await startKit();
  await own.write([{ at: from, account: own.account.id, zone: "FRA", parts: { gridGPerKwh: 50 } }]);
  const [section] = (await own.statement("2026-10", own.account)).statement.sections;
  expect(section?.grid[0]?.g_per_kwh).toBe(50);
  expect(section?.grid[0]?.note).toContain("has 41.44 for this zone");
});

test("figures on an imported grid table stand in a section of their own, with the rows of that table", async () => {
  using own = await startKit();
  const csv = `zone,year,g_per_kwh,scope,basis,source,licence,url
FRA,2025,52.5,consumption,lifecycle,Our meter,own data,https://meter.example/fra`;
  const table = readGridTable(csv, { tables, today: "2026-12-03", label: "meter" });
  own.house.tables = withImported(tables, [table]);
  const version = onGrid("v0.4-2026-01", table);
  await own.write([
    { at: from, account: own.account.id, zone: "FRA" },
    {
      at: from + day,
      account: own.account.id,
      zone: "FRA",
      isOld: true,
      parts: { methodology: version, gridGPerKwh: 52.5 },
    },
  ]);
  const { statement: told } = await own.statement("2026-10", own.account);
  expect(told.sections.map((one) => one.methodology_version)).toEqual(["v0.4-2026-01", version]);
  const [bundled, imported] = told.sections.map((one) => one.grid[0]);
  expect(bundled).toMatchObject({ zone: "FRA", g_per_kwh: 41.44, note: null });
  expect(imported).toMatchObject({ zone: "FRA", g_per_kwh: 52.5, note: null });
  expect(imported?.rows[0]).toMatchObject({
    scope: "consumption",
    source: "Our meter",
    licence: "own data",
  });
  expect(told.totals.requests_without_interval).toBe(0);
});

test("a month in which nothing has an estimate is unknown, not zero; one without requests is zero", async () => {
  using own = await startKit();
  await own.write([{ at: from, account: own.account.id, model: "nobody/knows-its-size" }]);
  const { statement: unknown } = await own.statement("2026-10", own.account);
  expect([unknown.totals.energy, unknown.totals.carbon]).toEqual([null, null]);
  expect(unknown.without_estimate.share_of_requests).toBe(1);
  const { statement: empty } = await own.statement("2026-09", own.account);
  expect(empty.totals.energy?.wh).toBe("0.000000000000");
  expect(empty.without_estimate.share_of_requests).toBeNull();
});

test("a month that is not over is refused, unless it is asked for, and then says that it is partial", async () => {
  using own = await startKit();
  own.clock.set(Date.UTC(2026, 9, 20));
  await own.write([{ at: from, account: own.account.id }]);
  await expect(own.statement("2026-10", own.account)).rejects.toThrow(
    "the month ends on 2026-11-01",
  );
  const { statement: told } = await own.statement("2026-10", own.account, true);
  expect(told.partial).toBe(true);
  await expect(own.statement("2026-11", own.account, true)).rejects.toThrow("it has not begun");
});

/** Lets rows be changed, as somebody with the file could. */
async function disarm(store: Store): Promise<void> {
  const triggers = await store.read(
    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'generation_record'",
    [],
  );
  for (const { name } of triggers) await store.client.execute(`DROP TRIGGER "${String(name)}"`);
}

test("rows that were tampered with are not stated", async () => {
  using own = await startKit();
  await own.write([{ at: from, account: own.account.id }]);
  await disarm(own.store);
  await own.store.write([
    {
      sql: "UPDATE generation_record SET record = replace(record, '\"openai\"', '\"openal\"')",
      args: [],
    },
  ]);
  await expect(own.statement("2026-10", own.account)).rejects.toThrow(
    /row 1 of chain proc_test1 \(gen_\w+\) was changed/,
  );
});

test("a removed row shows: the daily totals come to something else, and the statement says so", async () => {
  using own = await startKit();
  await own.write([0, 1, 2].map((at) => ({ at: from + at, account: own.account.id })));
  await disarm(own.store);
  await own.store.write([{ sql: "DELETE FROM generation_record WHERE sequence = 2", args: [] }]);
  const { statement: told } = await own.statement("2026-10", own.account);
  expect([told.ledger.rows, told.ledger.daily_totals.requests]).toEqual([2, 3]);
});

test("requests are found whatever their ids say of the time, as after a clock that was set back", async () => {
  using own = await startKit();
  await own.write([
    { at: from + day, account: own.account.id },
    { at: from + 2 * day, account: own.account.id, idAt: Date.UTC(2026, 8, 2) },
    { at: from + 3 * day, account: own.account.id, idAt: Date.UTC(2026, 11, 2) },
    { at: from - day, account: own.account.id, idAt: from + day },
  ]);
  const { statement: told } = await own.statement("2026-10", own.account);
  expect(told.totals.requests).toBe(3);
  expect(told.ledger.daily_totals.requests).toBe(3);
});

test("every process that wrote rows of the month has its head", async () => {
  using own = await startKit();
  await own.write([{ at: from + day, account: own.account.id }]);
  await own.write([
    { at: from, account: own.account.id },
    { at: from, account: own.other.id },
  ]);
  const { statement: told } = await own.statement("2026-10", own.account);
  expect(told.ledger.heads.map(({ chain, sequence }) => [chain, sequence])).toEqual([
    ["proc_test1", 1],
    ["proc_test2", 1],
  ]);
});
