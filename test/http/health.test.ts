import { expect, test } from "bun:test";
import { healthRoutes } from "#src/http/health.ts";

const well = {
  accepting: () => true,
  databaseAnswers: () => Promise.resolve(true),
  anyProvider: () => true,
};

async function ready(spoolHasRoom?: () => boolean): Promise<[number, unknown]> {
  const routes = healthRoutes({ ...well, spoolHasRoom });
  const response = await routes.handle(new Request("http://gateway/readyz"));
  return [response.status, await response.json()];
}

test("/readyz is 503 while no more rows can wait here, though the database can be read; without a spool it says nothing of one", async () => {
  const checks = { accepting: true, database: true, provider: true };
  expect(await ready()).toEqual([200, { status: "ok", checks }]);
  expect(await ready(() => true)).toEqual([
    200,
    { status: "ok", checks: { ...checks, spool: true } },
  ]);
  expect(await ready(() => false)).toEqual([
    503,
    { status: "unavailable", checks: { ...checks, spool: false } },
  ]);
});
