import { test } from "bun:test";
import { startWalk, absent } from "#test/web/walk-house.ts";
test("x", async () => {
  const t = performance.now();
  await using w = await startWalk();
  console.log(performance.now() - t, w.theirs, absent(w.theirs.ids), w.own.ids, w.routes.length);
  console.log((await w.rowsOf(w.theirs)).map((l) => l.slice(0, 150)).join("\n"));
}, 30000);
