import { describe, expect, test } from "bun:test";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { listAudit } from "#src/account/people/audit.ts";
import { loadConfig } from "#src/config/load.ts";
import { run } from "#src/cli/program.ts";
import { storeOf } from "#src/cli/runtime.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { startPeople } from "#test/web/people-kit.ts";

const providerSecret = "sk-proj-0123456789abcdef";

/** Runs one command line on a folder; what it printed. */
async function command(folder: string, ...argv: string[]): Promise<string> {
  let [out, err] = ["", ""];
  const code = await run([...argv.slice(0, 2), "--data-dir", folder, ...argv.slice(2)], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    secret: () => Promise.resolve(providerSecret),
  });
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${err}`);
  return out;
}

describe("the audit log has what is done to accounts, keys and credit", () => {
  test("by the command line, each with its account", async () => {
    using folder = temporaryFolder();
    const line = (...argv: string[]) => command(folder.path, ...argv);
    const made = JSON.parse(
      await line("account", "create", "--name", "acme", "--balance", "5", "--json"),
    );
    const accountId = String(at(made, "data.id"));
    await line("account", "update", "acme", "--zdr");
    await line("credit", "add", "2", "--account", "acme", "--note", "for March");
    await line("credit", "add", "--account", "acme", "--", "-1");
    const key = JSON.parse(
      await line("key", "create", "--account", "acme", "--name", "one", "--json"),
    );
    const hash = String(at(key, "data.hash"));
    await line("key", "update", hash, "--disable");
    await line("key", "revoke", hash);
    await line("invite", "create", "--account", "acme");

    const store = await storeOf(loadConfig({ dataDir: folder.path }, {}));
    const { items } = await listAudit(store, { pageSize: 100 });
    store.close();
    expect(items.toReversed().map(({ action }) => action)).toEqual([
      "account.created",
      "routing.changed",
      "credit.added",
      "credit.taken",
      "key.created",
      "key.changed",
      "key.deleted",
      "invitation.created",
    ]);
    expect(items.every((event) => event.actor === "cli" && event.accountId === accountId)).toBe(
      true,
    );
    const detailOf = (action: string) => items.find((event) => event.action === action)?.detail;
    expect(detailOf("credit.added")).toEqual({ amount_nano: 2_000_000_000, note: "for March" });
    expect(detailOf("key.changed")).toEqual({ name: "one", changed: "disabled" });
    expect(JSON.stringify(items)).not.toContain(String(at(key, "key")));
  });

  test("by the command line to providers' keys, the operator's and an account's own, without their secrets", async () => {
    using folder = temporaryFolder();
    const line = (...argv: string[]) => command(folder.path, ...argv);
    await line("account", "create", "--name", "acme");
    const ids: string[] = [];
    for (const more of [[], ["--account", "acme"]])
      ids.push((await line("provider", "key", "openai", ...more)).trim());
    const [own = ""] = ids.slice(1);
    await line("provider", "key", "disable", own);
    await line("provider", "key", "enable", own);
    await line("provider", "key", "remove", own);
    await line("provider", "rotate");
    const store = await storeOf(loadConfig({ dataDir: folder.path }, {}));
    const { items } = await listAudit(store, { pageSize: 100 });
    store.close();
    expect(items.toReversed().map(({ action, target }) => [action, target])).toEqual([
      ["account.created", expect.any(String)],
      ["provider_key.created", ids[0]],
      ["provider_key.created", own],
      ["provider_key.disabled", own],
      ["provider_key.enabled", own],
      ["provider_key.deleted", own],
      ["master_key.rotated", expect.any(String)],
    ]);
    expect(items.filter(({ target }) => target === own).every((event) => event.accountId)).toBe(
      true,
    );
    expect(JSON.stringify(items)).not.toContain(providerSecret);
  });

  test("by a management key: who, from where, and nothing where nothing was done", async () => {
    await using house = await startPeople();
    const { secret, key } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "terraform",
      type: "management",
    });
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${house.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${secret}`, "x-forwarded-for": "203.0.113.9" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, json: await answer.json() };
    };
    const made = await ask("POST", "/keys", { name: "backend", limit: 5 });
    const hash = String(at(made.json, "data.hash"));
    expect((await ask("PATCH", `/keys/${hash}`, { limit: 7, disabled: true })).status).toBe(200);
    expect((await ask("DELETE", `/keys/${hash}`)).status).toBe(200);
    const own = await ask("POST", "/byok", { provider: "openai", key: "sk-proj-0123456789abcdef" });
    expect(own.status).toBe(201);
    const id = String(at(own.json, "data.id"));
    expect((await ask("DELETE", `/byok/${id}`)).status).toBe(200);
    const { items } = await listAudit(house.store, { accountId: house.accountId, pageSize: 100 });
    expect(items.toReversed().map(({ action, target }) => [action, target])).toEqual([
      ["key.created", hash],
      ["key.changed", hash],
      ["key.deleted", hash],
      ["provider_key.created", id],
      ["provider_key.deleted", id],
    ]);
    for (const event of items)
      expect(event).toMatchObject({ actor: key.hash, address: "203.0.113.9" });
    expect(items.find(({ action }) => action === "key.deleted")?.detail).toEqual({
      name: "backend",
    });
    const text = JSON.stringify(items);
    for (const hidden of [String(at(made.json, "key")), secret, "sk-proj-0123456789abcdef"])
      expect(text).not.toContain(hidden);

    // What was refused, or is another account's, is not done and not written.
    const other = await createAccount(
      house.store,
      { clock: systemClock, ids: createIds(systemClock) },
      { name: "other", plan: "prepaid" },
    );
    const theirs = await createKey(house.store, house.clock, { accountId: other.id, name: "x" });
    for (const [method, path, body] of [
      ["PATCH", `/keys/${theirs.key.hash}`, { name: "mine" }],
      ["DELETE", `/keys/${theirs.key.hash}`, undefined],
      ["POST", "/keys", { name: "x", limit: "much" }],
      ["DELETE", "/byok/pvk_1", undefined],
    ] as const)
      expect((await ask(method, path, body)).status).toBeGreaterThanOrEqual(400);
    expect((await listAudit(house.store, { pageSize: 100 })).items).toHaveLength(items.length);
  });
});
