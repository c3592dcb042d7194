import type { Caller } from "#src/account/account.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { totalTokens } from "#src/dialect/usage.ts";
import type { App } from "#src/gateway/context.ts";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { Clock } from "#src/lib/clock.ts";
import { createIds, type Random } from "#src/lib/id.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Store } from "#src/store/store.ts";

const dayMs = 86_400_000;
const models = [
  "openai/gpt-4o-mini",
  "mistral/mistral-small-3.2",
  "mistral/mistral-large-2512",
  "anthropic/claude-haiku-4.5",
  "google/gemini-2.5-flash",
  "openai/gpt-5-mini",
];
const users = [undefined, "ada", "grace", "linus"];

/** Writes days of plausible requests through the same ledger, prices and estimates as real ones. Returns how many. */
export async function seedHistory(options: {
  app: App;
  store: Store;
  callers: Caller[];
  clock: Clock;
  random: Random;
  days: number;
}): Promise<number> {
  const { app, store, callers, random, days } = options;
  const now = options.clock.now();
  let time = now - days * dayMs;
  const past: Clock = { now: () => time, monotonic: () => options.clock.monotonic() };
  const ids = createIds(past);
  const ledger = createLedger({ store, clock: past, processId: ids.next("proc") });
  const routes = models.flatMap((name) => {
    const found = app.routes.find(name);
    return found ? app.routes.of(found.model) : [];
  });
  let written = 0;
  while (time < now - 60_000) {
    const caller = pick(callers, random);
    const route = pick(routes, random);
    if (caller && route) {
      const generation = made(app, ids.next("gen"), caller, route, time, random);
      const movements = generation.cost
        ? [
            {
              kind: "credit" as const,
              owner: caller.account.id,
              windowStart: 0,
              used: generation.cost,
            },
          ]
        : [];
      void ledger.record({ generation, movements });
      written++;
    }
    // Working hours are busier than nights.
    const hour = new Date(time).getUTCHours();
    const busy = hour >= 7 && hour < 19 ? 1 : 4;
    time += Math.ceil((0.2 + random()) * busy * 3_600_000 * 0.9);
  }
  await ledger.close();
  return written;
}

function pick<T>(list: readonly T[], random: Random): T | undefined {
  return list[Math.floor(random() * list.length)];
}

function made(
  app: App,
  id: string,
  caller: Caller,
  route: Route,
  time: number,
  random: Random,
): Generation {
  const failed = random() < 0.02;
  const cached = random() < 0.3 ? Math.round(random() * 800) : 0;
  const usage: Usage = {
    input: {
      fresh: 20 + Math.round(random() * 1500),
      cacheRead: cached,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
    },
    output: { visible: 10 + Math.round(random() * 600), reasoning: 0 },
    raw: null,
  };
  const cost = failed ? undefined : app.price(route, usage, time);
  const estimate = failed || totalTokens(usage) === 0 ? undefined : app.estimate(route, usage);
  const latencyMs = 200 + Math.round(random() * 2000);
  return {
    id,
    completionId: `chatcmpl-${id.slice("gen_".length)}`,
    upstreamId: undefined,
    accountId: caller.account.id,
    keyId: caller.key.hash,
    keyName: caller.key.name,
    user: pick(users, random),
    app: undefined,
    dialect: "openai-chat",
    requestedModel: random() < 0.4 ? "lowrouter/auto" : route.model.id,
    model: route.model.id,
    provider: route.deployment.provider.id,
    region: route.deployment.region,
    streamed: random() < 0.5,
    status: failed ? "upstream_error" : "ok",
    errorCode: failed ? "upstream_error" : undefined,
    settlement: failed ? "waived" : "final",
    createdAt: time,
    completedAt: time + latencyMs,
    latencyMs,
    tokens: failed
      ? undefined
      : {
          inputFresh: usage.input.fresh,
          cacheRead: cached,
          cacheWrite5m: 0,
          cacheWrite1h: 0,
          outputVisible: usage.output.visible,
          reasoning: 0,
        },
    rawUsage: undefined,
    cost: cost?.total,
    costPrompt: cost?.prompt,
    costCompletion: cost?.completion,
    upstreamCost: cost?.upstream,
    usdRate: app.config.billing.usdRate,
    isByok: false,
    energyWh: estimate?.block.energy_wh,
    carbonG: estimate?.block.carbon_g,
    carbonPer1kG: estimate?.block.carbon_per_1k_tokens_g,
    energyBounds: estimate?.energyWh,
    accuracy: estimate?.block.accuracy,
    methodology: estimate?.block.methodology_version,
    gridGPerKwh: estimate?.gridGPerKwh,
    gridZone: estimate?.gridZone,
    measured: estimate?.measured,
    trace: [
      {
        provider: route.deployment.provider.id,
        region: route.deployment.region,
        model: route.model.id,
        decision: failed ? "failed" : "selected",
        reason: failed ? "upstream_503" : "best_balance",
      },
    ],
  };
}
