import type { Account, ApiKey } from "#src/account/account.ts";
import { getAccountRouting } from "#src/account/account-routing.ts";
import { listKeys } from "#src/account/keys.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { eligible, type Judge } from "#src/gateway/routing/eligible.ts";
import { basisOf } from "#src/gateway/routing/pins.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Way, WhatIfKit } from "#src/report/what-if.ts";

const keysAtOnce = 1000;

/** A request that wishes for nothing itself, so that only key, account and operator decide where it may go. */
const plainAsk: Ask = {
  dialect: "openai-chat",
  kind: "chat",
  parsed: {},
  models: [],
  stream: false,
  includeUsage: false,
  inputTokensAtMost: 0,
  choices: 1,
  needs: {
    tools: false,
    vision: false,
    pdf: false,
    audio: false,
    jsonObject: false,
    jsonSchema: false,
    reasoning: false,
    logprobs: false,
  },
  parameters: [],
  route: {},
  provider: {},
};

/** What passes: it is no rule of key or account that a place is shut now, or that a budget of this month is used up. */
const passing: ReadonlySet<string> = new Set(["unavailable", "carbon_budget"]);

/** What scenarios are worked out from for an account: the catalogue, and where each of its keys may be served today. */
export async function whatIfKit(
  app: App,
  { store, tables, models, gridOf }: Services,
  account: Account,
): Promise<WhatIfKit> {
  const [keys, routing] = await Promise.all([
    keysOf(store, account.id),
    getAccountRouting(store, account.id),
  ]);
  // What the caller was read with may be older than this.
  const { routing: _, ...plain } = account;
  const payer: Account = routing === undefined ? plain : { ...plain, routing };
  const made = new Map<string, readonly Way[]>();
  const judges = new Map<string, Judge | undefined>();

  const rules = new Map<string, string>();

  /** Keys of the same name allow the same: of ten thousand there are few kinds. */
  function rulesOf(key: ApiKey): string {
    const known = rules.get(key.hash);
    if (known !== undefined) return known;
    // What is left of a budget, and which own credentials may be used, is each key's own.
    const isOwn = key.carbonBudgetG !== undefined || app.seenBy({ key, account: payer }) !== app;
    const made = isOwn ? key.hash : sharedRules(key);
    rules.set(key.hash, made);
    return made;
  }

  function judgeOf(key: ApiKey, isText: boolean, seen: App): Judge | undefined {
    const name = `${rulesOf(key)} ${isText}`;
    if (!judges.has(name)) judges.set(name, judgeFor(key, payer, isText, seen));
    return judges.get(name);
  }

  function find(key: ApiKey, modelId: string): readonly Way[] {
    const seen = app.seenBy({ key, account: payer });
    const model = seen.routes.find(modelId)?.model;
    if (model?.id !== modelId) return [];
    const judge = judgeOf(key, model.kind === "completion", seen);
    if (judge === undefined || !judge.allowsModel(model)) return [];
    const open = seen.routes.of(model).filter((route) => {
      const refusal = judge.refuse(route);
      return refusal === undefined || passing.has(refusal);
    });
    return payable(open, payer, app).map((route) => wayOf(route, app, gridOf));
  }

  return {
    tables,
    models,
    basisAt: (provider, region, version) => gridOf(provider, region, version)?.basis,
    waysOf(keyHash, model) {
      const key = keys.get(keyHash);
      if (key === undefined) return undefined;
      const name = `${rulesOf(key)} ${model}`;
      const known = made.get(name) ?? find(key, model);
      made.set(name, known);
      return known;
    },
  };
}

/** All that a key says, without whose it is and since when. */
function sharedRules(key: ApiKey): string {
  const { hash, name, label, createdBy, createdAt, updatedAt, lastUsedAt, expiresAt, ...said } =
    key;
  return JSON.stringify(said);
}

/** Who decides; undefined where the key's own rules contradict each other, so that nothing may serve. */
function judgeFor(key: ApiKey, account: Account, isText: boolean, app: App): Judge | undefined {
  const ask: Ask = isText ? { ...plainAsk, dialect: "openai-completions" } : plainAsk;
  try {
    return eligible(ask, { key, account }, app);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.status < 500) return undefined;
    throw thrown;
  }
}

/** A prepaid account cannot pay where there is no price, unless there is no other place. */
function payable(routes: readonly Route[], { plan }: Account, { config }: App): readonly Route[] {
  if (plan !== "prepaid" || config.billing.unknownPrice === "allow") return routes;
  const priced = routes.filter(({ price }) => price !== undefined);
  return priced.length === 0 ? routes : priced;
}

function wayOf(route: Route, { config }: App, gridOf: Services["gridOf"]): Way {
  const { provider, region } = route.deployment;
  const isAssumed =
    basisOf(route) === "assumed" || gridOf(provider.id, region)?.assumption !== undefined;
  return {
    provider: provider.id,
    region,
    gPerKwh: route.gridGPerKwh,
    basis: route.gridCounts?.basis,
    isKnown: region !== "global" && (config.routing.allowAssumedRegions || !isAssumed),
    isMeasured: route.measured !== undefined,
  };
}

/** Every key of an account by its hash; one that is disabled still says where its requests could go. */
async function keysOf(store: Services["store"], accountId: string): Promise<Map<string, ApiKey>> {
  const found = new Map<string, ApiKey>();
  for (;;) {
    const last = [...found.keys()].at(-1);
    const some = await listKeys(store, {
      accountId,
      includeDisabled: true,
      pageSize: keysAtOnce,
      ...(last === undefined ? {} : { pageToken: last }),
    });
    for (const key of some) found.set(key.hash, key);
    if (some.length < keysAtOnce) return found;
  }
}
