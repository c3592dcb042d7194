import { expect, spyOn, test } from "bun:test";
import { tickMs } from "#src/app.ts";
import { startHarness } from "#test/gateway/harness.ts";

test("when a key was last used is known while the gateway runs, and not only when it ends", async () => {
  const timers = spyOn(globalThis, "setInterval");
  const harness = await startHarness();
  const ticks = timers.mock.calls.flatMap(([act, ms]) =>
    ms === tickMs && typeof act === "function" ? act : [],
  );
  timers.mockRestore();
  try {
    const keys = ["a", "b", "c"].map((name) => harness.mint({ name }));
    const before = Date.now();
    for (const key of await Promise.all(keys))
      await harness.post(
        "/v1/chat/completions",
        {},
        { headers: { authorization: `Bearer ${key}` } },
      );
    const uses = () =>
      harness.store.read("SELECT name FROM api_key WHERE last_used_at >= ? ORDER BY name", [
        before,
      ]);
    expect(await uses()).toEqual([]);
    for (const tick of ticks) Reflect.apply(tick, undefined, []);
    await harness.until(async () => (await uses()).length > 0);
    expect(await uses()).toEqual([{ name: "a" }, { name: "b" }, { name: "c" }]);
  } finally {
    await harness.close();
  }
});
