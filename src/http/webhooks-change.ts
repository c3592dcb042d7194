import * as v from "valibot";
import { nameUpTo, needed } from "#src/http/needed.ts";
import { AppError } from "#src/lib/error.ts";
import { eventTypes, type WebhookPolicy } from "#src/webhook/webhook.ts";

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "the hash of an API key"));

/** What the API takes to make or change a webhook. */
export const webhookChangeSchema = v.strictObject({
  name: v.optional(nameUpTo(100)),
  url: v.optional(v.pipe(v.string(), v.maxLength(2000), v.url("an address"))),
  event_types: v.optional(v.nullable(v.array(v.picklist(eventTypes)))),
  api_key_hashes: v.optional(v.nullable(v.pipe(v.array(hash), v.maxLength(100)))),
  disabled: v.optional(v.nullable(v.boolean())),
});

/** Reads a body. Throws `invalid_value` naming the member; no value is quoted, for an address may hold a secret. */
export function readWebhookChange(body: unknown): Partial<WebhookPolicy> {
  const parsed = v.safeParse(webhookChangeSchema, body, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? "body";
    const isUnknown = issue.expected === "never";
    const shown = isUnknown && !/^[a-z_]{1,40}$/.test(path) ? "?" : path;
    throw new AppError(
      "invalid_value",
      isUnknown
        ? `Cannot use the unknown field "${shown}"`
        : `Cannot use this value for "${shown}": ${needed(issue)} is needed`,
      { param: shown },
    );
  }
  const given = parsed.output;
  const change: Partial<WebhookPolicy> = {};
  if (given.name !== undefined) change.name = given.name;
  if (given.url !== undefined) change.url = given.url;
  if (given.event_types !== undefined) change.eventTypes = [...new Set(given.event_types)];
  if (given.api_key_hashes !== undefined) change.apiKeyHashes = [...new Set(given.api_key_hashes)];
  if (given.disabled !== undefined) change.disabled = given.disabled ?? false;
  return change;
}

/** A whole webhook from what was given. Throws `missing_field`. */
export function wholeWebhook(change: Partial<WebhookPolicy>): WebhookPolicy {
  const { name, url, eventTypes: types = [], apiKeyHashes = [], disabled = false } = change;
  if (name === undefined) throw absent("name", "a name for the webhook");
  if (url === undefined) throw absent("url", "the address that events are sent to");
  return { name, url, eventTypes: types, apiKeyHashes, disabled };
}

function absent(param: string, what: string): AppError {
  return new AppError("missing_field", `The field "${param}" is missing: ${what} is needed`, {
    param,
  });
}
