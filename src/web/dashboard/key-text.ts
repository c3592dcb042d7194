import type { ApiKey } from "#src/account/account.ts";
import type { Guest } from "#src/web/dashboard/room.ts";

/** A field of a form without what is around it; empty where it is missing. */
export function keptText(form: URLSearchParams, name: string): string {
  return (form.get(name) ?? "").trim();
}

/** An amount of money: two decimals, more where it is small. */
export function money(units: number): string {
  const digits = units !== 0 && Math.abs(units) < 1 ? 6 : 2;
  return units.toLocaleString("en-US", {
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  });
}

/** What may be done with a key now. */
export function stateOf(key: ApiKey, now: number): "enabled" | "disabled" | "expired" {
  if (key.disabled) return "disabled";
  return key.expiresAt !== undefined && key.expiresAt <= now ? "expired" : "enabled";
}

/** How often a limit begins anew, after an amount. */
export const perInterval = { daily: "a day", weekly: "a week", monthly: "a month" } as const;

/** The address of a form: it acts for the account of the page, whatever is chosen in another tab meanwhile. */
export function formAt({ visitor }: Pick<Guest, "visitor">, path: string): string {
  return `${path}?account=${encodeURIComponent(visitor.account.id)}`;
}

/** The address of a page about the same account: it is named where this page's address names it. */
export function pageAt(
  { url, visitor }: Pick<Guest, "url" | "visitor">,
  path: string,
  query: Record<string, string> = {},
): string {
  const search = new URLSearchParams(query);
  if (url.searchParams.has("account")) search.set("account", visitor.account.id);
  return search.size === 0 ? path : `${path}?${search}`;
}
