import { expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createWatch } from "#src/ledger/watch.ts";
import { createLive, mostStreams } from "#src/web/dashboard/live.ts";
import { mostRows } from "#src/web/dashboard/live-here.ts";
import { figure } from "#src/web/format.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { at } from "#test/lib/gateway.ts";
import { askedWith, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/live";
const canary = "canary-in-a-prompt";

/** An event as it came. */
interface Told {
  name: string;
  data: { rows?: { id: string; cells: unknown[] }[]; total?: number; missed?: number };
}

/** A stream of events that is being read. */
interface Reader extends AsyncDisposable {
  status: number;
  headers: Headers;
  /** Everything so far, as text. */
  text(): string;
  /** Reads on to the first event that fits; throws where the stream ends before. */
  until(fits: (told: Told) => boolean): Promise<Told>;
  /** Reads to the end. */
  end(): Promise<void>;
}

const cookieOf = ({ cookies }: Browser) =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");

async function watch({ url }: PeopleGateway, browser: Browser, account?: string): Promise<Reader> {
  const hangUp = new AbortController();
  const query = account === undefined ? "" : `?account=${account}`;
  const response = await fetch(`${url}${path}/events${query}`, {
    headers: { cookie: cookieOf(browser), accept: "text/event-stream" },
    redirect: "manual",
    signal: hangUp.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let seen = 0;
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    async until(fits) {
      for (;;) {
        for (let end = text.indexOf("\n\n", seen); end >= 0; end = text.indexOf("\n\n", seen)) {
          const [, name, data] = /event: (\w+)\ndata: (.*)/.exec(text.slice(seen, end)) ?? [];
          seen = end + 2;
          if (name === undefined || data === undefined) continue;
          const told = { name, data: JSON.parse(data) };
          if (fits(told)) return told;
        }
        const next = await reader?.read();
        if (next === undefined || next.done) throw new Error(`The stream ended after: ${text}`);
        text += next.value;
      }
    },
    async end() {
      for (;;) {
        const next = await reader?.read();
        if (next === undefined || next.done) return;
        text += next.value;
      }
    },
    async [Symbol.asyncDispose]() {
      hangUp.abort();
      await reader?.cancel().catch(() => {});
    },
  };
}

/** Asks without an end: the simulated provider never answers, until who asked hangs up. */
function hanging(made: PeopleGateway, secret: string): () => Promise<void> {
  const hangUp = new AbortController();
  const asking = fetch(`${made.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      user: "ada",
      max_tokens: 16,
      messages: [{ role: "user", content: `${canary} simulate:fault=silent` }],
    }),
    signal: hangUp.signal,
  }).then(
    () => {},
    () => {},
  );
  return async () => {
    hangUp.abort();
    await asking;
  };
}

const begun = ({ name, data }: Told) => name === "running" && (data.rows?.length ?? 0) > 0;
const ended = ({ name }: Told) => name === "ended";

async function house(): Promise<{
  made: PeopleGateway;
  people: Staff;
  secret: string;
  own: string;
}> {
  const made = await startPeople(undefined, { simulated: true });
  const people = await staff(made);
  const key = (name: string, createdBy?: string) =>
    createKey(made.store, made.clock, {
      accountId: made.accountId,
      name,
      ...(createdBy === undefined ? {} : { createdBy }),
    });
  const { secret } = await key("owners");
  const { secret: own } = await key("members", people.ids.member);
  return { made, people, secret, own };
}

test("a reader of the events sees a request begin and end, and never its prompt", async () => {
  const { made, people, secret } = await house();
  await using _ = made;
  await using reader = await watch(made, people.owner);
  expect([reader.status, reader.headers.get("content-type")]).toEqual([
    200,
    "text/event-stream; charset=utf-8",
  ]);
  expect(reader.headers.get("cache-control")).toBe("no-store");
  expect((await reader.until(({ name }) => name === "running")).data).toEqual({
    rows: [],
    total: 0,
  });
  const hangUp = hanging(made, secret);
  const { data } = await reader.until(begun);
  expect(data.total).toBe(1);
  const [row] = data.rows ?? [];
  expect(row?.cells.slice(2)).toEqual(["openai/gpt-4o-mini", "owners", "ada", "openai-chat"]);
  // The page, loaded without a script, shows the same.
  const page = await people.owner.get(path);
  expect(words(page)).toContain("Under way: 1");
  expect(page.text).toContain("<td>ada</td>");
  expect(page.text).not.toContain(canary);
  await hangUp();
  expect((await reader.until(({ data }) => data.total === 0)).name).toBe("running");
  const gone = await reader.until(ended);
  expect(gone.data.rows?.map(({ id }) => id)).toEqual([row?.id ?? ""]);
  expect(gone.data.rows?.[0]?.cells[1]).toStartWith("the client left");

  const answered = await askedWith(made, secret, {
    user: "max",
    messages: [{ role: "user", content: canary }],
  });
  expect(await answered.text()).toContain("choices");
  const last = await reader.until(ended);
  expect(last.data.rows?.[0]?.id).toBe(answered.headers.get("x-lowrouter-generation-id") ?? "");
  expect(last.data.rows?.[0]?.cells[1]).toBe("answered");
  const { text } = await people.owner.get(
    `/dashboard/transactions/${last.data.rows?.[0]?.id}?format=json`,
  );
  const record: unknown = JSON.parse(text);
  const classes = Object.values(Object(at(record, "token_classes"))).map(Number);
  const figures = [
    classes.reduce((sum, count) => sum + count, 0),
    Number(at(record, "costs.charged")),
    Number(at(record, "eco.carbon_g")),
  ];
  expect(figures.every((value) => value > 0)).toBe(true);
  expect(last.data.rows?.[0]?.cells.slice(6)).toEqual(figures.map(figure));
  expect(reader.text()).not.toContain(canary);
  const after = await people.owner.get(path);
  expect(after.text).toContain(`${last.data.rows?.[0]?.id}`);
  expect(after.text).not.toContain(canary);
}, 20_000);

test("requests under way are told newest first, whichever of them end", async () => {
  const { made, people, secret } = await house();
  await using _ = made;
  await using reader = await watch(made, people.owner);
  const begins = async (total: number) => {
    const hangUp = hanging(made, secret);
    const { data } = await reader.until((told) => told.data.total === total);
    return { hangUp, ids: data.rows?.map(({ id }) => id) ?? [] };
  };
  const [first, second, third] = [await begins(1), await begins(2), await begins(3)];
  await first.hangUp();
  await reader.until((told) => told.data.total === 2);
  const fourth = await begins(3);
  const [newest] = fourth.ids;
  expect(fourth.ids).toEqual([newest ?? "", ...third.ids.slice(0, 2)]);
  expect(third.ids.slice(1)).toEqual(second.ids);
  for (const { hangUp } of [second, third, fourth]) await hangUp();
}, 20_000);

test("members are told of their own keys only, and another account of nothing", async () => {
  const { made, people, secret, own } = await house();
  await using _ = made;
  await using members = await watch(made, people.member);
  await using others = await watch(made, people.other);
  await using owners = await watch(made, people.owner);
  const first = hanging(made, secret);
  await owners.until(begun);
  await first();
  await owners.until(ended);
  const second = hanging(made, own);
  const seen = await members.until(begun);
  expect(seen.data.rows?.map(({ cells }) => cells[3])).toEqual(["members"]);
  await owners.until(begun);
  expect(words(await people.member.get(path))).toContain("Under way: 1");
  expect(words(await people.other.get(path))).toContain("Under way: 0");
  await second();
  expect((await members.until(ended)).data.rows?.map(({ cells }) => cells[4])).toEqual([
    "members, ada",
  ]);
  expect(members.text()).not.toContain("owners");
  // Other readers are told in the same turn: what was to come has come.
  await owners.until(ended);
  const accountId = await accountOf(made, "other");
  const { people: kit } = made.gateway.services;
  await addCredit(made.store, kit, {
    accountId,
    type: "credit",
    amount: fromUnits(5),
    description: "Test credit",
    by: "test",
  });
  const own2 = await createKey(made.store, made.clock, { accountId, name: "theirs" });
  const third = hanging(made, own2.secret);
  expect((await others.until(begun)).data.rows?.map(({ cells }) => cells[3])).toEqual(["theirs"]);
  await third();
  expect(others.text()).not.toContain("owners");
  expect(others.text()).not.toContain("members");
  expect((await watch(made, people.other, made.accountId)).status).toBe(404);
  const nobody = await watch(made, people.nobody);
  expect([nobody.status, nobody.headers.get("location")?.startsWith("/login")]).toEqual([
    303,
    true,
  ]);
}, 20_000);

async function accountOf({ store }: PeopleGateway, name: string): Promise<string> {
  const [row] = await store.read("SELECT account_id FROM person WHERE name = ?", [name]);
  return String(row?.["account_id"]);
}

test("a stream ends with its session, with the membership, and with the gateway", async () => {
  const { made, people } = await house();
  await using _ = made;
  await using revoked = await watch(made, people.owner);
  await using removed = await watch(made, people.member, made.accountId);
  await using kept = await watch(made, people.admin);
  for (const reader of [revoked, removed, kept])
    await reader.until(({ name }) => name === "running");
  await made.store.write([
    { sql: "DELETE FROM person_session WHERE person_id = ?", args: [people.ids.owner] },
    {
      sql: "DELETE FROM membership WHERE person_id = ? AND account_id = ?",
      args: [people.ids.member, made.accountId],
    },
  ]);
  for (const reader of [revoked, removed]) {
    await reader.until(({ name }) => name === "gone");
    await reader.end();
  }
  // The shutdown begins.
  made.gateway.services.watch.end();
  await kept.end();
  expect(kept.text()).not.toContain("event: gone");
  expect(made.gateway.services.watch.listeners.size).toBe(0);
}, 20_000);

test("one person has so many streams and no more, and each that is closed makes room", async () => {
  const { made, people } = await house();
  await using _ = made;
  const readers: Reader[] = [];
  for (let at = 0; at < mostStreams; at++) readers.push(await watch(made, people.owner));
  for (const { status } of readers) expect(status).toBe(200);
  const refused = await watch(made, people.owner);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "10"]);
  expect((await watch(made, people.admin)).status).toBe(200);
  for (const reader of readers) await reader[Symbol.asyncDispose]();
  let again = await watch(made, people.owner);
  // The server hears of a closed connection a little later than who closed it.
  while (again.status === 429) again = await watch(made, people.owner);
  expect(again.status).toBe(200);
  await again[Symbol.asyncDispose]();
}, 20_000);

test("with nobody looking, nothing listens and no timer runs", async () => {
  const { made } = await house();
  await using _ = made;
  const { app } = made.gateway;
  const own = createWatch();
  const live = createLive(app, own);
  const hangUp = new AbortController();
  const sight = { accountId: "acc_1", only: undefined };
  const viewer = { personId: "per_1", sight, check: () => Promise.resolve(sight) };
  expect([live.streams, own.listeners.size]).toEqual([0, 0]);
  const events = live.events({ ...viewer, signal: hangUp.signal });
  await events.next();
  expect([live.streams, own.listeners.size]).toEqual([1, 1]);
  // What ends in one turn beyond what is shown is counted, not kept.
  for (const listener of own.listeners)
    for (let at = 0; at < mostRows + 7; at++) listener(sampleGeneration());
  const { value = "" } = await events.next();
  expect(value.match(/"id":/g)).toHaveLength(mostRows);
  expect(value).toContain('"missed":7');
  hangUp.abort();
  expect((await events.next()).done).toBe(true);
  expect([live.streams, own.listeners.size]).toEqual([0, 0]);
  // Who hangs up before the first event was there all the same, and is no more.
  const early = new AbortController();
  live.events({ ...viewer, signal: early.signal });
  expect(live.streams).toBe(1);
  early.abort();
  expect([live.streams, own.listeners.size]).toEqual([0, 0]);
}, 20_000);

test("without JavaScript the page loads itself again, until it is told to stand still", async () => {
  const { made, people } = await house();
  await using _ = made;
  const page = await people.owner.get(path);
  expect(page.text).toContain(
    '<noscript><meta http-equiv="refresh" content="5"/></noscript></head>',
  );
  expect(page.text).toContain("still=1");
  expect(page.headers.get("content-security-policy")).toContain("connect-src 'self'");
  const still = await people.owner.get(`${path}?still=1`);
  expect(still.text).not.toContain("http-equiv");
  expect(still.text).not.toContain("<script");
  expect(words(still)).toContain("This page stands still");
}, 20_000);

test("text that clients and people chose stays text on the page and in the events", async () => {
  const { made, people } = await house();
  await using _ = made;
  const { secret } = await createKey(made.store, made.clock, {
    accountId: made.accountId,
    name: hostile,
  });
  await using reader = await watch(made, people.owner);
  await reader.until(({ name }) => name === "running");
  const asked = await askedWith(made, secret, { user: `${hostile}\n\nevent: gone\ndata: {}\n\n` });
  await asked.text();
  const told = await reader.until(() => true);
  expect(told.name).toBe("ended");
  expect(told.data.rows?.[0]?.cells[4]).toStartWith(`${hostile}, ${hostile}`);
  await keep(made.store, [
    {
      accountId: made.accountId,
      createdAt: made.clock.now() - 1000,
      user: hostile,
      model: hostile,
      provider: hostile,
      region: hostile,
      errorCode: hostile,
    },
  ]);
  const page = await people.owner.get(path);
  expect(page.text).toContain("&lt;script&gt;alert(1)");
  expect(page.text).not.toContain("<img src=x");
  expect(page.text).not.toContain("<script>alert");
}, 20_000);

test("the page says which process it watches where there are several, and an operator what the others do", async () => {
  await using house = await startPeople();
  const { owner } = await staff(house);
  const { processId } = house.gateway.services;
  const several = "The gateway runs in";
  expect(words(await owner.get(path))).not.toContain(several);
  const now = house.clock.now();
  const began = (id: string, expiresAt: number) => ({
    sql: "INSERT INTO process (id, pid, host, started_at, expires_at) VALUES (?, 1, 'another', 0, ?)",
    args: [id, expiresAt],
  });
  const told = (process: string, model: string, at: number) => ({
    sql: `INSERT INTO provider_health (process, provider, region, model, state, in_flight, updated_at)
      VALUES (?, 'openai', 'eu-west', ?, 'ok', 7, ?)`,
    args: [process, model, at],
  });
  // One that is gone is none; nor is what it told.
  await house.store.write([began("proc_gone", now - 1), told("proc_gone", "a", now - 120_000)]);
  expect(words(await owner.get(path))).not.toContain(several);
  await house.store.write([
    began("proc_two", now + 60_000),
    told("proc_two", "a", now),
    told("proc_two", "b", now),
  ]);
  const seen = words(await owner.get(path));
  expect(seen).toContain(`${several} 2 processes. This page watches one of them, ${processId}`);
  // How busy others are is not a customer's business.
  expect(seen).not.toContain("of all accounts");
  await house.store.write([
    { sql: "UPDATE person SET operator = 1 WHERE name = 'owner'", args: [] },
  ]);
  expect(words(await owner.get(path))).toContain(
    "The other had 7 requests of all accounts under way",
  );
});
