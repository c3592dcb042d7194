import { Bag } from "#src/lib/bag.ts";
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { createWatch } from "#src/ledger/watch.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { createElsewhere, type Elsewhere, sightKey } from "#src/web/dashboard/live-elsewhere.ts";
import { createHere, mostRows, type Sight } from "#src/web/dashboard/live-here.ts";
import type { LiveRow } from "#src/web/dashboard/live-rows.ts";
import type { Siblings } from "#src/workers/siblings.ts";
import { chatBody, startOpenai } from "#test/bin/provider.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOnce } from "#test/workers/client.ts";
import { customer, endFleets, startFleet, storeIn } from "#test/workers/kit.ts";
import { signUp } from "#test/workers/sign-up.ts";

const upstream = startOpenai();
const { env } = upstream;
afterEach(endFleets);
afterAll(() => upstream.stop());

const prompt = "canary-in-a-prompt";

/** Two workers in this process: one whose viewers look, and one that is looked at. */
function pair(lapseMs?: number) {
  const makers: ((detail: string) => string)[] = [];
  let deaf = false;
  const asked: string[] = [];
  const seat = (worker: number): Siblings => ({
    worker,
    ask(_, detail = "") {
      asked.push(detail);
      const answers = makers.map((make, at) => ({ worker: at + 1, text: make(detail) }));
      return Promise.resolve(deaf ? [] : answers);
    },
    answer: (_, make) => void makers.push(make),
    tell: () => undefined,
    hear: () => undefined,
  });
  const clock = createFakeClock();
  const watches = [createWatch(), createWatch()];
  let sights: Sight[] = [];
  const ended: { key: string; rows: readonly LiveRow[]; missed: number }[] = [];
  const made = watches.map((watch, at) =>
    createElsewhere({
      siblings: seat(at + 1),
      here: createHere({ open: new Bag(), clock }, watch),
      clock,
      processId: `proc_${at + 1}`,
      sights: () => sights,
      onEnded: (key, rows, missed) => void ended.push({ key, rows, missed }),
      ...(lapseMs === undefined ? {} : { lapseMs }),
    }),
  );
  const [looker, other] = made;
  if (looker === undefined || other === undefined) throw new Error("There are two");
  return {
    looker,
    asked,
    /** What the looked at are told by. */
    listeners: watches[1]?.listeners ?? new Set<(generation: Generation) => void>(),
    end(generation: Generation) {
      for (const listen of watches[1]?.listeners ?? []) listen(generation);
    },
    look(...now: Sight[]) {
      sights = now;
      return looker.look();
    },
    lose: (isLost: boolean) => void (deaf = isLost),
    ended: () => ended.splice(0),
  } satisfies { looker: Elsewhere } & Record<string, unknown>;
}

const idsOf = (told: readonly { rows: readonly LiveRow[] }[]) =>
  told.flatMap(({ rows }) => rows.map(({ id }) => id));
const mine: Sight = { accountId: "acc_1", only: undefined };
const row = (id: string, more: Partial<Generation> = {}): Generation => ({
  ...sampleGeneration(),
  id,
  accountId: "acc_1",
  keyId: "key_1",
  ...more,
});

describe("what another worker ended", () => {
  test("is told once, also where an answer is lost, and never what is out of sight", async () => {
    const two = pair();
    const own: Sight = { accountId: "acc_1", only: new Set(["key_2"]) };
    await two.look(mine, own);
    two.end(row("gen_1"));
    two.end(row("gen_2", { keyId: "key_2" }));
    two.end(row("gen_3", { accountId: "acc_2" }));
    two.lose(true);
    await two.look(mine, own);
    expect(two.ended()).toEqual([]);
    two.lose(false);
    await two.look(mine, own);
    const told = two.ended();
    expect(idsOf(told.filter(({ key }) => key === sightKey(mine)))).toEqual(["gen_1", "gen_2"]);
    expect(idsOf(told.filter(({ key }) => key === sightKey(own)))).toEqual(["gen_2"]);
    await two.look(mine, own);
    two.end(row("gen_4"));
    await two.look(mine, own);
    expect(idsOf(two.ended())).toEqual(["gen_4"]);
  });

  test("is bounded: beyond the rows that are shown it is counted", async () => {
    const two = pair();
    await two.look(mine);
    for (let at = 0; at < mostRows + 7; at++) two.end(row(`gen_${at}`));
    await two.look(mine);
    const [told] = two.ended();
    expect([told?.rows.length, told?.missed]).toEqual([mostRows, 7]);
    two.end(row("gen_more"));
    await two.look(mine);
    expect(two.ended()).toMatchObject([{ rows: [{ id: "gen_more" }], missed: 0 }]);
  });

  test("is kept for nobody who does not look again; once is not for long", async () => {
    const two = pair(20);
    await two.looker.once(mine);
    expect(two.listeners.size).toBe(0);
    await two.look(mine);
    expect(two.listeners.size).toBe(1);
    while (two.listeners.size > 0) await Bun.sleep(1);
    // One that looks again begins anew.
    two.end(row("gen_1"));
    await two.look(mine);
    two.end(row("gen_2"));
    await two.look(mine);
    expect(idsOf(two.ended())).toEqual(["gen_2"]);
  });

  test("is asked for in questions of a bounded size, and not at all where nobody looks", async () => {
    const two = pair();
    await two.look();
    expect(two.asked).toEqual([]);
    const many = Array.from({ length: 20 }, (_, at) => ({
      accountId: `acc_${at}`,
      only: undefined,
    }));
    await two.look(...many, ...many);
    expect(two.asked.map((detail) => detail.split('"accountId"').length - 1)).toEqual([8, 8, 4]);
  });
});

