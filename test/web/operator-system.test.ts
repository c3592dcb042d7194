import { describe, expect, test } from "bun:test";
import { record } from "#src/account/people/audit.ts";
import { setSetting } from "#src/account/settings.ts";
import { createKey } from "#src/account/keys.ts";
import { loadConfig } from "#src/config/load.ts";
import { listProcesses } from "#src/ledger/processes.ts";
import { lastFaults } from "#src/ledger/last-faults.ts";
import { shownSettings } from "#src/config/show.ts";
import { lastBackup } from "#src/store/backup.ts";
import { askedWith } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, password, startPeople, words } from "#test/web/people-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const script = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;

/** What a page answers to programs. */
async function recordsOf(browser: Browser, path: string): Promise<Record<string, unknown>[]> {
  const { text } = await browser.get(path);
  const list: { data: Record<string, unknown>[] } = JSON.parse(text);
  return list.data;
}

describe("the first run", () => {
  test("the setup link leads to what was found and to the next step", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const browser = house.browser();
    await browser.open(await house.setup());
    const sent = await browser.post("/register", {
      name: "Ada",
      email: "ada@example.org",
      "new-password": password,
    });
    expect(sent.to).toBe("/operator/welcome");
    const page = await browser.get("/operator/welcome");
    expect(page.status).toBe(200);
    expect(page.text).toContain(`href="/dashboard/keys?account=${house.accountId}"`);
    expect(page.text).toContain(`curl ${house.url}/v1/chat/completions`);
    expect(words(page)).toContain("Mistral AI eu-west");
    expect(words(page)).not.toContain("What to set");
  });

  test("without a provider it says what to set, and so does the list of accounts", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const page = await ada.get("/operator/welcome");
    expect(words(page)).toContain("no provider is configured");
    expect(page.text).toContain("export OPENAI_API_KEY=");
    expect(page.text).not.toContain("Make a key");
    expect(words(await ada.get("/operator"))).toContain("No provider is configured");
    const providers = await ada.get("/operator/providers");
    expect(words(providers)).toContain("nothing can be called");
    expect(providers.text).toContain("<code>MISTRAL_API_KEY</code>");
  });
});

describe("the catalogue", () => {
  test("is filtered and paged without gaps, with the dates of prices and what will change", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const ada = await house.somebody("ada", { operator: true });
    const { services, app } = house.gateway;
    const seen: string[] = [];
    let path: string | undefined = "/operator/catalogue";
    while (path !== undefined) {
      const { text } = await ada.get(path);
      seen.push(
        ...[...text.matchAll(/href="\/operator\/catalogue\/([^"]+)"/g)].map((one) => one[1] ?? ""),
      );
      path = /<a href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
    }
    expect(seen.map(decodeURIComponent).toSorted()).toEqual(
      services.models.map(({ id }) => id).toSorted(),
    );
    const callable = await recordsOf(ada, "/operator/catalogue?routable=1&format=json");
    expect(callable).toHaveLength(
      services.models.filter((model) => app.routes.of(model).length > 0).length,
    );
    house.clock.set(Date.UTC(2026, 7, 20));
    const changing = await recordsOf(ada, "/operator/catalogue?changing=1&format=json");
    const flash = changing.find(({ model }) => model === "google/gemini-3.7-flash");
    expect(flash?.next_change).toBe("2027-01-01 new price");
    const page = words(await ada.get("/operator/catalogue/google/gemini-3.7-flash"));
    expect(page).toContain("announced 2027-01-01");
    expect(page).toContain("in force");
    house.clock.set(Date.UTC(2027, 0, 2));
    expect(words(await ada.get("/operator/catalogue/google/gemini-3.7-flash"))).toContain(
      "in force 2027-01-01",
    );
    const [priced] = (await recordsOf(ada, "/operator/catalogue?format=json")).filter(
      ({ prices_read: read }) => String(read).includes(" to "),
    );
    const days = services.models
      .filter(({ id }) => id === priced?.["model"])
      .flatMap(({ endpoints }) => endpoints)
      // The last that has begun holds.
      .flatMap(({ prices }) => prices.filter(({ from = "" }) => from <= "2027-01-02").slice(-1))
      .map(({ read }) => read)
      .toSorted();
    expect(priced?.["prices_read"]).toBe(`${days[0]} to ${days.at(-1)}`);
    expect((await ada.get("/operator/catalogue/no/model")).status).toBe(404);
    expect((await ada.get("/operator/catalogue/%25E0%25A4%25A")).status).toBe(404);
  });
});

