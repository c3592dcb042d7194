import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "#src/config/load.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const empty = join(folder.path, "lowrouter.toml");
writeFileSync(empty, "");
afterAll(() => folder[Symbol.dispose]());

const read = (env: Record<string, string>) => loadConfig({ config: empty }, env);

const mail = {
  LOWROUTER_MAIL_URL: "smtp://mail.example.org",
  LOWROUTER_MAIL_FROM: "LowRouter <gateway@example.org>",
  LOWROUTER_PUBLIC_URL: "https://gateway.example.org/",
};

describe("mail", () => {
  test("is off without a server, whatever else is set", () => {
    expect(read({ LOWROUTER_MAIL_PASSWORD: "secret" }).mail.server).toBeUndefined();
  });

  test("knows server, usual port and origin of links", () => {
    const { mail: read1, publicUrl } = read(mail);
    expect(publicUrl).toBe("https://gateway.example.org");
    expect(read1.server).toEqual({
      host: "mail.example.org",
      port: 587,
      isSecure: false,
      user: undefined,
      password: undefined,
    });
    const secure = { ...mail, LOWROUTER_MAIL_URL: "smtps://[::1]" };
    expect(read(secure).mail.server).toMatchObject({ host: "::1", port: 465, isSecure: true });
  });

  test("takes its password from the variable, or from the credential file before it", () => {
    const url = "smtp://ada%40example.org@mail.example.org:2525";
    const env = { ...mail, LOWROUTER_MAIL_URL: url, LOWROUTER_MAIL_PASSWORD: "one" };
    const server = { port: 2525, user: "ada@example.org" };
    expect(read(env).mail.server).toMatchObject({ ...server, password: "one" });
    const credentials = join(folder.path, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "LOWROUTER_MAIL_PASSWORD"), "two\n");
    const both = { ...env, CREDENTIALS_DIRECTORY: credentials };
    expect(read(both).mail.server).toMatchObject({ ...server, password: "two" });
  });

  test.each([
    [{ LOWROUTER_MAIL_URL: "mail.example.org" }, "Cannot use mail.url: an address such as"],
    [{ LOWROUTER_MAIL_URL: "https://mail.example.org" }, "or one with smtps://"],
    [{ LOWROUTER_MAIL_URL: "smtp://a:pw-secret@b" }, "take the password out of it"],
    [{ LOWROUTER_MAIL_URL: "smtp://a@b" }, "LOWROUTER_MAIL_PASSWORD is not set"],
    [{ LOWROUTER_MAIL_FROM: "" }, "mail.from is no sender"],
    [{ LOWROUTER_MAIL_FROM: "a@b.c\r\nBcc: d@e.f" }, "mail.from is no sender"],
    [{ LOWROUTER_MAIL_FROM: "a@b.c, d@e.f" }, "mail.from is no sender"],
    [{ LOWROUTER_PUBLIC_URL: "" }, "public_url is not set"],
    [{ LOWROUTER_PUBLIC_URL: "gateway.example.org" }, "for public_url"],
    [{ LOWROUTER_PUBLIC_URL: "https://example.org/gateway" }, "for public_url"],
    [{ LOWROUTER_PUBLIC_URL: "javascript:alert(1)" }, "for public_url"],
  ])("with %j stops the start and says what is needed", (change, message) => {
    const refused = () => read({ ...mail, ...change });
    expect(refused).toThrow(message);
    expect(refused).not.toThrow("pw-secret");
  });
});

const stripe = { STRIPE_SECRET_KEY: "sk_test_1", STRIPE_WEBHOOK_SECRET: "whsec_1" };

describe("stripe", () => {
  test("sells nothing with neither key nor secret", () => {
    expect(read({}).stripe.secrets).toBeUndefined();
  });

  test("sells with key and secret, at Stripe, from 5 to 1000", () => {
    expect(read(stripe).stripe).toEqual({
      minAmount: 5,
      maxAmount: 1000,
      apiBase: "https://api.stripe.com",
      secrets: { key: "sk_test_1", webhook: "whsec_1" },
    });
  });

  test.each([
    [{ STRIPE_WEBHOOK_SECRET: "" }, "STRIPE_WEBHOOK_SECRET is not"],
    [{ STRIPE_SECRET_KEY: "" }, "STRIPE_SECRET_KEY is not. Set it to"],
    [{ STRIPE_MIN_AMOUNT: "10", STRIPE_MAX_AMOUNT: "5" }, "not above stripe.max_amount"],
    [{ STRIPE_MIN_AMOUNT: "0" }, "for stripe.min_amount: allowed is a number above 0"],
    [{ STRIPE_API_BASE: "api.stripe.com" }, "for stripe.api_base"],
  ])("with %j stops the start and says what is needed", (change, message) => {
    const refused = () => read({ ...stripe, ...change });
    expect(refused).toThrow(message);
    expect(refused).not.toThrow("sk_test_1");
    expect(refused).not.toThrow("whsec_1");
  });
});
