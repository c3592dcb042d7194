import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { loadConfig } from "#src/config/load.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

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

  test("refuses what it cannot do, and says what would work", async () => {
    using folder = temporaryFolder();
    const place = ["--data-dir", folder.path];
    for (const [argv, code, text] of [
      [["invite", "create", "--role", "boss"], 2, "give owner, admin, member"],
      [["invite", "create", "--days", "0"], 2, "1 to 365"],
      [["invite", "create", "--account", "nobody"], 1, "account list"],
      [["invite", "create", "--url", "gateway"], 2, "https://gateway.example"],
      [["account", "reset-link", "eve@example.org"], 1, "invite create"],
    ] as const) {
      const said = await command(...argv, ...place);
      expect([argv, said.code, said.out]).toEqual([argv, code, ""]);
      expect(said.err).toContain(text);
    }
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
