import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";

/** Energy that the operator measured: Wh for 1,000 tokens, and what the building adds. */
interface Measurement {
  whPer1kTokens: number;
  pue: number;
}

/**
 * What the configuration says was measured of a model at a provider; a model's own figure beats its provider's.
 * Throws ConfigError for a provider whose machines are not the operator's, and for a PUE with nothing to multiply.
 */
export function measurements(
  config: Config,
  isOwn: (provider: string) => boolean,
): (model: string, provider: string) => Measurement | undefined {
  const named = [
    ...Object.entries(config.providers).map(
      ([id, entry]) => [`providers.${id}`, id, entry] as const,
    ),
    ...config.models.map((entry) => [`models "${entry.id}"`, entry.provider, entry] as const),
  ];
  for (const [at, provider, entry] of named) {
    const key = "pue" in entry && entry.pue !== undefined ? "pue" : "wh_per_1k_tokens";
    const given = entry.wh_per_1k_tokens !== undefined || key === "pue";
    if (!given || isOwn(provider)) continue;
    throw new ConfigError(
      `Cannot use ${key} of ${at}: only a server of your own can be measured. Say its base_url under [providers.${provider}], or leave the figure out`,
    );
  }
  for (const [id, { pue, wh_per_1k_tokens: own }] of Object.entries(config.providers)) {
    const isMeasured = (one: (typeof config.models)[number]) =>
      one.provider === id && one.wh_per_1k_tokens !== undefined;
    if (pue === undefined || own !== undefined || config.models.some(isMeasured)) continue;
    throw new ConfigError(
      `Cannot use pue = ${pue} of providers.${id}: it multiplies what was measured, and nothing was. Set wh_per_1k_tokens there or for a model of it, or leave pue out`,
    );
  }
  return (model, provider) => {
    const own = config.models.find((entry) => entry.id === model && entry.provider === provider);
    const section = config.providers[provider];
    const whPer1kTokens = own?.wh_per_1k_tokens ?? section?.wh_per_1k_tokens;
    return whPer1kTokens === undefined ? undefined : { whPer1kTokens, pue: section?.pue ?? 1 };
  };
}
