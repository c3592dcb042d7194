import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { type Slug, slugOf } from "#src/gateway/routing/slug.ts";

/** What orders candidates where the caller's `provider` object does not. */
export interface Policy {
  by: "balance" | "carbon" | "price" | "lottery";
  /** Candidates here come first. */
  region: string | undefined;
  /** Nobody else may serve. */
  provider: Slug | undefined;
}

const balanced = "balanced";
const lowCarbon = "prefer-low-carbon";

/**
 * The policy that holds: the request's, else the key's, else the account's, else the configuration's. A flag for low
 * carbon changes the order under a policy that was given no more specifically; `prefer_low_carbon: false` lifts those below.
 */
export function policyOf(ask: Ask, { key, account }: Caller, { config }: App): Policy {
  const { preferLowCarbon: wish, policy: asked } = ask.route;
  const { routing } = account;
  let flagged = wish === true;
  let text = asked;
  if (text === undefined) {
    flagged ||= wish === undefined && key.preferLowCarbon;
    text = lifted(key.policy, wish);
  }
  if (text === undefined) {
    flagged ||= wish === undefined && routing?.preferLowCarbon === true;
    text = lifted(routing?.policy, wish);
  }
  text ??= lifted(config.routing.policy, wish) ?? balanced;
  const policy = known.get(text) ?? read(text);
  const by = flagged ? "carbon" : policy.by;
  const drawn = by === "balance" && config.routing.strategy === "price" && text === balanced;
  if (by === policy.by && !drawn) return policy;
  return { ...policy, by: drawn ? "lottery" : by };
}

/** A policy of a less specific level, unless the request lifted it. */
function lifted(text: string | undefined, wish: boolean | undefined): string | undefined {
  return wish === false && text === lowCarbon ? undefined : text;
}

const known = new Map<string, Policy>();
const most = 1000;

function read(text: string): Policy {
  if (known.size >= most) known.clear();
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const about = colon < 0 ? undefined : text.slice(colon + 1);
  const policy: Policy = {
    by: name === lowCarbon ? "carbon" : name === "prefer-cheapest" ? "price" : "balance",
    region: name === "prefer-region" ? about : undefined,
    provider: name === "fixed-provider" && about !== undefined ? slugOf(about) : undefined,
  };
  known.set(text, policy);
  return policy;
}
