import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { events, layOut, reload } from "#test/cli/reload-kit.ts";
import { chat, chatBody, startOpenai } from "#test/bin/provider.ts";
import { runToEnd, type Serving } from "#test/lib/serving.ts";
import { type Asked, askOn } from "#test/workers/client.ts";
import { customer, storeIn, until } from "#test/workers/kit.ts";

/*
 * One process that reads its configuration anew: the new one answers on the same socket, the one before ends what it began.
 */

const upstream = startOpenai();
const folder = layOut();
afterAll(() => upstream.stop());

const { write } = folder;
const start = (env: Record<string, string> = {}, ...more: string[]) =>
  folder.start({ ...upstream.env, ...env }, ...more);

/** Has it read a file that cannot be used, and returns why. */
async function refused(serving: Serving, text: string): Promise<string> {
  const before = events(serving, "configuration_kept");
  write(text);
  serving.signal("SIGHUP");
  await until("it is refused", () => events(serving, "configuration_kept") > before);
  const line = serving
    .err()
    .trimEnd()
    .split("\n")
    .findLast((one) => one.includes("_kept"));
  return v.parse(v.looseObject({ why: v.string() }), JSON.parse(line ?? "")).why;
}

const answer = v.looseObject({ usage: v.looseObject({ cost: v.number() }) });

/** What a request for the model of the file costs. */
async function cost({ url }: Serving, secret: string): Promise<number> {
  const asked = await chat(url, secret, "Hello", { model: "acme/one" });
  return v.parse(answer, await asked.json()).usage.cost;
}

/** A file with one model at such a price. */
const priced = (perMillion: number, more = "") => `${more}
[[models]]
id = "acme/one"
provider = "openai"
upstream = "gpt-4o-mini"
input_per_million = ${perMillion}
output_per_million = ${perMillion}
`;

/** Asks all the time, on kept connections and on new ones, while something is done. */
async function underLoad(
  serving: Serving,
  secret: string,
  work: () => Promise<void>,
): Promise<Asked[]> {
  let isOver = false;
  const asking = Array.from({ length: 12 }, (_, at) =>
    askOn(serving.port, secret, { kept: at % 3 !== 0, isOver: () => isOver }),
  );
  try {
    await work();
  } finally {
    isOver = true;
  }
  return (await Promise.all(asking)).flat();
}

/** Where the descriptors of a process are to be seen. */
const onLinux = test.skipIf(process.platform !== "linux");

const audit = () =>
  runToEnd(["audit", "verify", "--json", "--data-dir", join(folder.path, "state")]);

