import { afterAll, describe, expect, test } from "bun:test";
import {
  absent,
  type Answer,
  type Ask,
  type Furnished,
  type Ids,
  startWalk,
  type WalkerName,
  walkers,
  type WalkHouse,
} from "#test/web/walk-house.ts";
import { placeOf, unmounted } from "#test/web/walk-places.ts";

// Known before the tests are: one for each route.
const walk: WalkHouse = await startWalk();
afterAll(() => walk[Symbol.asyncDispose]());

const quarterHour = 15 * 60_000;
/** Some hundred requests, some of them with passwords, on a machine that has other work. */
const patienceMs = 60_000;
const { routes } = walk;

test("every mounted route is walked, and every walked one is mounted", () => {
  expect(routes.filter((route) => placeOf(route) === undefined)).toEqual([]);
  expect(unmounted(routes)).toEqual([]);
});

describe("nobody sees or changes what is another's", () => {
  test.each(routes.filter((route) => !route.startsWith("ANY")))(
    "%s",
    (route) => walked(route, walk.theirs, walkers),
    patienceMs,
  );

  test(
    "below every provider's id",
    async () => {
      for (const route of routes.filter((one) => one.startsWith("ANY"))) {
        const isDeep = route.includes(":s1");
        await walked(route, walk.theirs, isDeep ? ["key"] : ["nobody", "key", "management"]);
      }
    },
    patienceMs,
  );
});

describe("a member sees and changes nothing of the account but the own", () => {
  // Whom a member belongs to is no secret: the account itself is theirs.
  const mine = { ...walk.theirs.ids, account: walk.own.ids.account };
  const inner = { ...walk.own, ids: { ...walk.own.ids, account: walk.theirs.ids.account } };
  test.each(routes.filter((route) => / \/(dashboard|account)\b/.test(route)))(
    "%s",
    (route) => walked(route, inner, ["member"], mine),
    patienceMs,
  );
});

describe("what is refused of another's is there for who may see it", () => {
  // Of these, nothing that an account has can be asked; the paths that run inference take no GET.
  const empty =
    /\/operator\/(providers\/:id|catalogue\/\*)$|\/:author(\/|$)|methodology\/:version|\/v1beta\//;
  const inference = routes.flatMap((route) => (route.startsWith("PUT ") ? [route.slice(4)] : []));
  const reads = routes.filter(
    (route) =>
      /^GET \/(dashboard|account|operator|v1|v1beta|api)\b/.test(route) &&
      !empty.test(route) &&
      !inference.includes(route.slice(4)),
  );
  test.each(reads)("%s", async (route) => {
    const statuses: number[] = [];
    for (const ask of placeOf(route)?.asks(walk.own.ids, walk.own.ids) ?? [])
      for (const as of ["owner", "operator", "key", "management"] as const)
        statuses.push((await walk.send(as, "GET", ask)).status);
    expect(statuses).toContain(200);
  });
});

test("every walker is still who they were", async () => {
  const places = { stranger: "/dashboard/audit", member: "/dashboard", admin: "/dashboard/audit" };
  for (const [as, path] of Object.entries({ ...places, owner: "/dashboard/audit" })) {
    const who = walkers.find((name) => name === as) ?? "nobody";
    const { status, text } = await walk.send(who, "GET", { path });
    expect([as, status, who === "stranger" || text.includes("<strong>operator</strong>")]).toEqual([
      as,
      200,
      true,
    ]);
  }
  expect((await walk.send("operator", "GET", { path: "/operator" })).status).toBe(200);
  for (const as of ["key", "management"] as const)
    expect((await walk.send(as, "GET", { path: "/v1/key" })).status).toBe(200);
});

/** Rows of an account as the route before left them. */
const seen = new Map<Furnished, readonly string[]>();

