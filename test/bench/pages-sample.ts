import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import type { Fill } from "#test/bench/pages-fill.ts";

/** Models that a key's program asks for; one request in twenty is for any. */
const ownModels = 6;
/** Of ten keys, one serves people who are named in its requests. */
const people = 500;
const places = [
  ["openai", "us-east"],
  ["mistral", "eu-west"],
  ["anthropic", "us-west"],
  ["google", "eu-north"],
] as const;

/**
 * What requests are like, the same every time: few keys and few models have most of the traffic, every key has models of
 * its own, a tenth of the keys name their users, one request in fifty fails.
 */
export function usageOfFill({ accountId, keys, models }: Fill) {
  let seed = 1;
  const chance = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  /** The first is the most frequent: half of the logarithm has half of the picks. */
  const pick = (count: number) =>
    Math.min(count - 1, Math.floor(Math.exp(chance() * Math.log(count + 1)) - 1));
  return (id: string, createdAt: number): Generation => {
    const keyAt = pick(keys.length);
    const modelAt =
      chance() < 0.05
        ? Math.floor(chance() * models.length)
        : (keyAt * ownModels + pick(ownModels)) % models.length;
    const [provider, region] = places[modelAt % places.length] ?? places[0];
    const failed = chance() < 0.02;
    const inputFresh = 20 + Math.floor(chance() * 1500);
    const outputVisible = 10 + Math.floor(chance() * 600);
    const cost = failed ? undefined : nano(inputFresh * 150 + outputVisible * 600);
    const energyWh = failed ? undefined : (inputFresh + outputVisible) * 0.0004;
    return {
      id,
      completionId: `chatcmpl-${id.slice(4)}`,
      upstreamId: undefined,
      accountId,
      keyId: keys[keyAt] ?? "",
      keyName: `key ${keyAt}`,
      user: keyAt % 10 === 9 ? `user_${Math.floor(chance() * people)}` : undefined,
      app: undefined,
      dialect: "openai-chat",
      requestedModel: models[modelAt],
      model: models[modelAt],
      provider,
      region,
      streamed: true,
      status: failed ? "upstream_error" : "ok",
      errorCode: failed ? "upstream_error" : undefined,
      settlement: failed ? "waived" : "final",
      createdAt,
      completedAt: createdAt + 1200,
      latencyMs: 300,
      tokens: failed
        ? undefined
        : {
            inputFresh,
            cacheRead: 0,
            cacheWrite5m: 0,
            cacheWrite1h: 0,
            outputVisible,
            reasoning: 0,
          },
      rawUsage: undefined,
      cost,
      costPrompt: cost,
      costCompletion: cost === undefined ? undefined : nano(0),
      upstreamCost: cost,
      usdRate: 1,
      isByok: keyAt % 8 === 7,
      energyWh,
      carbonG: energyWh === undefined ? undefined : energyWh * 0.3,
      carbonPer1kG: energyWh === undefined ? undefined : 0.12,
      accuracy: failed ? undefined : "medium",
      methodology: failed ? undefined : "v0.4-2026-01",
      gridGPerKwh: 300,
      gridZone: "US",
      measured: undefined,
      trace: [
        {
          provider,
          region,
          model: models[modelAt] ?? "",
          decision: failed ? "failed" : "selected",
          reason: failed ? "upstream_503" : "best_balance",
        },
      ],
    };
  };
}