describe("SIGHUP to one process", () => {
  test("brings another price under load: no request fails, and a stream that is under way ends whole", async () => {
    write(priced(1));
    const { secret } = await customer(folder.path, { credit: 50 });
    const serving = await start();
    const before = await cost(serving, secret);
    // Longer than a gateway that is closed waits for what is being settled.
    const stream = await chat(serving.url, secret, "simulate:perTokenMs=200,answerTokens=50", {
      stream: true,
    });
    const whole = stream.text();
    const asked = await underLoad(serving, secret, async () => {
      for (const price of [2, 3]) {
        write(priced(price));
        await reload(serving);
        expect(await cost(serving, secret)).toBeCloseTo(price * before, 12);
      }
      expect(events(serving, "former_gateway_ended")).toBeLessThan(2);
      await whole;
    });
    expect(asked.length).toBeGreaterThan(200);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await whole).toEndWith("data: [DONE]\n\n");
    await until("the former ones end", () => events(serving, "former_gateway_ended") === 2);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
    expect(serving.err()).not.toContain("settle_failed");
    // Each of them is kept once: those of the load, three for their price, and the stream.
    const rows = asked.length + 4;
    expect(JSON.parse((await audit()).out)).toMatchObject({ data: { ok: true, rows } });
  }, 60_000);

  test("keeps the gateway before for a request whose body is still on its way to it", async () => {
    write(priced(1));
    const { secret } = await customer(folder.path);
    const serving = await start();
    const before = await cost(serving, secret);
    const [body, rest] = [chatBody("Hello", { model: "acme/one" }), 20];
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const slow = fetch(`${serving.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      body: readable,
    });
    await writer.write(new TextEncoder().encode(body.slice(0, -rest)));
    // What is asked later is answered later: the first part is there by then.
    await cost(serving, secret);
    write(priced(5));
    await reload(serving);
    expect(await cost(serving, secret)).toBeCloseTo(5 * before, 12);
    expect(events(serving, "former_gateway_ended")).toBe(0);
    await writer.write(new TextEncoder().encode(body.slice(-rest)));
    await writer.close();
    const asked = await slow;
    expect(asked.status).toBe(200);
    expect(v.parse(answer, await asked.json()).usage.cost).toBe(before);
    await until("it ends", () => events(serving, "former_gateway_ended") === 1);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
    expect(serving.err()).not.toContain("settle_failed");
  }, 60_000);

  test("brings a provider's other key, a limit, and a provider that is switched off", async () => {
    write("[providers.openai]\napi_key_env = 'OLD_KEY'\n");
    const { secret } = await customer(folder.path);
    const serving = await start({
      OPENAI_API_KEY: "",
      OLD_KEY: "sk-revoked",
      NEW_KEY: upstream.env["OPENAI_API_KEY"] ?? "",
    });
    const status = async () => {
      const asked = await chat(serving.url, secret);
      await asked.text();
      return asked.status;
    };
    expect(await status()).toBeGreaterThanOrEqual(400);
    write("[providers.openai]\napi_key_env = 'NEW_KEY'\n");
    await reload(serving);
    expect(await status()).toBe(200);
    write("[limits]\nrequests_per_minute = 1\n[providers.openai]\napi_key_env = 'NEW_KEY'\n");
    await reload(serving);
    expect([await status(), await status()]).toContain(429);
    write("[providers.openai]\nenabled = false\n");
    await reload(serving);
    expect((await fetch(`${serving.url}/readyz`)).status).toBe(503);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);

  test("keeps the configuration where the file is wrong, and the log says why", async () => {
    write(priced(1));
    const { secret } = await customer(folder.path);
    const serving = await start();
    const before = await cost(serving, secret);
    expect(await refused(serving, `${priced(9)}upstrem = "x"\n`)).toContain('"models.0.upstrem"');
    expect(await refused(serving, "[[[")).toContain("as TOML");
    // Well formed, and yet nothing that a gateway could be built from.
    expect(await refused(serving, priced(9).replace('"openai"', '"nobody"'))).toContain("nobody");
    expect(await refused(serving, priced(9, "[eco]\ngrid_file = 'nowhere.csv'\n"))).toContain(
      "nowhere.csv",
    );
    expect(await cost(serving, secret)).toBe(before);
    expect(events(serving, "former_gateway_ended")).toBe(0);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);

  test("names what takes a restart, and keeps the rest as it was, too", async () => {
    write(priced(1));
    const { secret } = await customer(folder.path);
    const serving = await start();
    const before = await cost(serving, secret);
    for (const [key, text] of [
      ["workers", "workers = 2\n"],
      ["database.url", "[database]\nurl = 'file:/nowhere/else.db'\n"],
      ["database.synchronous", "[database]\nsynchronous = 'full'\n"],
      ["limits.max_body_mb", "[limits]\nmax_body_mb = 11\n"],
    ])
      expect(await refused(serving, priced(9, text))).toBe(
        `Cannot change ${key} while serving: restart the gateway`,
      );
    expect(await cost(serving, secret)).toBe(before);
    // Smaller bodies are the gateway's own to refuse.
    write(priced(2, "[limits]\nmax_body_mb = 0.01\n"));
    await reload(serving);
    expect(await cost(serving, secret)).toBeCloseTo(2 * before, 12);
    expect((await chat(serving.url, secret, "x".repeat(20_000))).status).toBe(413);
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);

  test("and SIGTERM right behind it, or before it, end it with 0 and all rows kept", async () => {
    write(priced(1));
    const { secret } = await customer(folder.path);
    for (const signals of [
      ["SIGHUP", "SIGTERM"],
      ["SIGHUP", "SIGHUP", "SIGHUP", "SIGTERM", "SIGHUP"],
      ["SIGTERM", "SIGHUP", "SIGHUP"],
    ] as const) {
      const serving = await start();
      const stream = await chat(serving.url, secret, "simulate:perTokenMs=20,answerTokens=50", {
        stream: true,
      });
      const whole = stream.text();
      for (const signal of signals) serving.signal(signal);
      expect(await whole).toEndWith("data: [DONE]\n\n");
      expect(await serving.ended).toBe(0);
      expect(events(serving, "stopped")).toBe(1);
      expect(serving.err()).not.toContain('"level":"error"');
    }
    expect(JSON.parse((await audit()).out)).toMatchObject({ data: { ok: true } });
  }, 60_000);

  test("ends what it replaced before it stops: a stream of the configuration before is cut after drain_s, not lost", async () => {
    write(priced(1, "[timeouts]\ndrain_s = 1\n"));
    const { secret } = await customer(folder.path);
    const serving = await start();
    const stream = await chat(serving.url, secret, "simulate:perTokenMs=200,answerTokens=300", {
      stream: true,
    });
    const cut = stream.text().then(
      (text) => text,
      () => "cut",
    );
    await reload(serving);
    // Longer than the time that a stop leaves: nobody stops.
    const long = await chat(serving.url, secret, "simulate:perTokenMs=30,answerTokens=50");
    expect(long.status).toBe(200);
    expect(events(serving, "former_gateway_ended")).toBe(0);
    serving.signal("SIGTERM");
    expect(await cut).not.toContain("[DONE]");
    expect(await serving.ended).toBe(0);
    expect([events(serving, "former_gateway_ended"), events(serving, "stopped")]).toEqual([1, 1]);
    expect(serving.err()).toMatch(/"former_gateway_ended"[^]*"stopped"/);
    expect(serving.err()).not.toContain("settle_failed");
    expect(JSON.parse((await audit()).out)).toMatchObject({ data: { ok: true } });
  }, 60_000);

  onLinux(
    "again and again leaves nothing behind: descriptors, leases, counters that go on, a ledger that verifies",
    async () => {
      write("[metrics]\nenabled = true\n");
      const { secret } = await customer(folder.path, { credit: 50 });
      const serving = await start();
      const descriptors = () => readdirSync(`/proc/${serving.pid}/fd`).length;
      const counted = async () => {
        const text = await (await fetch(`${serving.url}/metrics`)).text();
        const lines = text.split("\n").filter((line) => /^lowrouter_requests_total\b/.test(line));
        return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
      };
      for (let turn = 0; turn < 3; turn++) {
        await chat(serving.url, secret);
        await reload(serving);
      }
      await until("they end", () => events(serving, "former_gateway_ended") === 3);
      const before = descriptors();
      for (let turn = 0; turn < 20; turn++) {
        await (await chat(serving.url, secret)).text();
        await reload(serving);
      }
      await until("they end", () => events(serving, "former_gateway_ended") === 23);
      expect(descriptors()).toBeLessThanOrEqual(before + 3);
      expect(await counted()).toBe(23);
      const store = await storeIn(folder.path);
      const holders = await store.read("SELECT DISTINCT process FROM lease WHERE amount > 0", []);
      store.close();
      expect(holders.length).toBeLessThanOrEqual(1);
      expect((await chat(serving.url, secret)).status).toBe(200);
      serving.signal("SIGTERM");
      expect(await serving.ended).toBe(0);
      const audited = JSON.parse((await audit()).out);
      expect(audited).toMatchObject({ data: { ok: true, rows: 24 } });
    },
    90_000,
  );

  test("leaves the address to it alone: a second gateway there is told so, before and after", async () => {
    write("");
    const serving = await start();
    const second = () =>
      runToEnd([
        "serve",
        "--data-dir",
        join(folder.path, "other"),
        "--listen",
        serving.url.slice(7),
      ]);
    expect(await second()).toMatchObject({
      code: 1,
      err: expect.stringContaining("the address is in use"),
    });
    await reload(serving);
    expect(await second()).toMatchObject({
      code: 1,
      err: expect.stringContaining("the address is in use"),
    });
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  }, 60_000);
});
