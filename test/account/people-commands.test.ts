import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { run } from "#src/cli/program.ts";
import { loadConfig } from "#src/config/load.ts";
import { openStore } from "#src/store/open.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { startPeople } from "#test/web/people-kit.ts";

/** Runs one command line; what it said on both. */
async function command(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await run(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}

describe("invite", () => {
  test("makes a link that is shown once, lists it without its token, and revokes it", async () => {
    using folder = temporaryFolder();
    const place = ["--data-dir", folder.path];
    const made = await command(
      ...["invite", "create", "--email", "Eve@example.org", "--balance", "5", "--days", "2"],
      ...["--url", "https://gateway.example/", "--json", ...place],
    );
    const url = String(at(JSON.parse(made.out), "url"));
    expect(url).toMatch(/^https:\/\/gateway\.example\/register\?invite=[\w-]{43}$/);
    const list = await command("invite", "list", "--json", ...place);
    expect(list.out).not.toContain(url.split("=")[1] ?? "");
    expect(at(JSON.parse(list.out), "data.0")).toMatchObject({
      state: "open",
      email: "eve@example.org",
      balance: 5,
      operator: false,
    });
    const id = String(at(JSON.parse(list.out), "data.0.id"));
    expect((await command("invite", "revoke", id, ...place)).code).toBe(0);
    expect((await command("invite", "revoke", id, ...place)).code).toBe(1);
    expect((await command("invite", "list", ...place)).out).toContain("revoked");
  });

  test("leaves a letter for the gateway to send where mail is configured and the address is given", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "mail.toml");
    await Bun.write(
      file,
      'public_url = "https://gateway.example"\n[mail]\nurl = "smtp://127.0.0.1:1"\nfrom = "LowRouter <us@example.org>"\n',
    );
    const place = ["--data-dir", folder.path, "--config", file];
    const create = ["invite", "create", "--json"];
    const mailed = await command(...create, "--email", " Eve@Example.org ", ...place);
    const { url, ...said } = JSON.parse(mailed.out);
    expect(said).toMatchObject({ mailed: true, data: { email: "eve@example.org" } });
    expect(JSON.parse((await command(...create, ...place)).out)).toMatchObject({ mailed: false });
    const store = await openStore({ url: `file:${join(folder.path, "lowrouter.db")}` });
    const letters = await store.read("SELECT to_address, text, state FROM mail", []);
    store.close();
    expect(letters).toEqual([
      { to_address: "eve@example.org", text: expect.stringContaining(url), state: "waiting" },
    ]);
    const bare = ["--data-dir", folder.path];
    const shown = await command(...create, "--email", "eve@example.org", ...bare);
    expect(JSON.parse(shown.out)).toMatchObject({ mailed: false });
  });

  test("refuses what it cannot do, and says what would work", async () => {
    using folder = temporaryFolder();
    const place = ["--data-dir", folder.path];
    for (const [argv, code, text] of [
      [["invite", "create", "--role", "boss"], 2, "give owner, admin, member"],
      [["invite", "create", "--days", "0"], 2, "1 to 365"],
      [["invite", "create", "--account", "nobody"], 1, "account list"],
      [["invite", "create", "--url", "gateway"], 2, "https://gateway.example"],
      [["invite", "create", "--email", "eve@localhost"], 2, "nobody can sign in with it"],
      [["invite", "create", "--email", "eve at home"], 2, "such as ada@example.org"],
      [["account", "reset-link", "eve@example.org"], 1, "invite create"],
    ] as const) {
      const said = await command(...argv, ...place);
      expect([argv, said.code, said.out]).toEqual([argv, code, ""]);
      expect(said.err).toContain(text);
    }
  });
});

describe("account reset-link", () => {
  test("prints a link that chooses a new password once, while the gateway runs, and ends the one before", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const place = ["--data-dir", dirname(house.store.path ?? "")];
    const said = await command("account", "reset-link", "Eve@example.org ", ...place);
    expect([said.code, said.out.trim().split("\n")]).toEqual([
      0,
      [expect.stringMatching(/^http:\/\/127\.0\.0\.1:4000\/reset\?token=[\w-]{43}$/)],
    ]);
    const url = ["--url", "https://gateway.example"];
    const json = await command(
      "account",
      "reset-link",
      "eve@example.org",
      "--json",
      ...url,
      ...place,
    );
    const link = String(at(JSON.parse(json.out), "url"));
    expect(link).toStartWith("https://gateway.example/reset?token=");
    const pathOf = (address: string) => address.trim().replace(/^https?:\/\/[^/]+/, "");
    expect((await house.browser().open(pathOf(said.out))).status).toBe(403);
    const browser = house.browser();
    expect((await browser.open(pathOf(link))).status).toBe(200);
    const next = "other words entirely";
    expect((await browser.post("/reset", { "new-password": next })).to).toBe("/login");
    const signIn = { email: "eve@example.org", password: next };
    expect((await browser.post("/login", signIn)).status).toBe(303);
    expect((await house.browser().open(pathOf(link))).status).toBe(403);
    expect(await house.audit()).toEqual(
      expect.arrayContaining(["reset.created", "password.reset", "sign_in.done"]),
    );
    const [row] = await house.store.read(
      "SELECT count(*) AS tokens FROM audit_event WHERE detail LIKE ?",
      [`%${link.slice(-20)}%`],
    );
    expect(row?.["tokens"]).toBe(0);
  });
});

describe("[oidc.NAME]", () => {
  const file = (folder: string, text: string) => {
    const path = join(folder, "lowrouter.toml");
    return Bun.write(path, text).then(() => path);
  };

  test("names an OpenID provider, with its secret from the environment", async () => {
    using folder = temporaryFolder();
    const config = await file(
      folder.path,
      `[oidc.corp]\nissuer = "https://id.example/"\nclient_id = "gateway"\nclient_secret_env = "CORP"\n`,
    );
    expect(loadConfig({ config }, { CORP: "s3cret" }).oidc).toEqual([
      {
        id: "corp",
        name: "corp",
        issuer: "https://id.example",
        clientId: "gateway",
        clientSecret: "s3cret",
        clientSecretEnv: "CORP",
      },
    ]);
    expect(() => loadConfig({ config }, {})).toThrow("CORP is not set");
  });

  test("stops the start where it is wrong", async () => {
    using folder = temporaryFolder();
    const config = await file(folder.path, `[oidc.corp]\nissuer = "id"\nclient_id = "gateway"\n`);
    expect(() => loadConfig({ config }, {})).toThrow("issuer");
  });
});