test("the live view shows what runs in every worker, as page and as events, to those who may see it", async () => {
  using folder = temporaryFolder();
  const fleet = await startFleet(folder.path, { workers: 3, env });
  const visitor = await signUp(fleet);
  const store = await storeIn(folder.path);
  const [person] = await store.read("SELECT account_id FROM person WHERE name = 'Ada'", []);
  const accountId = String(person?.["account_id"]);
  const kit = { clock: systemClock, ids: createIds(systemClock) };
  await addCredit(store, kit, {
    accountId,
    type: "credit",
    amount: fromUnits(50),
    description: "Credit",
    by: "test",
  });
  const { secret } = await createKey(store, systemClock, { accountId, name: "hers" });
  const { secret: foreign } = await customer(folder.path, { name: "theirs" });
  const hangUp = new AbortController();
  const events = await visitor.get(`/dashboard/live/events?account=${accountId}`, {
    signal: hangUp.signal,
  });
  expect(events.status).toBe(200);
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (fits: () => boolean): Promise<void> => {
    while (!fits()) {
      const next = await reader?.read();
      if (next === undefined || next.done) throw new Error(`The stream ended after: ${text}`);
      text += next.value;
    }
  };
  const slow = chatBody(`${prompt} simulate:perTokenMs=250,answerTokens=40`, { stream: true });
  const asking = Array.from({ length: 12 }, () => askOnce(fleet.port, secret, slow));
  const others = Array.from({ length: 3 }, () => askOnce(fleet.port, foreign, slow));
  await readUntil(() => text.includes('"total":12'));
  for (let turn = 0; turn < 4; turn++) {
    const page = await (await visitor.get(`/dashboard/live?account=${accountId}`)).text();
    expect(page).toContain('<span id="live-total">12</span>');
    expect(page).toContain("in all 3 workers of the gateway on this machine");
    expect(page).not.toContain("The gateway runs in");
    expect(page).not.toContain(prompt);
    expect(page).not.toContain("theirs");
  }
  const ids = (await Promise.all(asking)).map(({ id = "", status }) => `${status} ${id}`);
  const endedIds = () =>
    [...text.matchAll(/event: ended\ndata: (.*)\n/g)].flatMap(([, data = ""]) =>
      [...data.matchAll(/"id":"(gen_\w+)"/g)].map(([, id]) => `200 ${id}`),
    );
  await readUntil(() => endedIds().length >= 12);
  expect(endedIds().toSorted()).toEqual(ids.toSorted());
  await readUntil(() => [...text.matchAll(/"total":(\d+)/g)].at(-1)?.[1] === "0");
  expect(text).not.toContain(prompt);
  expect(text).not.toContain("theirs");
  hangUp.abort();
  await reader?.cancel().catch(() => undefined);
  await Promise.all(others);
  // They did run in several.
  const [row] = await store.read(
    "SELECT count(DISTINCT chain) AS chains FROM generation_record WHERE account_id = ?",
    [accountId],
  );
  store.close();
  expect(Number(row?.["chains"])).toBeGreaterThan(1);
  fleet.signal("SIGTERM");
  expect(await fleet.ended).toBe(0);
}, 90_000);
