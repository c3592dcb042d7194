import { expect, test } from "bun:test";
import { join } from "node:path";
import { startPlaces } from "#src/demo/places.ts";
import { systemClock } from "#src/lib/clock.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { started } from "#test/lib/running.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { password } from "#test/web/people-kit.ts";

/** A browser without scripts that keeps its cookies. */
function browserAt(url: string) {
  const cookies = new Map<string, string>();
  async function ask(path: string, init: RequestInit = {}) {
    const response = await fetch(new URL(path, url), {
      ...init,
      redirect: "manual",
      headers: {
        origin: url,
        accept: "text/html",
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const [name = "", ...value] = pair.split("=");
      cookies.set(name, value.join("="));
    }
    return {
      status: response.status,
      to: response.headers.get("location"),
      text: await response.text(),
    };
  }
  return {
    get: (path: string) => ask(path),
    post: (path: string, fields: Record<string, string>) =>
      ask(path, { method: "POST", body: new URLSearchParams(fields) }),
    json: async (path: string): Promise<unknown> => JSON.parse((await ask(path)).text),
  };
}

test("the link that demo prints signs in by one button, once, and shows the thirty days that were seeded", async () => {
  using folder = temporaryFolder();
  await using demo = await started(folder.path, ["demo"]);
  await demo.until(/Stop with Ctrl-C/);
  const [, link = ""] = await demo.until(/Dashboard +(http\S+)/);
  const [, requests = ""] = await demo.until(/History +(\d+) requests/);
  expect(link).toStartWith(`${demo.url}/register?invite=`);
  const browser = browserAt(demo.url);
  expect((await browser.get(link)).to).toBe("/register");
  const page = await browser.get("/register");
  expect(page.text).toContain("administrator of this demonstration");
  expect(page.text).not.toContain('type="password"');
  expect((await browser.post("/register", { visitor: "1" })).to).toBe("/dashboard");
  expect((await browser.get("/dashboard")).status).toBe(200);
  const usage = await browser.json("/dashboard/usage?format=json&group_by=day");
  expect(at(usage, "totals.requests")).toBeGreaterThan(Number(requests) * 0.9);
  const credits = await browser.json("/dashboard/credits?format=json");
  expect(at(credits, "granted")).toBe(25);
  expect((await browser.get("/dashboard/keys")).text).toContain("demo key");
  expect((await browser.get("/operator")).status).toBe(200);
  // Nobody else gets in with it.
  const second = browserAt(demo.url);
  await second.get(link);
  expect((await second.get("/register")).status).toBe(403);
  expect((await second.post("/register", { visitor: "1" })).status).toBe(403);
}, 30_000);

test("who opens the setup link of serve owns the account of the first key, and sees what it used", async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  const places = startPlaces({
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: 0,
  });
  await using serving = await started(folder.path, ["serve", "--data-dir", data], {
    OPENAI_API_KEY: "simulated",
    OPENAI_BASE_URL: places.all.openaiUs.url,
  });
  const [, token = ""] = await serving.until(/register\?invite=([\w-]{43})/);
  const [secret = ""] = await serving.until(/lr_live_\w{20,}/);
  const answer = await fetch(`${serving.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  expect([answer.status, (await answer.text()).length > 0]).toEqual([200, true]);
  const browser = browserAt(serving.url);
  await browser.get(`/register?invite=${token}`);
  // What a demonstration offers is not there.
  expect((await browser.post("/register", { visitor: "1" })).status).toBe(400);
  const sent = await browser.post("/register", {
    name: "Ada",
    email: "ada@example.org",
    "new-password": password,
  });
  expect(sent.status).toBe(303);
  const keys = await browser.json("/dashboard/keys?format=json");
  const names = listAt(keys, "data").map((key) => at(key, "name"));
  // Both may be of the same millisecond, in either order.
  expect(names.toSorted()).toEqual(["first key", "first management key"]);
  const usage = await browser.json("/dashboard/usage?format=json&group_by=day");
  expect(at(usage, "totals.requests")).toBe(1);
  const members = await browser.json("/dashboard/members?format=json");
  expect(at(members, "data.0")).toMatchObject({ email: "ada@example.org", role: "owner" });
  const audit = await browser.json("/dashboard/audit?format=json");
  expect(JSON.stringify(audit)).toContain("the gateway at its start");
  await places.stop();
}, 30_000);
