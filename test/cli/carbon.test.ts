import { afterAll, expect, test } from "bun:test";
import { run } from "#src/cli/program.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

async function command(...argv: string[]) {
  let [out, err] = ["", ""];
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    colour: false,
  };
  const code = await run([...argv, "--data-dir", folder.path], output);
  return { code, out, err };
}

test("an account's budget is set, changed in part, shown and lifted", async () => {
  await command("account", "create", "--name", "green", "--plan", "metered");
  const update = (...options: string[]) => command("account", "update", "green", ...options);
  const set = await update(
    "--carbon-budget-g",
    "500",
    "--carbon-budget-action",
    "route:0.5",
    "--json",
  );
  expect([set.code, set.err]).toEqual([0, ""]);
  expect(at(JSON.parse(set.out), "data")).toMatchObject({
    carbon_budget_g: 500,
    carbon_budget_reset: "monthly",
    carbon_budget_action: { route_under_g_per_1k: 0.5 },
    carbon_used_g: 0,
    carbon_left_g: 500,
  });
  expect((await update("--carbon-budget-reset", "daily", "--zdr")).code).toBe(0);
  const shown = await command("account", "show", "green");
  expect(shown.out).toContain("500 g CO2e daily, 500 g left, then routed under 0.5 g");
  expect(shown.out).toContain("only endpoints that retain nothing");
  expect((await update("--carbon-budget-g", "none")).code).toBe(0);
  expect((await command("account", "show", "green")).out).not.toContain("g CO2e");
});

test.each([
  [["--carbon-budget-g", "much"], "--carbon-budget-g"],
  [["--carbon-budget-g", "-1"], "--carbon-budget-g"],
  [["--carbon-budget-g", "5", "--carbon-budget-reset", "weekly"], "--carbon-budget-reset"],
  [["--carbon-budget-g", "5", "--carbon-budget-action", "route:0"], "--carbon-budget-action"],
  [["--carbon-budget-reset", "daily"], "give --carbon-budget-g"],
])("%j is a mistake of usage, said by name", async (options, said) => {
  await command("account", "create", "--name", `a ${options.join(" ")}`);
  const wrong = await command("account", "update", `a ${options.join(" ")}`, ...options);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain(said);
});

test("a key's budget takes its window and its action", async () => {
  const made = await command(
    ...["key", "create", "--account", "green", "--name", "one", "--json"],
    ...["--carbon-budget-g", "5", "--carbon-budget-reset", "daily"],
    ...["--carbon-budget-action", "route:0.25"],
  );
  expect(at(JSON.parse(made.out), "data")).toMatchObject({
    carbon_budget_g: 5,
    carbon_budget_reset: "daily",
    carbon_budget_action: { route_under_g_per_1k: 0.25 },
  });
  const list = await command("key", "list", "--account", "green", "--json");
  const hash = String(at(listAt(JSON.parse(list.out), "data")[0], "hash"));
  const wrong = await command("key", "update", hash, "--carbon-budget-action", "warn");
  expect([wrong.code, wrong.out]).toEqual([2, ""]);
});
