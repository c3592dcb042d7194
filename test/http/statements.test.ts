import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "#src/lib/clock.ts";
import { verifyFile } from "#src/statement/verify.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
const running = new Date(systemClock.now()).toISOString().slice(0, 7);

beforeAll(async () => {
  gateway = await startGateway();
  for (const key of [gateway.key, gateway.key, await gateway.stranger()])
    expect((await gateway.chatAs(key)).status).toBe(200);
});
afterAll(() => gateway.close());

/** A form of the running month, byte for byte. */
async function file(format: string): Promise<{ response: Response; bytes: Uint8Array }> {
  const response = await fetch(
    `${gateway.url}/v1/statements/${running}?partial=true&format=${format}`,
    { headers: { authorization: `Bearer ${gateway.managementKey}` } },
  );
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

test("a management key has the signed statement of its own account, in every form", async () => {
  const json = await gateway.manage(`/api/v1/statements/${running}?partial=true`);
  expect(json.headers.get("content-type")).toBe("application/json");
  const { statement, publicKey } = verifyFile({
    bytes: new TextEncoder().encode(json.text),
    keys: [],
  });
  expect(statement?.scope).toMatchObject({ kind: "account", id: gateway.accountId });
  // The stranger's request is not in it.
  expect(statement?.totals.requests).toBe(2);
  const side = (await file("csv.sig")).bytes;
  for (const [format, type] of [
    ["json", "application/json"],
    ["csv", "text/csv; charset=utf-8"],
    ["html", "text/html; charset=utf-8"],
    ["pdf", "application/pdf"],
  ] as const) {
    const { response, bytes } = await file(format);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-disposition")).toBe(
      `attachment; filename="footprint-${running}-${gateway.accountId}-partial.${format}"`,
    );
    const { kind, trust } = verifyFile({ bytes, side, keys: [publicKey] });
    expect([kind, trust]).toEqual([format, "given"]);
  }
});

test("its months are listed, with what has no estimate", async () => {
  const { status, json } = await gateway.manage("/v1/statements");
  expect(status).toBe(200);
  expect(json).toEqual({
    data: [
      {
        month: running,
        is_over: false,
        requests: 2,
        requests_without_estimate: 0,
        energy_wh: expect.any(Number),
        carbon_g: expect.any(Number),
        methodology_versions: ["v0.4-2026-01"],
      },
    ],
  });
});

test.each([
  [running, "month", "a month that is not over, without being asked for as partial"],
  [`${running}?partial=yes`, "partial", "a flag that is none"],
  [`${running}?partial=true&format=xlsx`, "format", "a form that there is not"],
  ["2026-13", "month", "a month that is none"],
  ["2926-10?partial=true", "month", "a month that has not begun"],
])("%s is refused with the name of %s: %s", async (asked, param) => {
  const reply = await gateway.manage(`/v1/statements/${asked}`);
  expect(refusal(reply)).toEqual([400, "invalid_value"]);
  expect(at(reply.json, "error.param")).toBe(param);
});

test("a key of inference may not have it, and nobody without a key", async () => {
  for (const path of ["/v1/statements", `/v1/statements/${running}?partial=true`]) {
    expect(refusal(await gateway.ask(path))).toEqual([403, "wrong_key_type"]);
    expect((await gateway.ask(path, { key: null })).status).toBe(401);
  }
});

test("a month of which requests were removed is not listed, as its statement cannot be made any more", async () => {
  const own = await startGateway();
  const now = new Date(systemClock.now());
  const from = (months: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1);
  const nameOf = (time: number) => new Date(time).toISOString().slice(0, 7);
  for (const createdAt of [from(2), from(1)])
    await own.app.ledger.record({
      generation: sampleGeneration({ accountId: own.accountId, createdAt }),
      movements: [],
    });
  const listed = async () =>
    listAt((await own.manage("/v1/statements")).json, "data").map((one) => at(one, "month"));
  expect(await listed()).toEqual([nameOf(from(1)), nameOf(from(2))]);
  await own.store.write([
    {
      sql: "INSERT INTO removed_usage (account_id, cost, requests, last_id, last_at) VALUES (?, 0, 1, 'gen_x', ?)",
      args: [own.accountId, from(2) + 1],
    },
  ]);
  expect(await listed()).toEqual([nameOf(from(1))]);
  const gone = await own.manage(`/v1/statements/${nameOf(from(2))}`);
  expect(refusal(gone)).toEqual([400, "invalid_value"]);
  await own.close();
});
