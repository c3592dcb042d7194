import { expect, test } from "bun:test";
import { startHarness } from "#test/gateway/harness.ts";

test("hours of requests that are not kept any more are refused, and not said to be empty", async () => {
  const harness = await startHarness();
  const until = Date.UTC(2026, 0, 5, 23, 59);
  await harness.store.write([
    {
      sql: "INSERT INTO removed_usage (account_id, cost, requests, last_id, last_at) VALUES (?, 0, 1, 'gen_1', ?)",
      args: [harness.accountId, until],
    },
  ]);
  const ask = async (start: string, granularity = "hourly") => {
    const path = `/api/usage/timeseries?granularity=${granularity}&start_time=${start}`;
    const headers = { authorization: `Bearer ${harness.key}` };
    const response = await fetch(harness.url + path, { headers });
    return { status: response.status, text: await response.text() };
  };
  const refused = await ask("2026-01-05");
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.text)).toMatchObject({
    error: {
      param: "start_time",
      message:
        "Cannot give hours from 2026-01-05T00:00:00.000Z on: requests until 2026-01-05T23:59:00.000Z are not kept one by one any more. Begin after that, or ask for daily",
    },
  });
  expect((await ask("2026-01-06")).status).toBe(200);
  expect((await ask("2026-01-05", "daily")).status).toBe(200);
  await harness.close();
});