describe("an operator's own price of a bundled model", () => {
  const id = "openai/gpt-4o-mini";
  const path = `/operator/catalogue/${id}`;
  const prices = { input_per_million: 7, output_per_million: 11, cache_read_per_million: 2 };

  test("is what the catalogue and the page of the model show, read on no day and from no other source", async () => {
    await using house = await startPeople(
      (config) => {
        config.models = [{ id, provider: "openai", ...prices }];
      },
      { simulated: true },
    );
    const ada = await house.somebody("ada", { operator: true });
    const rows = await tableOf((await ada.get(path)).text, /US dollars for a million tokens/);
    const own = rows.filter(([at]) => at?.startsWith("openai"));
    expect(own.length).toBeGreaterThan(1);
    for (const row of own)
      expect(row.slice(1).map((cell) => cell.replace(/^— .*/, "—"))).toEqual([
        ...["in force", "—", "7", "11", "2", "—", "—"],
        ...["operator configuration", "—"],
      ]);
    const at = (row: Record<string, unknown>) => row.model === id;
    const [listed] = (await recordsOf(ada, "/operator/catalogue?format=json")).filter(at);
    expect(listed).toMatchObject({ input_high: 7, output_high: 11 });
    expect(listed?.["prices_read"]).toMatch(/^\d{4}-\d\d-\d\d( to \d{4}-\d\d-\d\d)?$/);
    const shown = await tableOf((await ada.get(`/models/${id}`)).text, /Prices and data policy/);
    expect(shown.find(([provider]) => provider === "OpenAI")?.slice(2, 8)).toEqual([
      ...["7", "11", "2", "— The source gives no price", "none", "— The operator set it"],
    ]);
  });

  test("makes no provider's oldest price one of no day", async () => {
    await using house = await startPeople((config) => {
      config.providers = { own: { base_url: "http://127.0.0.1:9/v1" } };
      config.models = [
        { id, provider: "openai", ...prices },
        { id: "own/model", provider: "own", ...prices },
      ];
    });
    const ada = await house.somebody("ada", { operator: true });
    const { text } = await ada.get("/operator/providers?format=json");
    const list: { data: { provider: string; prices_read: string | null }[] } = JSON.parse(text);
    const read = (id: string) => list.data.find(({ provider }) => provider === id)?.prices_read;
    expect(read("openai")).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(read("own")).toBeNull();
    expect(words(await ada.get("/operator/providers/own"))).toContain("none was read");
  });
});

