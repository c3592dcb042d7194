import { afterEach, beforeEach, expect, test } from "bun:test";
import { createLog } from "#src/observe/log.ts";
import { createHealth } from "#src/provider/health.ts";
import { createInFlight } from "#src/provider/in-flight.ts";
import { shareHealth, type Sharing, toldHealth } from "#src/shared-health.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { routeAt } from "#test/provider/route.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let clock: FakeClock;
let sharings: Sharing[];
beforeEach(async () => {
  folder = temporaryFolder();
  store = await openStore({ url: `file:${folder.path}/lowrouter.db` });
  clock = createFakeClock();
  sharings = [];
  await migrate(store, clock);
});
afterEach(async () => {
  for (const sharing of sharings) await sharing.close();
  store.close();
  folder[Symbol.dispose]();
});

const route = routeAt("openai", "eu-west", "openai/gpt-4o-mini");

function gateway(processId: string) {
  const health = createHealth(clock);
  const inFlight = createInFlight(() => undefined);
  const log = createLog({ clock, level: "error", format: "json", write() {} });
  const sharing = shareHealth({ store, clock, log, health, inFlight, processId });
  sharings.push(sharing);
  return { health, inFlight, sharing };
}
const written = async () =>
  (await store.read("SELECT updated_at FROM provider_health", [])).map((row) => row["updated_at"]);

test("a circuit that one process opened is open in the others, and is probed by each", async () => {
  const [one, two] = [gateway("one"), gateway("two")];
  for (let time = 0; time < 3; time++) one.health.failed(route, "credential_refused");
  await one.sharing.tick();
  await two.sharing.tick();
  expect(two.health.standing(route)).toMatchObject({
    state: "unavailable",
    reason: "credential_refused",
  });
  clock.advance(30_000);
  expect(two.health.enter(route)).toBe("probe");
  two.health.succeeded(route, 10);
  await two.sharing.tick();
  expect(two.health.state(route)).toBe("ok");
});

test("what a process told is not held against itself, and goes with it", async () => {
  const one = gateway("one");
  one.health.cool(route, 60_000);
  await one.sharing.tick();
  const { standings } = await toldHealth(store, clock.now());
  expect(standings).toMatchObject([
    { model: "openai/gpt-4o-mini", state: "unavailable", reason: "cooling", wait: 60_000 },
  ]);
  await one.sharing.close();
  sharings = [];
  expect(await toldHealth(store, clock.now())).toMatchObject({ standings: [] });
});

test("only changes are written at once, figures seldom", async () => {
  const one = gateway("one");
  await one.sharing.tick();
  expect(await written()).toEqual([]);
  one.health.succeeded(route, 10);
  await one.sharing.tick();
  const first = clock.now();
  for (let second = 0; second < 25; second += 5) {
    clock.advance(5_000);
    one.health.succeeded(route, 10);
    await one.sharing.tick();
  }
  expect(await written()).toEqual([first]);
  clock.advance(5_000);
  await one.sharing.tick();
  expect(await written()).toEqual([clock.now()]);
});

test("the command line is told the worst of each slot, its figures, and the requests of all", async () => {
  const [one, two] = [gateway("one"), gateway("two")];
  one.health.succeeded(route, 100);
  one.inFlight.take("openai");
  two.inFlight.take("openai");
  two.inFlight.take("openai");
  for (let time = 0; time < 3; time++) two.health.failed(route);
  await one.sharing.tick();
  await two.sharing.tick();
  const told = await toldHealth(store, clock.now());
  expect(told.standings).toMatchObject([{ state: "unavailable", reason: "circuit_open" }]);
  expect(told.inFlight.get("openai")).toBe(3);
  clock.advance(600_000);
  expect((await toldHealth(store, clock.now())).standings).toEqual([]);
});
