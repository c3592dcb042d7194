import { afterAll, beforeAll, expect, test } from "bun:test";
import { createLedger } from "#src/ledger/commit.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { verifyFile } from "#src/statement/verify.ts";
import { at } from "#test/lib/gateway.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";
import { type Ask, busyMonth, day, generationOf, monthBefore, tables } from "./kit.ts";

const script = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
const list = "/dashboard/statements";
const now = systemClock.now();
const busy = monthBefore(now);
const wide = monthBefore(now, 2);
const month = busy.name;
const most = 100_000;

let house: PeopleGateway;
/** Owns an account with a busy month; administers the gateway. */
let ada: Browser;
/** Owns another. */
let eve: Browser;
/** A member of ada's account. */
let mia: Browser;
let account = "";
let other = "";

beforeAll(async () => {
  house = await startPeople((config) => (config.publicUrl = "https://gateway.example"));
  ada = await house.somebody("ada", { operator: true });
  eve = await house.somebody("eve");
  const owners = await house.store.read("SELECT account_id FROM person ORDER BY id", []);
  [account = "", other = ""] = owners.map((row) => String(row["account_id"]));
  mia = await house.somebody("mia", { accountId: account, role: "member" });
  await house.store.write([
    { sql: "UPDATE account SET name = ? WHERE id = ?", args: [`Ada ${script}`, account] },
  ]);
  const heavy = [...tables.parameters.keys()].slice(0, 250).flatMap((model, place): Ask[] =>
    ["v0.4-2026-01", "v0.11-2026-10"].map((methodology) => ({
      at: wide.from + 1 + place * 1000,
      account,
      model,
      provider: `a-provider-with-a-long-name-${place % 40}`,
      region: `a-region-${place % 30}`,
      zone: [...tables.zones.keys()][place % 90] ?? "FRA",
      methodology,
    })),
  );
  await write([
    ...busyMonth(account, other, busy),
    ...heavy,
    { at: busy.from + 9 * day, account, model: `nobody/${script}` },
    { at: monthBefore(now, 0).from, account },
  ]);
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
});

async function write(asks: readonly Ask[]): Promise<void> {
  const past = createFakeClock(0);
  const ids = createIds(past);
  const ledger = createLedger({ store: house.store, clock: past, processId: "proc_pages" });
  for (const ask of asks) {
    past.set(ask.at + 3);
    void ledger.record({ generation: generationOf(ask, ids.next("gen")), movements: [] });
  }
  await ledger.close();
}

