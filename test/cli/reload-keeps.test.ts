import { afterAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { until } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { layOut, reload } from "#test/cli/reload-kit.ts";
import type { Serving } from "#test/lib/serving.ts";
import { customer } from "#test/workers/kit.ts";

/*
 * What a gateway goes on with when one process reads its configuration anew.
 */

const upstream = startOpenai();
const folder = layOut();
afterAll(() => upstream.stop());

const { write } = folder;
const start = (env: Record<string, string> = {}) =>
  folder.start({ OPENAI_API_KEY: upstream.env["OPENAI_API_KEY"] ?? "", ...env });

/** A file by which the provider is in such regions. */
const placed = (...regions: string[]) =>
  ["[providers.openai.base_urls]", ...regions.map((one) => `${one} = "${upstream.url}"`)].join(
    "\n",
  );

describe("a conversation, after a reload", () => {
  const regionOf = async ({ url }: Serving, secret: string, content: string, more: object = {}) => {
    const asked = await chat(url, secret, content, more);
    expect([asked.status, await asked.text()]).toEqual([200, expect.any(String)]);
    return asked.headers.get("x-lowrouter-region");
  };

  test("goes on where it was, though others begin elsewhere; not where that place is not allowed or gone", async () => {
    write(placed("eu-west", "eu-central"));
    const { secret } = await customer(folder.path);
    const serving = await start();
    const ask = (content: string, more?: object) => regionOf(serving, secret, content, more);
    for (const content of ["One", "Two"]) expect(await ask(content)).toBe("eu-west");
    // Cleaner than both.
    write(placed("eu-west", "eu-central", "eu-north"));
    await reload(serving);
    expect([await ask("One"), await ask("Three")]).toEqual(["eu-west", "eu-north"]);
    const north = { route: { region: "eu-north" } };
    expect(await ask("One", north)).toBe("eu-north");
    await reload(serving);
    expect(await ask("One")).toBe("eu-west");
    write(placed("eu-central", "eu-north"));
    await reload(serving);
    expect(await ask("One")).toBe("eu-north");
    // Who was elsewhere since is followed there; who said nothing meanwhile comes back.
    write(placed("eu-west", "eu-central", "eu-north"));
    await reload(serving);
    expect([await ask("One"), await ask("Two")]).toEqual(["eu-north", "eu-west"]);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);
});

describe("places at a provider, after a reload", () => {
  const limited = (most: number) => write(`[providers.openai]\nmax_in_flight = ${most}\n`);
  const providers = v.looseObject({
    data: v.array(
      v.looseObject({
        id: v.string(),
        in_flight: v.looseObject({ now: v.number(), waiting: v.number() }),
      }),
    ),
  });
  const crowd = async ({ url }: Serving, secret: string) => {
    const headers = { authorization: `Bearer ${secret}` };
    const asked = await fetch(`${url}/v1/providers`, { headers });
    const { data } = v.parse(providers, await asked.json());
    const { now, waiting } = data.find(({ id }) => id === "openai")?.in_flight ?? {};
    return { now, waiting };
  };

  test("are taken by answers that go on; who waits for one gets it where the limit is raised", async () => {
    limited(1);
    const { secret } = await customer(folder.path);
    const serving = await start(upstream.env);
    const slow = "simulate:perTokenMs=5000,answerTokens=200";
    const leaving = new AbortController();
    const first = await chat(serving.url, secret, slow, { stream: true }, leaving.signal);
    expect(first.status).toBe(200);
    // What nobody reads is closed some day.
    const reading = first.text().catch(() => "left");
    await reload(serving);
    const second = chat(serving.url, secret);
    await until("it waits", async () => (await crowd(serving, secret)).waiting === 1);
    // Now it is the former gateway itself that has somebody waiting.
    await reload(serving);
    const third = chat(serving.url, secret);
    await until("both wait", async () => (await crowd(serving, secret)).waiting === 2);
    expect(await crowd(serving, secret)).toEqual({ now: 1, waiting: 2 });
    limited(2);
    await reload(serving);
    for (const one of [second, third]) expect((await one).status).toBe(200);
    expect(await crowd(serving, secret)).toEqual({ now: 1, waiting: 0 });
    leaving.abort();
    expect(await reading).toBe("left");
    await until("it has left", async () => (await crowd(serving, secret)).now === 0);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);
});

test("a provider that asked to be left alone is left alone after a reload, and asked at once at another address", async () => {
  const at = (url: string) => write(`[providers.openai]\nbase_url = "${url}"\n`);
  at(upstream.url);
  const { secret } = await customer(folder.path);
  const serving = await start();
  const statusOf = async (content: string) => {
    const asked = await chat(serving.url, secret, content);
    await asked.text();
    return asked.status;
  };
  expect(await statusOf("simulate:status=429,retryAfter=500")).toBe(429);
  const { requests } = upstream.stats;
  await reload(serving);
  expect(await statusOf("Hello")).toBeGreaterThanOrEqual(429);
  expect(upstream.stats.requests).toBe(requests);
  const other = startOpenai();
  at(other.url);
  await reload(serving);
  expect(await statusOf("Hello")).toBe(200);
  expect(other.stats.requests).toBe(1);
  await other.stop();
  serving.signal("SIGTERM");
  expect(await serving.ended).toBe(0);
}, 60_000);

test("who guesses passwords has no more tries after a reload", async () => {
  write("");
  await customer(folder.path);
  const serving = await start();
  const tried = async () => {
    const asked = await fetch(`${serving.url}/login`, {
      method: "POST",
      headers: { origin: serving.url },
      body: new URLSearchParams({ email: "eve@example.org", password: "a guess of many" }),
    });
    await asked.text();
    return asked.status;
  };
  for (let turn = 0; turn < 5; turn++) expect(await tried()).toBe(401);
  await reload(serving);
  expect(await tried()).toBe(429);
  serving.signal("SIGTERM");
  expect(await serving.ended).toBe(0);
}, 60_000);