describe("the configuration", () => {
  test("shows every key with its value and origin, the file, and no secret", async () => {
    using folder = temporaryFolder();
    const file = `${folder.path}/own.toml`;
    await Bun.write(
      file,
      `[billing]
currency = "EUR"
[routing.aliases]
fast = "openai/gpt-4o-mini"
[providers.own]
name = ${JSON.stringify(script)}
protocol = "openai-chat"
base_url = "http://user:hidden-1@127.0.0.1:9/v1?key=hidden-2"
region = "eu-west"
[[models]]
id = "own/model"
provider = "own"
`,
    );
    const env = { LOWROUTER_MAX_ATTEMPTS: "2", LOWROUTER_MASTER_KEY: "hidden-3" };
    const given = loadConfig({ config: file, dataDir: folder.path }, env);
    await using house = await startPeople((config) => {
      const { file: path, origins, routing, billing, models, providers } = given;
      Object.assign(config, { file: path, origins, routing, billing, models, providers });
      config.secret = (name) => (name === "MISTRAL_API_KEY" ? "hidden-4" : undefined);
    });
    const ada = await house.somebody("ada", { operator: true });
    const page = await ada.get("/operator/configuration");
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/hidden-\d/);
    expect(page.text).not.toContain("<script>alert");
    expect(page.text).toContain(file);
    expect(words(page)).toContain("Read-only");
    expect(words(page)).toContain("MISTRAL_API_KEY credential of Mistral AI");
    expect(words(page)).toContain("http://127.0.0.1:9/v1");
    expect(words(page)).toContain("routing.aliases.&quot;fast&quot; openai/gpt-4o-mini");
    const rows = await recordsOf(ada, "/operator/configuration?format=json");
    const of = (key: string) => rows.find((row) => row.key === key);
    expect(of("billing.currency")).toMatchObject({ value: "EUR", origin: "file" });
    expect(of("routing.max_attempts")).toMatchObject({
      value: "2",
      origin: "environment",
      name: "LOWROUTER_MAX_ATTEMPTS",
    });
    expect(of("log.level")).toMatchObject({ value: "info", origin: "default", name: null });
    expect(rows.map(({ key }) => key)).toEqual([...given.origins.keys()]);
    const shown = await tableOf(page.text, /^Settings, with what is in force$/);
    const fromOf = (key: string) => shown.find(([name]) => name === key)?.slice(1, 3);
    expect(fromOf("billing.currency")).toEqual(["EUR", "file"]);
    expect(fromOf("routing.max_attempts")).toEqual(["2", "environmentLOWROUTER_MAX_ATTEMPTS"]);
    expect(fromOf("log.level")).toEqual(["info", "default"]);
  });

  test("a database's address is shown without user, password and query", () => {
    const config = loadConfig(
      { dataDir: "/nowhere" },
      { LOWROUTER_DATABASE_URL: "libsql://me:pass@word@db.example/x?authToken=t" },
    );
    const shown = shownSettings(config).find(({ key }) => key === "database.url");
    expect(shown?.value).toBe("libsql://db.example/x");
  });
});

describe("the system", () => {
  test("shows versions, database, processes, and what needs fixing", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const page = words(await ada.get("/operator/system"));
    expect(page).toContain(`Bun ${Bun.version}`);
    expect(page).toContain(house.gateway.services.processId);
    expect(page).toContain(house.store.path ?? "?");
    expect(page).toContain("providers Fix none is configured");
    expect(page).toContain("none by lowrouter backup");
    expect(page).not.toContain("ledger rows verify");
    const { rows } = await listProcesses(house.store, 10);
    expect(rows.map(({ id }) => id)).toEqual([house.gateway.services.processId]);
    await setSetting(house.store, lastBackup, String(Date.UTC(2026, 0, 2, 3, 4)));
    expect(words(await ada.get("/operator/system"))).toContain("2026-01-02 03:04 UTC");
    house.clock.advance(3 * 3_600_000);
    expect(words(await ada.get("/operator/system"))).toContain("3 h 0 min");
  });

  test("counts what runs: processes that are there, requests under way, and leases by what is leased", async () => {
    const answer = Promise.withResolvers<Response>();
    await using upstream = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => answer.promise,
    });
    await using house = await startPeople((config) => {
      config.providers["openai"] = { base_url: String(upstream.url) };
    });
    const { store, clock, gateway, accountId } = house;
    const ada = await house.somebody("ada", { operator: true });
    const { secret } = await createKey(store, clock, { accountId, name: "k" });
    const waiting = askedWith(house, secret);
    while (gateway.app.open.size === 0) await new Promise((resolve) => setImmediate(resolve));
    const process = (id: string, expiresAt: number) => ({
      sql: "INSERT INTO process (id, pid, host, started_at, expires_at) VALUES (?, 7, 'other', 0, ?)",
      args: [id, expiresAt],
    });
    const lease = (kind: string, owner: string, amount: number) => ({
      sql: "INSERT INTO lease (process, kind, owner, window_start, amount) VALUES ('prc_there', ?, ?, 0, ?)",
      args: [kind, owner, amount],
    });
    await store.write([
      process("prc_there", clock.now() + 30_000),
      process("prc_gone", clock.now() - 1),
      lease("credit", "acc_1", 5),
      lease("credit", "acc_2", 5),
      lease("key", "key_1", 5),
      lease("key", "key_2", 0),
    ]);
    const page = await ada.get("/operator/system");
    expect(words(page)).toContain("Running 2 on this database");
    expect(words(page)).toContain("In flight here 1 requests");
    expect(words(page)).toContain("Leases 2 of credit, 1 of key");
    const rows = await tableOf(page.text, /^Every process of this database/);
    const states = rows.map(([id = "", state]) => [id.split(" ")[0], state]);
    expect(states).toContainEqual(["prc_there", "running"]);
    expect(states).toContainEqual(["prc_gone", "gone"]);
    answer.resolve(new Response("{}", { status: 400 }));
    await (await waiting).text();
    expect(words(await ada.get("/operator/system"))).toContain("In flight here 0 requests");
  });

  test("the button reads the whole ledger, and says where it was tampered with", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const ada = await house.somebody("ada", { operator: true });
    const well = await ada.post("/operator/system/check", {});
    expect([well.status, words(well).includes("0 ledger rows verify")]).toEqual([200, true]);
    await house.store.write([
      {
        sql: `INSERT INTO allowance (kind, owner, window_start, granted) VALUES ('credit', ?, 0, 5)
          ON CONFLICT DO UPDATE SET granted = 5`,
        args: [house.accountId],
      },
    ]);
    const bad = await ada.post("/operator/system/check", {});
    expect(words(bad)).toContain("0 chain faults, 1 wrong sums");
    expect(words(bad)).toMatch(/1 of \d+ checks needs fixing/);
  });
});

