import { describe, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type Browser, password, startPeople, words } from "#test/web/people-kit.ts";

/** Who the issuer says is there. */
interface Claims {
  sub: string;
  email: string;
  email_verified: boolean;
}

/** An OpenID provider that asks nobody anything. */
async function startIssuer(): Promise<{ url: string; says: Claims; tamper?: string } & Disposable> {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const other = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "RS256", use: "sig" };
  const nonces = new Map<string, string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      if (url.pathname === "/.well-known/openid-configuration")
        return Response.json({
          issuer: made.url,
          authorization_endpoint: `${made.url}/authorize`,
          token_endpoint: `${made.url}/token`,
          userinfo_endpoint: `${made.url}/userinfo`,
          ...(made.tamper === "keyless" ? {} : { jwks_uri: `${made.url}/keys` }),
          id_token_signing_alg_values_supported: ["RS256"],
        });
      if (url.pathname === "/keys") return Response.json({ keys: [jwk] });
      if (url.pathname === "/userinfo") return Response.json(made.says);
      if (url.pathname === "/authorize") {
        const code = crypto.randomUUID();
        nonces.set(code, url.searchParams.get("nonce") ?? "");
        const back = new URL(url.searchParams.get("redirect_uri") ?? "");
        if (made.tamper === "denied") back.searchParams.set("error", "access_denied");
        else back.searchParams.set("code", code);
        back.searchParams.set("state", url.searchParams.get("state") ?? "");
        return Response.redirect(back.href, 302);
      }
      const form = new URLSearchParams(await request.text());
      const token = await new SignJWT({
        ...made.says,
        name: "Eve",
        nonce: made.tamper === "nonce" ? "other" : nonces.get(form.get("code") ?? ""),
      })
        .setProtectedHeader({ alg: "RS256", kid: "k" })
        .setIssuer(made.tamper === "issuer" ? "https://other.example" : made.url)
        .setAudience(made.tamper === "audience" ? "another" : "gateway")
        .setIssuedAt()
        .setExpirationTime(made.tamper === "expired" ? "-5m" : "5m")
        .sign(made.tamper === "signature" ? other.privateKey : privateKey);
      return Response.json({
        access_token: "secret-access-token",
        ...(made.tamper === "id token" ? {} : { id_token: token }),
        token_type: "Bearer",
      });
    },
  });
  const made: { url: string; says: Claims; tamper?: string } & Disposable = {
    url: `http://127.0.0.1:${server.port}`,
    says: { sub: "42", email: "eve@example.org", email_verified: true },
    [Symbol.dispose]: () => void server.stop(true),
  };
  return made;
}

function house(issuer: { url: string }) {
  return startPeople((config) => {
    config.oidc = [
      { id: "corp", name: "Corp", issuer: issuer.url, clientId: "gateway", clientSecret: "s3cret" },
    ];
  });
}

/** Goes to the provider and comes back; where that leads. */
async function goAndComeBack(browser: Browser, out: string): Promise<string | null> {
  const asked = await fetch(out, { redirect: "manual" });
  const back = new URL(asked.headers.get("location") ?? "");
  return (await browser.get(back.pathname + back.search)).to;
}

async function signIn(browser: Browser): Promise<string | null> {
  const { to } = await browser.get("/login/oidc/corp?next=/models");
  return goAndComeBack(browser, to ?? "");
}

