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

test("/readyz says when to look again while it is 503, whatever is missing, and only then", async () => {
  const after = async (change: Partial<typeof well>) => {
    const routes = healthRoutes({ ...well, ...change });
    const { status, headers } = await routes.handle(new Request("http://gateway/readyz"));
    return [status, headers.get("retry-after")];
  };
  expect(await after({})).toEqual([200, null]);
  expect(await after({ accepting: () => false })).toEqual([503, "5"]);
  expect(await after({ anyProvider: () => false })).toEqual([503, "5"]);
  const lost = () => Promise.reject(new Error("gone"));
  expect(await after({ databaseAnswers: lost })).toEqual([503, "5"]);
});