describe("the audit log of the gateway", () => {
  test("shows everybody's events with names, pages, files, and keeps scripts text", async () => {
    await using house = await startPeople();
    const { people } = house.gateway.services;
    const ada = await house.somebody("ada", { operator: true });
    const hash = "ab".repeat(32);
    for (let at = 0; at < 150; at++)
      await record(people, { action: "key.changed", actor: hash, target: script, address: script });
    await record(people, {
      action: "key.created",
      actor: "cli",
      accountId: house.accountId,
      detail: { name: script },
    });
    const page = await ada.get("/operator/audit");
    expect(page.text).not.toContain("<script>alert");
    expect(page.text).not.toContain("<img");
    expect(page.text).toContain("key abababababab…");
    expect(words(page)).toContain("key.created");
    const next = /<a rel="next" href="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const last = await ada.get(next);
    expect(words(last)).toContain("ada@example.org");
    expect(await recordsOf(ada, "/operator/audit?format=json")).toHaveLength(
      (await house.audit()).length,
    );
    const own = await recordsOf(ada, `/operator/audit?format=json&of=${house.accountId}`);
    expect(own.map(({ action }) => action)).toEqual(["key.created"]);
    const only = words(await ada.get(`/operator/audit?of=${house.accountId}`));
    expect(only).toContain("Only what concerns operator");
    expect(only).toContain("the command line");
    expect(only).not.toContain("key.changed");
  });
});

describe("the last faults", () => {
  test("are the latest of each provider, without those of accounts' own keys and clients that left", async () => {
    await using house = await startPeople();
    const failed = (provider: string, reason: string, more: object = {}) => ({
      provider,
      region: "eu-west",
      model: "m",
      decision: "failed",
      reason,
      ...more,
    });
    const traces = [
      [failed("mistral", "timeout_idle"), failed("openai", "upstream_500", { status: 500 })],
      [failed("mistral", "upstream_503", { status: 503 })],
      [failed("groq", "upstream_500", { is_byok: true }), failed("cohere", "client_left")],
      [{ ...failed("xai", "circuit_open"), decision: "filtered" }],
    ];
    const { recordMembers } = await import("#db/record.ts");
    for (const [at, trace] of traces.entries()) {
      const values = recordMembers.map((name) =>
        name === "trace" ? JSON.stringify(trace) : name === "created_at" ? at : null,
      );
      await house.store.write([
        {
          sql: `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
            VALUES (?, 'acc', ?, 'c', ?, '', '')`,
          args: [`gen_${at}`, JSON.stringify(values), at],
        },
      ]);
    }
    const found = await lastFaults(house.store);
    expect(
      [...found].map(([provider, { reason, status, at }]) => [provider, reason, status, at]),
    ).toEqual([
      ["mistral", "upstream_503", 503, 1],
      ["openai", "upstream_500", 500, 0],
    ]);
    const ada = await house.somebody("ada", { operator: true });
    expect(words(await ada.get("/operator/providers/openai"))).toContain(
      "upstream_500 of m in eu-west",
    );
  });
});