describe("sign-in at an OpenID provider", () => {
  test("lets in who was invited by that very address, and nobody else", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    expect((await gateway.browser().get("/login")).text).toContain("Sign in with Corp");
    const unknown = gateway.browser();
    expect(await signIn(unknown)).toStartWith("/login?unknown=1");
    expect(await gateway.store.read("SELECT id FROM person", [])).toEqual([]);
    expect(words(await unknown.open("/login?unknown=1"))).toContain("Nobody here is known");

    // An open invitation: whoever took it may have typed anybody's address.
    await gateway.somebody("mallory");
    issuer.says = { ...issuer.says, email: "mallory@example.org" };
    expect(await signIn(gateway.browser())).toStartWith("/login?unknown=1");

    await gateway.somebody("eve", { email: "eve@example.org" });
    issuer.says = { sub: "42", email: "eve@example.org", email_verified: false };
    expect(await signIn(gateway.browser())).toStartWith("/login?unknown=1");
    issuer.says = { ...issuer.says, email_verified: true };
    const eve = gateway.browser();
    expect(await signIn(eve)).toBe("/models");
    expect(words(await eve.get("/account"))).toContain("eve@example.org");
    expect(await gateway.store.read("SELECT id FROM person", [])).toHaveLength(2);
    expect((await gateway.audit()).at(-1)).toBe("sign_in.done");
    const [row] = await gateway.store.read(
      "SELECT access_token FROM person_login WHERE provider = 'corp'",
      [],
    );
    expect(String(row?.["access_token"])).not.toContain("secret-access-token");
  });

  test("takes no answer that is signed by another, or that another browser asked for", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    await gateway.somebody("eve", { email: "eve@example.org" });
    for (const tamper of ["signature", "nonce", "audience", "issuer", "expired", "id token"]) {
      issuer.tamper = tamper;
      expect([tamper, await signIn(gateway.browser())]).toEqual([
        tamper,
        expect.stringMatching(/^\/login\?unknown=1/),
      ]);
    }
    issuer.tamper = "";
    const { to } = await gateway.browser().get("/login/oidc/corp");
    const other = gateway.browser();
    expect(await goAndComeBack(other, to ?? "")).toContain("/login");
    expect((await other.get("/account")).status).toBe(303);
  });

  test("says why nobody came in: unknown, called off, not confirmed, or too late", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    const browser = gateway.browser();
    const said = async (to: string | null) => words(await browser.get(to ?? ""));
    const unknown = "Nobody here is known by that identity";
    expect(await said(await signIn(browser))).toContain(unknown);
    for (const [tamper, why] of [
      ["denied", "The sign-in was called off at the other side. Try again"],
      ["nonce", "The other side did not confirm who you are. Try again"],
    ] as const) {
      issuer.tamper = tamper;
      const text = await said(await signIn(browser));
      expect([tamper, text]).toEqual([tamper, expect.stringContaining(why)]);
      expect(text).not.toContain(unknown);
    }
    issuer.tamper = "";
    // Its cookie is gone, as after some minutes at the other side, or with the browser's way back.
    const { to } = await browser.get("/login/oidc/corp");
    browser.cookies.clear();
    const late = "The sign-in at the other side took too long";
    expect(await said(await goAndComeBack(browser, to ?? ""))).toContain(late);
    expect(await said((await browser.get("/login/api/callback/corp?code=1&state=2")).to)).toContain(
      late,
    );
  });

  test("who connects an identity and calls it off, or brings another's, reads so on their page", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    const connect = async (browser: Browser) => {
      const step = await browser.post("/account/oidc", { id: "corp" });
      const out = /class="button primary" href="([^"]+)"/.exec(step.text)?.[1] ?? "";
      const to = await goAndComeBack(browser, out.replaceAll("&amp;", "&"));
      return words(await browser.get(to ?? ""));
    };
    const eve = await gateway.somebody("eve");
    issuer.tamper = "denied";
    expect(await connect(eve)).toContain(
      "Cannot connect this identity. The sign-in was called off at the other side",
    );
    issuer.tamper = "";
    expect(await connect(eve)).toContain("The identity is connected");
    expect(await connect(await gateway.somebody("mallory"))).toContain(
      "Cannot connect this identity: it is that of somebody else here",
    );
  });

  test("leads to our own pages only, whatever next says", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    await gateway.somebody("eve", { email: "eve@example.org" });
    for (const [next, to] of [
      ["/models?q=a", "/models?q=a"],
      ["https://evil.example/", "/"],
      ["//evil.example", "/"],
      ["/\\evil.example", "/"],
      ["/.//evil.example", "/"],
      ["javascript:alert(1)", "/"],
    ] as const) {
      const browser = gateway.browser();
      const out = await browser.get(`/login/oidc/corp?${new URLSearchParams({ next })}`);
      expect([next, await goAndComeBack(browser, out.to ?? "")]).toEqual([next, to]);
    }
  });

  test("takes no provider at its word that has no keys to sign with", async () => {
    using issuer = await startIssuer();
    issuer.tamper = "keyless";
    await using gateway = await house(issuer);
    await gateway.somebody("eve", { email: "eve@example.org" });
    expect((await gateway.browser().get("/login/oidc/corp")).status).toBe(502);
    issuer.tamper = "";
    await using other = await house(issuer);
    await other.somebody("eve", { email: "eve@example.org" });
    expect(await signIn(other.browser())).toBe("/models");
  });

  test("an identity of another address is connected by who is signed in, and disconnected", async () => {
    using issuer = await startIssuer();
    await using gateway = await house(issuer);
    const eve = await gateway.somebody("eve");
    issuer.says = { sub: "7", email: "eve@work.example", email_verified: true };
    const step = await eve.post("/account/oidc", { id: "corp" });
    const out = (/class="button primary" href="([^"]+)"/.exec(step.text)?.[1] ?? "").replaceAll(
      "&amp;",
      "&",
    );
    expect(out).toStartWith(`${issuer.url}/authorize`);
    expect(await goAndComeBack(eve, out)).toBe("/account?done=connected");
    const phone = gateway.browser();
    expect(await signIn(phone)).toBe("/models");
    expect(words(await phone.get("/account"))).toContain("eve@example.org");
    expect((await phone.post("/account/oidc/remove", { id: "corp" })).status).toBe(303);
    expect(await signIn(gateway.browser())).toStartWith("/login?unknown=1");
    expect((await phone.post("/account/oidc/remove", { id: "credential" })).status).toBe(404);
    const again = gateway.browser();
    expect((await again.post("/login", { email: "eve@example.org", password })).status).toBe(303);
  });

  test("a provider that is not configured is not there", async () => {
    await using gateway = await startPeople();
    expect((await gateway.browser().get("/login/oidc/corp")).status).toBe(404);
    expect((await gateway.browser().get("/login/api/callback/corp?code=1&state=2")).to).toContain(
      "/login",
    );
    for (const path of ["/login/api/sign-up/email", "/login/api/get-session", "/login/api/ok"])
      expect([path, (await gateway.browser().get(path)).status]).toEqual([path, 404]);
  });
});
