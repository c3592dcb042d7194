import type { EventType, Webhook } from "#src/webhook/webhook.ts";
import type { Delivery } from "#src/webhook/deliveries.ts";
import type { Try } from "#src/webhook/send.ts";

export const webhooksPath = "/dashboard/webhooks";

/** What each event says, and when it is sent. */
export const eventWords: Readonly<Record<EventType, { when: string; carries: string }>> = {
  "generation.completed": {
    when: "A request ended, well or not",
    carries: "its usage record: status, model, provider, region, tokens, cost, energy and carbon",
  },
  "key.limit_reached": {
    when: "A spending limit, or the requests of a day, refused a request; once in its window",
    carries: "the key, the limit, what was used, when it begins anew",
  },
  "credits.low": {
    when: "Credit fell below the gateway's threshold; once until it is filled up",
    carries: "the balance and the threshold",
  },
  "credits.exhausted": {
    when: "Credit did not cover a request; once until some is added",
    carries: "the balance, and what the request may have cost",
  },
  "carbon_budget.reached": {
    when: "A share of a key's or the account's carbon budget is used; once each in its window",
    carries: "whose it is, the share, the budget, what was emitted, when it begins anew",
  },
  "provider.unavailable": {
    when: "A model at a provider in a region is left alone after failures; only where it is chosen",
    carries: "provider, region, model and the reason",
  },
  "provider.recovered": {
    when: "It answers again; only where it is chosen",
    carries: "provider, region and model",
  },
};

/** How a webhook does, in a word or two. */
export function stateOfWebhook({ disabled, failures }: Webhook): string {
  if (disabled) return "disabled";
  return failures > 0 ? `failing, ${failures} in a row` : "enabled";
}

/** What came of a try. */
export function tryWords({ status, reason, wait, ms }: Try): string {
  const what = [status, reason?.replaceAll("_", " ")].filter((one) => one !== undefined).join(" ");
  return `${what}, ${ms} ms${wait === undefined ? "" : `, asked for ${wait} s`}`;
}

/** How a delivery stands. */
export function stateOfDelivery({ state, attempts }: Delivery): string {
  return state === "waiting" && attempts > 0 ? "will be tried again" : state;
}

/** A form in the members of the API: what is not ticked is taken away. */
export function webhookBodyOf(form: URLSearchParams): Record<string, unknown> {
  const text = (name: string) => (form.get(name) ?? "").trim();
  return {
    name: text("name"),
    url: text("url"),
    event_types: form.getAll("event_types"),
    api_key_hashes: form.getAll("api_key_hashes"),
  };
}

/** What the form of a webhook shows. */
export function webhookFields(webhook: Webhook): URLSearchParams {
  return new URLSearchParams([
    ["name", webhook.name],
    ["url", webhook.url],
    ...webhook.eventTypes.map((type): [string, string] => ["event_types", type]),
    ...webhook.apiKeyHashes.map((hash): [string, string] => ["api_key_hashes", hash]),
  ]);
}
