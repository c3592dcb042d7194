import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "bun:test";
import {
  type Browser,
  lockSessions,
  type PeopleGateway,
  startPeople,
} from "#test/web/people-kit.ts";

/** A device's own account of itself: somebody touched it, and, where it asked, showed who they are. */
const present = 1;
const verified = 4;

/** A device that answers as it is told, whatever a browser would want of it. */
function startDevice() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = (text: string) => Buffer.from(text, "base64url").toString("hex");
  return {
    id: Buffer.from("a device of somebody's").toString("base64url"),
    /** The key as COSE has it: EC2, ES256, P-256. */
    publicKey: Buffer.from(`a5010203262001215820${point(x)}225820${point(y)}`, "hex").toString(
      "base64",
    ),
    answer(challenge: string, flags: number, origin: string, host = new URL(origin).hostname) {
      const said = Buffer.from(JSON.stringify({ type: "webauthn.get", challenge, origin }));
      const data = Buffer.concat([hash(host), Buffer.from([flags, 0, 0, 0, 0])]);
      const signature = sign("sha256", Buffer.concat([data, hash(said)]), privateKey);
      return {
        clientDataJSON: said.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: signature.toString("base64url"),
      };
    },
  };
}

function hash(data: string | Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}

/** The device is Eve's. */
async function register(house: PeopleGateway, device: ReturnType<typeof startDevice>) {
  await house.store.write([
    {
      sql: `INSERT INTO person_passkey (id, person_id, name, public_key, credential_id, counter, device_type, backed_up)
        SELECT 'pky_1', id, 'key', ?, ?, 0, 'singleDevice', 0 FROM person WHERE email = 'eve@example.org'`,
      args: [device.publicKey, device.id],
    },
  ]);
}

async function challengeOf(browser: Browser): Promise<string> {
  const { text } = await browser.post("/login/passkey/options", {});
  return /"challenge":"([\w-]+)"/.exec(text)?.[1] ?? "";
}

async function send(
  house: PeopleGateway,
  browser: Browser,
  id: string,
  response: object,
  next?: string,
): Promise<Response> {
  return fetch(`${house.url}/login/passkey`, {
    method: "POST",
    headers: {
      origin: house.url,
      cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    },
    body: JSON.stringify({ next, response: { id, rawId: id, type: "public-key", response } }),
  });
}

test("a passkey lets in once, who showed the device who they are, at the address that asked", async () => {
  await using house = await startPeople();
  await house.somebody("eve");
  const device = startDevice();
  await register(house, device);
  const { origin, hostname } = new URL(house.url);
  for (const [what, flags, from, host, status] of [
    ["nobody was asked", present, origin, hostname, 401],
    ["another site asked", present | verified, "https://evil.example", hostname, 401],
    ["it is another site's", present | verified, origin, "evil.example", 401],
    ["all is right", present | verified, origin, hostname, 200],
  ] as const) {
    const browser = house.browser();
    const answer = device.answer(await challengeOf(browser), flags, from, host);
    for (const expected of [status, 401]) {
      const { status: got } = await send(house, browser, device.id, answer);
      expect([what, got]).toEqual([what, expected]);
    }
  }
  expect((await house.audit()).filter((action) => action.startsWith("sign_in"))).toEqual([
    "sign_in.done",
    ...Array<string>(6).fill("sign_in.passkey_failed"),
    "sign_in.done",
    "sign_in.passkey_failed",
  ]);
});

test("an answer to one browser's question is none to another's", async () => {
  await using house = await startPeople();
  await house.somebody("eve");
  const device = startDevice();
  await register(house, device);
  const [asked, other] = [house.browser(), house.browser()];
  const answer = device.answer(await challengeOf(asked), present | verified, house.url);
  await challengeOf(other);
  for (const [browser, status] of [
    [other, 401],
    [house.browser(), 401],
    [asked, 200],
  ] as const)
    expect((await send(house, browser, device.id, answer)).status).toBe(status);
});

test("a passkey leads to our own pages only, whatever next says", async () => {
  await using house = await startPeople();
  await house.somebody("eve");
  const device = startDevice();
  await register(house, device);
  for (const [next, to] of [
    [undefined, "/account"],
    ["/models?q=a", "/models?q=a"],
    ["https://evil.example/", "/"],
    ["//evil.example", "/"],
    ["/\\evil.example", "/"],
    ["javascript:alert(1)", "/"],
  ] as const) {
    const browser = house.browser();
    const answer = device.answer(await challengeOf(browser), present | verified, house.url);
    const answered = await send(house, browser, device.id, answer, next);
    expect([next, await answered.json()]).toEqual([next, { to }]);
  }
});

test("a passkey is not called wrong where the database is locked before there is a session", async () => {
  await using house = await startPeople();
  await house.somebody("eve");
  const device = startDevice();
  await register(house, device);
  const browser = house.browser();
  const answer = device.answer(await challengeOf(browser), present | verified, house.url);
  await lockSessions(house, "INSERT");
  const { status, headers } = await send(house, browser, device.id, answer);
  expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
  expect(await house.audit()).not.toContain("sign_in.passkey_failed");
}, 30_000);
