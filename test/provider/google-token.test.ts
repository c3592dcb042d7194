import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { ConfigError } from "#src/config/error.ts";
import { googleTokens, readServiceAccount } from "#src/provider/google-token.ts";
import { NoCredential } from "#src/provider/lent.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { accountJson, pem, startTokenServer, type TokenServer } from "#test/provider/google-kit.ts";

let clock: FakeClock;
let server: TokenServer;
beforeEach(() => {
  clock = createFakeClock();
  server = startTokenServer({ now: () => clock.now() });
});
afterEach(() => server.stop());

const tokens = () => googleTokens(readServiceAccount(accountJson(server.url), "X"), clock);
const minute = 60_000;

describe("a service account's token", () => {
  test("is fetched with an assertion that its server accepts, then kept", async () => {
    const source = tokens();
    const first = source.get();
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toEqual({
      accessToken: "ya29.token-1",
      expiresAt: clock.now() + 60 * minute,
    });
    clock.advance(54 * minute);
    expect(source.get()).toEqual(await first);
    expect(server.asked()).toBe(1);
  });

  test("that is over is fetched again", async () => {
    const source = tokens();
    await source.get();
    clock.advance(60 * minute);
    expect(await source.get()).toMatchObject({ accessToken: "ya29.token-2" });
  });

  test("that is refused is told so, by the server's own code", async () => {
    server.answer(() => Response.json({ error: "invalid_grant" }, { status: 400 }));
    expect(await caught(tokens().get())).toStartWith(
      "Cannot get a token for vertex: its token server answered 400 invalid_grant. Check that",
    );
  });

  test.each([
    ["a page", () => new Response("<html>secret page</html>"), "answered 200."],
    [
      "an empty token",
      () => Response.json({ access_token: "", expires_in: 3600 }),
      "answered 200.",
    ],
    [
      "a token with a line end",
      () => Response.json({ access_token: "a\r\nb", expires_in: 3600 }),
      "answered 200.",
    ],
    [
      "words for people",
      () => Response.json({ error: "No: secret page" }, { status: 401 }),
      "answered 401.",
    ],
    ["another address", () => Response.redirect("http://127.0.0.1:1/"), "answered 302."],
  ])("is not read from %s, which is not quoted", async (_, answer, expected) => {
    server.answer(answer);
    const message = await caught(tokens().get());
    expect(message).toContain(expected);
    expect(message).not.toContain("secret");
  });

  test("whose server is gone is said so, with what to look at", async () => {
    const source = tokens();
    await server.stop();
    expect(await caught(source.get())).toBe(
      'Cannot get a token for vertex: its token server does not answer. Check the network, and "token_uri" of X',
    );
  });
});

describe("a file that is no service account", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  test.each([
    ["not JSON", `{"private_key": "${pem.slice(0, 60)}`, "it is no JSON"],
    [
      "of a person",
      JSON.stringify({ type: "authorized_user", refresh_token: "1//x" }),
      'its "type" is',
    ],
    ["a list", "[]", "is missing"],
    ["without an email", accountJson("http://x", { client_email: undefined }), '"client_email"'],
    ["with a broken key", accountJson("http://x", { private_key: "-----BEGIN x" }), "no RSA key"],
    [
      "with a key of another kind",
      accountJson("http://x", { private_key: ec.export({ type: "pkcs8", format: "pem" }) }),
      "no RSA key",
    ],
    ["with a token server that is none", accountJson("file:///etc/passwd"), '"token_uri"'],
  ])("%s is a mistake in the configuration, and not quoted", (_, json, expected) => {
    const read = () => readServiceAccount(json, "VERTEX_CREDENTIALS_JSON");
    expect(read).toThrow(ConfigError);
    expect(read).toThrow("Cannot use the Google credential of VERTEX_CREDENTIALS_JSON: ");
    expect(read).toThrow(expected);
    expect(read).not.toThrow(/BEGIN|1\/\/x|passwd/);
  });
});

/** Message of a NoCredential. */
async function caught(given: unknown): Promise<string> {
  try {
    await given;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(NoCredential);
    return thrown instanceof Error ? thrown.message : "";
  }
  throw new Error("A token came");
}
