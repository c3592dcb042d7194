import { expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/** Leaves the database no page more, as a full disk does, until it is undone. */
async function fill({ store }: TestGateway): Promise<() => Promise<unknown>> {
  const [size] = await store.read("PRAGMA page_count", []);
  await store.read(`PRAGMA max_page_count = ${size?.["page_count"]}`, []);
  let name = 0;
  for (let length = 4000; length > 0; length = Math.floor(length / 2)) {
    const put = () =>
      store.write([
        { sql: "INSERT INTO setting VALUES (?, ?)", args: [`fill ${name++}`, "x".repeat(length)] },
      ]);
    await (async () => {
      for (;;) await put();
    })().catch(() => {});
  }
  return async () => store.read("PRAGMA max_page_count = 1000000", []);
}

test("an answer whose row cannot be kept is a 503 that says when to ask again, and its credit comes back", async () => {
  const gateway = await startGateway({ balance: 1 });
  expect((await gateway.chat()).status).toBe(200);
  const undo = await fill(gateway);
  let kept = 1;
  let whole = await gateway.chat();
  // There may be room in pages that are there.
  for (; whole.status === 200 && kept < 300; kept++) whole = await gateway.chat();
  const stream = await gateway.chat({ stream: true });
  expect([whole.status, at(whole.json, "error.code")]).toEqual([503, "service_unavailable"]);
  expect(whole.headers.get("retry-after")).toBe("2");
  expect(whole.text).not.toContain("SQLITE");
  // The stream had begun: it says so, and never looks complete.
  expect(stream.status).toBe(200);
  expect(stream.text).toContain('"error":{"code":"service_unavailable"');
  expect(stream.text).toContain('"finish_reason":"error"');
  await undo();
  expect((await gateway.chat()).status).toBe(200);
  await gateway.app.allowances.giveBack();
  const [row] = await gateway.store.read(
    "SELECT sum(leased) AS leased, (SELECT count(*) FROM generation_record) AS rows FROM allowance",
    [],
  );
  expect(row).toEqual({ leased: 0, rows: kept + 1 });
  await gateway.close();
}, 30_000);
