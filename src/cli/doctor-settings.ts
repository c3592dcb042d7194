import { loadCatalog } from "#src/catalog/load.ts";
import type { Config } from "#src/config/load.ts";
import type { Check } from "#src/lib/check.ts";

/** Whether what a valid configuration says of providers and models is whole: what is missing shows in no start. */
export function checkSettings(config: Config): Check {
  const missing = [...strangers(config), ...unsetVariables(config), ...halfPrices(config)];
  const name = "settings";
  if (missing.length === 0) return { name, ok: true, found: "nothing is half said" };
  const fix = "set or say what is missing, or take the line away";
  return { name, ok: false, found: missing.join("; "), fix };
}

/** Sections of providers that lead nowhere: a name that is misspelt, or an address that was forgotten. */
function strangers({ providers, secret }: Config): string[] {
  const known = new Set(loadCatalog().providers.map(({ id }) => id));
  return Object.entries(providers).flatMap(([id, { enabled, base_url, base_urls }]) => {
    if (enabled === false || known.has(id)) return [];
    const variable = `${id.toUpperCase().replaceAll("-", "_")}_BASE_URL`;
    if ((base_url ?? base_urls ?? secret(variable)) !== undefined) return [];
    return [`providers.${id} is no provider that is known, and has no base_url`];
  });
}

/** Requests to such a provider would go without a key. */
function unsetVariables({ providers, secret }: Config): string[] {
  return Object.entries(providers).flatMap(([id, { enabled, api_key_env: own, keys = [] }]) => {
    if (enabled === false) return [];
    const named = [
      ...(own === undefined ? [] : [[`providers.${id}.api_key_env`, own] as const]),
      ...keys.map(({ env }, at) => [`providers.${id}.keys[${at}].env`, env] as const),
    ];
    return named
      .filter(([, variable]) => secret(variable) === undefined)
      .map(([path, variable]) => `${path} names ${variable}, which is not set`);
  });
}

/** A model of ours with one of two prices has none: prepaid accounts cannot use it, others are charged nothing. */
function halfPrices({ models }: Config): string[] {
  const bundled = loadCatalog().models;
  return models.flatMap(
    ({ id, provider, input_per_million: input, output_per_million: output }) => {
      if ((input === undefined) === (output === undefined)) return [];
      const known = bundled.find((model) => model.id === id);
      if (known?.endpoints.some((endpoint) => endpoint.provider === provider)) return [];
      const lacks = input === undefined ? "input_per_million" : "output_per_million";
      return [`the model ${id} at ${provider} lacks ${lacks}, so it has no price`];
    },
  );
}
