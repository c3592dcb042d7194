import { expect, test } from "bun:test";
import { openStore } from "#src/store/open.ts";
import { openHouse } from "#test/chaos/house.ts";
import { fromSources } from "#test/chaos/program.ts";

/* What the checks of a round see of a real gateway that did wrong; check.test.ts has each kind of wrong. */

test("a round finds what a killed gateway left leased, what was charged to somebody who was refused, and a lost row", async () => {
  await using house = await openHouse({ program: fromSources() });
  const gateway = await house.serve();
  expect(await house.answers(gateway.url)).toEqual([]);
  expect(await house.check({ alive: [gateway.pid] })).toEqual([]);

  gateway.kill("SIGKILL");
  await gateway.ended;
  expect(await house.check({})).toEqual([]);
  expect(await house.check({ alive: [] })).toEqual([
    expect.stringContaining(`outlives its process`),
  ]);

  const [id = ""] = house.complete;
  house.refused.push(id);
  expect(await house.check({})).toEqual([expect.stringContaining(`The refused ${id} was charged`)]);
  house.refused.pop();

  const store = await openStore({ url: `file:${house.database}` });
  await store.write([{ sql: "DELETE FROM generation_record WHERE id = ?", args: [id] }]);
  store.close();
  expect((await house.check({})).join("\n")).toContain(`The answer ${id} has 0 rows`);
}, 60_000);