/** A file as it comes. */
async function file(
  browser: Browser,
  path: string,
): Promise<{ response: Response; bytes: Uint8Array }> {
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const response = await fetch(house.url + path, { headers: { cookie }, redirect: "manual" });
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

test("the page of a month is the statement, and its files are signed and of the same making", async () => {
  const page = await ada.get(`${list}/${month}`);
  expect(page.status).toBe(200);
  expect(page.headers.get("cache-control")).toBe("no-store");
  const json = await file(ada, `${list}/${month}?format=json`);
  const verdict = verifyFile({ bytes: json.bytes, keys: [] });
  const { statement } = verdict;
  expect(statement?.totals.requests).toBe(251);
  expect(json.response.headers.get("content-disposition")).toBe(
    `attachment; filename="footprint-${month}-${account}.json"`,
  );
  const text = words(page);
  for (const said of [
    `${statement?.totals.energy?.wh} Wh and ${statement?.totals.carbon?.g} g CO2e`,
    Bun.SHA256.hash(
      new TextDecoder().decode(json.bytes).split('"statement":')[1]?.slice(0, -2) ?? "",
      "hex",
    ),
    verdict.publicKey,
    "https://gateway.example/.well-known/lowrouter-statement-keys.json",
    "By methodology v0.4-2026-01",
    "By methodology v0.11-2026-10",
    "The methodology changed within the month",
    "goods and services",
    "Not measured",
    statement?.ledger.heads[0]?.hash ?? "no head",
  ])
    expect(text).toContain(said);
  const csv = await file(ada, `${list}/${month}?format=csv`);
  const side = await file(ada, `${list}/${month}?format=csv.sig`);
  const pdf = await file(ada, `${list}/${month}?format=pdf`);
  expect(page.text).toContain(`href="${list}/${month}?format=html"`);
  const html = await file(ada, `${list}/${month}?format=html`);
  expect(verifyFile({ bytes: html.bytes, keys: [verdict.publicKey] }).trust).toBe("given");
  expect(html.response.headers.get("content-disposition")).toBe(
    `attachment; filename="footprint-${month}-${account}.html"`,
  );
  expect(verifyFile({ bytes: csv.bytes, side: side.bytes, keys: [verdict.publicKey] }).trust).toBe(
    "given",
  );
  expect(verifyFile({ bytes: pdf.bytes, keys: [verdict.publicKey] }).trust).toBe("given");
  expect(pdf.response.headers.get("content-type")).toBe("application/pdf");
});

test("the public keys are there for anyone", async () => {
  const response = await fetch(`${house.url}/.well-known/lowrouter-statement-keys.json`);
  expect(response.status).toBe(200);
  const json = await file(ada, `${list}/${month}?format=json`);
  const { publicKey, keyId } = verifyFile({ bytes: json.bytes, keys: [] });
  const answer: unknown = await response.json();
  expect(at(answer, "keys.0")).toMatchObject({
    kty: "OKP",
    crv: "Ed25519",
    kid: keyId,
    x: publicKey,
  });
  expect(JSON.stringify(answer)).not.toContain('"d"');
});

test("another's statement does not exist, nor does one for a member or for nobody", async () => {
  for (const query of [
    "",
    "?format=json",
    "?format=pdf",
    "?format=html",
    "?format=csv",
    "?format=csv.sig",
    "?partial=yes",
  ]) {
    const sign = query === "" ? "?" : "&";
    const path = `${list}/${month}${query}`;
    const foreign = await eve.get(`${path}${sign}account=${account}`);
    const missing = await eve.get(`${path}${sign}account=acc_00000000000000000000000000`);
    expect([query, foreign.status, missing.status]).toEqual([query, 404, 404]);
    expect((await mia.get(`${path}${sign}account=${account}`)).status).toBe(404);
    expect((await house.browser().get(path)).to).toStartWith("/login?next=");
    const own = await eve.get(path);
    expect([query, own.status]).toEqual([query, 200]);
    expect(own.text).not.toContain(account);
    expect(own.text).not.toContain("nobody/");
  }
  const { bytes } = await file(eve, `${list}/${month}?format=json`);
  expect(verifyFile({ bytes, keys: [] }).statement?.totals.requests).toBe(1);
});

test("the gateway's statement holds every account, and exists for operators alone", async () => {
  const { bytes } = await file(ada, `/operator/statements/${month}?format=json`);
  const { statement } = verifyFile({ bytes, keys: [] });
  expect(statement?.scope).toEqual({ kind: "gateway" });
  expect(statement?.totals.requests).toBe(252);
  const accounts = statement?.by.account ?? [];
  expect(
    accounts.map(({ name, account_name: called, requests }) => [name, called, requests]),
  ).toEqual([
    [account, `Ada ${script}`, 251],
    [other, expect.any(String), 1],
  ]);
  const own = await file(ada, `${list}/${month}?format=json`);
  const { totals, by, lines } = verifyFile({ bytes: own.bytes, keys: [] }).statement ?? {};
  expect([by?.account, lines?.some((line) => "account" in line)]).toEqual([undefined, false]);
  const [first] = accounts;
  expect([first?.energy, first?.carbon, first?.tokens]).toEqual([
    totals?.energy,
    totals?.carbon,
    totals?.tokens,
  ]);
  expect(words(await ada.get(`/operator/statements/${month}`))).toContain(`(${account})`);
  for (const path of ["/operator/statements", `/operator/statements/${month}`]) {
    expect([path, (await ada.get(path)).status]).toEqual([path, 200]);
    for (const one of [eve, mia]) expect([path, (await one.get(path)).status]).toEqual([path, 404]);
    expect((await house.browser().get(path)).to).toStartWith("/login?next=");
  }
  expect((await ada.get("/operator/statements")).text).toContain(
    `href="/operator/statements/${month}"`,
  );
});

test("a month that is none, or has not begun, is not there; a form that is none is refused", async () => {
  for (const name of ["2026-13", "2026-1", "26-10", "2926-10", "x", "2026-10-01"])
    expect([name, (await ada.get(`${list}/${name}`)).status]).toEqual([name, 404]);
  expect((await ada.get(`${list}/${month}?format=xlsx`)).status).toBe(400);
});

test("a month that is not over is offered as a partial statement, which says so in every form", async () => {
  const running = new Date(house.clock.now()).toISOString().slice(0, 7);
  expect(words(await ada.get(list))).toContain(`${running} , not over yet`);
  const first = await ada.get(`${list}/${running}`);
  expect(first.text).toContain("Make a partial statement");
  expect(first.text).toContain(`href="${list}/${running}?partial=yes"`);
  const page = await ada.get(`${list}/${running}?partial=yes`);
  expect(words(page)).toContain("Partial. The month was not over");
  expect(page.text).toContain(`${running}?partial=yes&amp;format=pdf`);
  const { bytes, response } = await file(ada, `${list}/${running}?partial=yes&format=json`);
  expect(verifyFile({ bytes, keys: [] }).statement?.partial).toBe(true);
  expect(response.headers.get("content-disposition")).toContain("-partial.json");
});

test("what others wrote is text, not markup", async () => {
  for (const path of [`${list}/${month}`, list, `/operator/statements/${month}`]) {
    const { text } = await ada.get(path);
    expect([path, text.includes("<img src=x") || text.includes("<script>alert")]).toEqual([
      path,
      false,
    ]);
  }
  const { text } = await ada.get(`${list}/${month}`);
  expect(text).toContain("nobody/&quot;&gt;&lt;img");
});

test("a month of 250 models, 40 providers and two methodologies weighs under 100 KB, and names no other host", async () => {
  for (const path of [`${list}/${wide.name}`, `/operator/statements/${wide.name}`]) {
    const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(house.url + path, {
      headers: { cookie, accept: "text/html", "accept-encoding": "gzip" },
      decompress: false,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(Bun.gunzipSync(bytes));
    expect(response.status).toBe(200);
    expect(text).toContain("others</strong>");
    const [, style = ""] = /href="(\/assets\/style[^"]+)"/.exec(text) ?? [];
    const sheet = await fetch(house.url + style, {
      headers: { "accept-encoding": "gzip" },
      decompress: false,
    });
    const weight = bytes.length + (await sheet.arrayBuffer()).byteLength;
    if (process.env.SHOW_WEIGHTS !== undefined) console.log(path, weight, text.length);
    expect([path, weight > most]).toEqual([path, false]);
    const loaded = [...text.matchAll(/<(?:script|img|link|iframe)\b[^>]*(?:src|href)="([^"]*)"/g)];
    expect(loaded.filter(([, address = ""]) => !/^(\/(?!\/)|data:,)/.test(address))).toEqual([]);
  }
});

test("the list of months leads to no statement that cannot be made any more, and says why", async () => {
  const gone = (name: string) => `${name}, no statement any more: requests were removed`;
  const both = async () => [await eve.get(list), await ada.get("/operator/statements")] as const;
  for (const page of await both()) expect(page.text).toContain(`/${month}`);
  await house.store.write([
    {
      sql: "INSERT INTO removed_usage (account_id, cost, requests, last_id, last_at) VALUES (?, 0, 1, 'gen_x', ?)",
      args: [other, busy.from + 1],
    },
  ]);
  const [hers, all] = await both();
  expect(words(hers)).toContain(gone(month));
  expect(words(all)).toContain(gone(month));
  expect(words(all)).toContain(gone(wide.name));
  for (const page of [hers, all]) expect(page.text).not.toContain(`/${month}`);
  // Of another account nothing was removed, and what came after is there.
  expect((await ada.get(list)).text).toContain(`/${month}`);
  expect(all.text).toContain(`/${monthBefore(now, 0).name}`);
});
