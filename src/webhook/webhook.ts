import * as v from "valibot";
import { numberIn, textOf, type Row } from "#src/store/store.ts";

/** What happens, as destinations are told of it. */
export const eventTypes = [
  "generation.completed",
  "key.limit_reached",
  "credits.low",
  "credits.exhausted",
  "carbon_budget.reached",
  "provider.unavailable",
  "provider.recovered",
] as const;
export type EventType = (typeof eventTypes)[number];

/** Where somebody wants to be told. */
export interface Webhook {
  /** `whk_…` */
  id: string;
  /** Whose it is; absent: the operator's. */
  accountId?: string | undefined;
  name: string;
  url: string;
  /** What it wants to hear; empty: everything of its account, or, for the operator's, everything of the gateway itself. */
  eventTypes: EventType[];
  /** Of events about a key, those of these keys; empty: all. */
  apiKeyHashes: string[];
  disabled: boolean;
  /** Tries in a row that failed. */
  failures: number;
  /** Unix milliseconds before which nothing is sent. */
  nextAt: number;
  createdAt: number;
  updatedAt?: number | undefined;
}

/** What its maker decides. */
export type WebhookPolicy = Pick<
  Webhook,
  "name" | "url" | "eventTypes" | "apiKeyHashes" | "disabled"
>;

/** Whose webhooks: those of an account, or the operator's. */
export type WebhookOwner = { accountId: string } | "operator";

/** The owner as a column holds it. */
export function ownerColumn(owner: WebhookOwner): string | null {
  return owner === "operator" ? null : owner.accountId;
}

const texts = v.array(v.string());

/** A JSON list of a column. */
export function listIn(row: Row, column: string): string[] {
  return v.parse(texts, JSON.parse(textOf(row, column) ?? "[]"));
}

/** Columns of a webhook besides its envelope. */
export const webhookColumns =
  "id, account_id, name, url, event_types, api_key_hashes, disabled, failures, next_at, created_at, updated_at";

/** A webhook from its row. */
export function webhookOf(row: Row): Webhook {
  const told = listIn(row, "event_types");
  return {
    id: textOf(row, "id") ?? "",
    accountId: textOf(row, "account_id"),
    name: textOf(row, "name") ?? "",
    url: textOf(row, "url") ?? "",
    eventTypes: eventTypes.filter((type) => told.includes(type)),
    apiKeyHashes: listIn(row, "api_key_hashes"),
    disabled: numberIn(row, "disabled") === 1,
    failures: numberIn(row, "failures") ?? 0,
    nextAt: numberIn(row, "next_at") ?? 0,
    createdAt: numberIn(row, "created_at") ?? 0,
    updatedAt: numberIn(row, "updated_at"),
  };
}