/** Sends all asks of a route, for things of another and for such as there are not, and compares. */
async function walked(
  route: string,
  of: Furnished,
  names: readonly WalkerName[],
  own = walk.own.ids,
): Promise<void> {
  const place = placeOf(route);
  if (place === undefined) throw new Error(`Nobody walks ${route}`);
  const [method = ""] = route.split(" ");
  const sent = method === "ANY" || method === "ALL" ? "POST" : method;
  const missing = absent(of.ids);
  const before = seen.get(of) ?? (await walk.rowsOf(of));
  const faults: string[] = [];
  for (const as of names.filter((name) => place.only?.includes(name) ?? true)) {
    // An operator administers every account there: what that shows is another test's matter.
    if (as === "operator" && route.includes(" /operator")) continue;
    if (place.isCounted) walk.house.clock.advance(quarterHour);
    const asks = place.asks(of.ids, own);
    const others = place.asks(missing, own);
    for (const [at, ask] of asks.entries()) {
      const other = others[at];
      if (other === undefined) throw new Error(`Asked of one, not of the other: ${ask.path}`);
      const foreign = await walk.send(as, sent, ask);
      if (sent !== "GET" && foreign.status < 400) await walk.tidy();
      const none = await walk.send(as, sent, other);
      if (sent !== "GET" && none.status < 400) await walk.tidy();
      const where = `${as} ${sent} ${ask.path} ${JSON.stringify(ask.form ?? ask.json ?? "")}`;
      faults.push(...leaksIn(foreign, ask, of).map((leak) => `${where}: ${leak}`));
      if (foreign.status === 500) faults.push(`${where}: ${foreign.status} ${foreign.text}`);
      const [got, meant] = [plain(foreign, of.ids), plain(none, missing)];
      if (got !== meant) faults.push(`${where}: ${difference(got, meant)}`);
    }
  }
  const after = await walk.rowsOf(of);
  seen.set(of, after);
  const kept = (lines: readonly string[]) =>
    lines.filter((line) => !place.notes?.some((table) => line.startsWith(`${table} `)));
  expect(faults).toEqual([]);
  expect(kept(after)).toEqual(kept(before));
}

/** What of another an answer holds that the ask did not name. */
function leaksIn(
  { headers, text }: Answer,
  ask: Ask,
  { ids, marker, secrets }: Furnished,
): string[] {
  const asked = JSON.stringify(ask);
  const given = Object.values(ids).filter((id) => asked.includes(id));
  let whole = `${text} ${decodeURIComponent(JSON.stringify([...headers]))}`;
  for (const id of given) whole = whole.replaceAll(id, "");
  for (const id of [ids.email, ids.user].filter((one) => given.includes(one)))
    whole = whole.replaceAll(encodeURIComponent(id), "");
  const words = [marker, ...Object.values(ids).filter((id) => !given.includes(id)), ...secrets];
  return words.filter((word) => whole.includes(word)).map((word) => `holds ${word}`);
}

/** An answer without what differs from one to the next: the ids that were asked for, and new ones. */
function plain({ status, headers, text }: Answer, ids: Ids): string {
  let whole = `${status} ${headers.get("content-type")} ${headers.get("location")} ${text}`;
  for (const [kind, id] of Object.entries(ids))
    whole = whole.replaceAll(encodeURIComponent(id), `<${kind}>`).replaceAll(id, `<${kind}>`);
  return whole
    .replaceAll(ids.key.slice(0, 12), "<key>")
    .replace(/(?<=\b|_)[0-9A-HJKMNP-TV-Z]{26}\b/g, "<new>")
    .replace(/\b(lr_live_|lr_mgmt_|whsec_|invite=)[\w+/=-]{5,}…?\w*/g, "$1<new>")
    .replace(/^process_.*$/gm, "<of the machine>")
    .replace(/"challenge":"[\w-]+"/g, '"challenge":"<new>"')
    .replace(/\b[0-9a-f]{64}\b/g, "<new hash>");
}

function difference(got: string, meant: string): string {
  let at = 0;
  while (at < got.length && got[at] === meant[at]) at++;
  const part = (text: string) => text.slice(Math.max(0, at - 80), at + 120);
  return `answers otherwise than for what is not there\n  ${part(got)}\n  ${part(meant)}`;
}
