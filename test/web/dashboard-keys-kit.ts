import { addCredit } from "#src/ledger/transactions.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { textOf } from "#src/store/store.ts";
import { type Browser, type Page, type PeopleGateway, words } from "#test/web/people-kit.ts";

/** People of every role in one account, somebody of another, and somebody who is not signed in. */
export interface Staff {
  owner: Browser;
  admin: Browser;
  member: Browser;
  /** Owner of another account. */
  other: Browser;
  nobody: Browser;
  /** Their shared account. */
  accountId: string;
  /** Ids of people by their names. */
  ids: Record<"owner" | "admin" | "member" | "other", string>;
}

/** Signs them in, each in a browser, for the account that the gateway was made with; it has credit. */
export async function staff(house: PeopleGateway): Promise<Staff> {
  const of = async (name: string, role?: "owner" | "admin" | "member") => {
    const browser = await house.somebody(
      name,
      role === undefined ? {} : { accountId: house.accountId, role },
    );
    if (role !== undefined) await browser.post("/account/switch", { to: house.accountId });
    return browser;
  };
  const owner = await of("owner", "owner");
  const admin = await of("admin", "admin");
  const member = await of("member", "member");
  const other = await of("other");
  await addCredit(house.store, house.gateway.services.people, {
    accountId: house.accountId,
    type: "credit",
    amount: fromUnits(5),
    description: "Test credit",
    by: "test",
  });
  const rows = await house.store.read("SELECT id, name FROM person", []);
  const id = (name: string) =>
    textOf(rows.find((row) => row["name"] === name) ?? {}, "id") ?? `no ${name}`;
  return {
    owner,
    admin,
    member,
    other,
    nobody: house.browser(),
    accountId: house.accountId,
    ids: { owner: id("owner"), admin: id("admin"), member: id("member"), other: id("other") },
  };
}

/** Sends the form that makes a key. */
export async function makeKey(
  browser: Browser,
  fields: Record<string, string>,
): Promise<Page & { secret: string; hash: string }> {
  const made = await browser.post("/dashboard/keys", fields);
  const secret = /<code id="secret">(lr_\w+)/.exec(made.text)?.[1] ?? "";
  return { ...made, secret, hash: hashIn(made.text) };
}

/** The first hash of a key that a page links to. */
export function hashIn(text: string): string {
  return /\/dashboard\/keys\/([0-9a-f]{64})/.exec(text)?.[1] ?? "";
}

/** Asks a model with a key. */
export function askedWith(
  house: PeopleGateway,
  secret: string,
  body: Record<string, unknown> = {},
): Promise<Response> {
  return fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hello" }],
      max_tokens: 16,
      ...body,
    }),
  });
}

/** What a page says went wrong. */
export function alertOf(page: Page): string {
  return words({ ...page, text: /role="alert">(.*?)<\/p>/s.exec(page.text)?.[1] ?? "" }).trim();
}

/** What browsers say of a form that a page of another site sends. */
export const foreignForms: readonly Record<string, string>[] = [
  { origin: "https://evil.example" },
  { "sec-fetch-site": "cross-site" },
  { origin: "null" },
];
