import type { ProviderKey } from "#src/account/provider-key.ts";
import type { Provider } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import type { App } from "#src/gateway/context.ts";
import { describeProvider } from "#src/http/describe.ts";
import type { Services } from "#src/http/services.ts";
import type { LastFault } from "#src/ledger/last-faults.ts";
import { dayOf } from "#src/lib/clock.ts";

/** A provider as its operator sees it. */
export interface ProviderFacts {
  provider: Provider;
  described: ReturnType<typeof describeProvider>;
  /** Variables that hold a credential or an address of it now; never what is in them. */
  found: readonly string[];
  /** What to set, where nothing leads to it. */
  missing: string | undefined;
  /** Stored credentials of the operator. */
  keys: readonly ProviderKey[];
  /** Whether the configuration file has a section about it. */
  isConfigured: boolean;
  fault: LastFault | undefined;
  /** Day on which the oldest price that holds today was read; absent where no price is known. */
  pricesRead: string | undefined;
}

/** What is known of every provider, those that can be called first. */
export function providerFacts(
  { app, services }: { app: App; services: Services },
  keys: readonly ProviderKey[],
  faults: ReadonlyMap<string, LastFault>,
): ProviderFacts[] {
  const read = pricesRead(services, dayOf(app.clock.now()));
  return services.providers
    .map((provider): ProviderFacts => {
      const described = describeProvider(provider, app, services);
      const found = credentialsFound(provider, app.config);
      return {
        provider,
        described,
        found,
        missing: described.configured ? undefined : whatToSet(provider, app.config),
        keys: keys.filter((key) => key.provider === provider.id),
        isConfigured: Object.hasOwn(app.config.providers, provider.id),
        fault: faults.get(provider.id),
        pricesRead: read.get(provider.id),
      };
    })
    .toSorted((a, b) => Number(b.described.configured) - Number(a.described.configured));
}

type Settings = App["config"];

function prefixOf(id: string): string {
  return id.toUpperCase().replaceAll("-", "_");
}

/** Names of what is set of a provider, in the environment, as credential files or in the file. */
function credentialsFound({ id, env }: Provider, { providers, secret }: Settings): string[] {
  const { api_key_env: named, keys = [], base_url: one, base_urls: several } = providers[id] ?? {};
  const prefix = prefixOf(id);
  const names = [...(named === undefined ? env : [named]), ...keys.map((key) => key.env)];
  const known = [...names, ...(clouds[id]?.variables ?? []), `${prefix}_BASE_URL`];
  const set = [...new Set(known)].filter((name) => secret(name) !== undefined);
  return one === undefined && several === undefined
    ? set
    : [...set, `address in [providers.${id}]`];
}

/** What has to be set so that a provider can be called. */
export function whatToSet(
  { id, env }: Provider,
  { providers }: Pick<Settings, "providers">,
): string {
  const settings = providers[id];
  if (settings?.enabled === false) return `enabled = true of [providers.${id}] in the file`;
  const cloud = clouds[id];
  if (cloud !== undefined) return cloud.words;
  return settings?.api_key_env ?? env[0] ?? `${prefixOf(id)}_BASE_URL`;
}

/** Providers that take more than a key. */
const clouds: Readonly<Record<string, { variables: readonly string[]; words: string }>> = {
  azure: {
    variables: ["AZURE_OPENAI_ENDPOINT"],
    words: "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and [providers.azure.deployments]",
  },
  bedrock: {
    variables: ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"],
    words: "AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY",
  },
  vertex: { variables: [], words: "GOOGLE_APPLICATION_CREDENTIALS" },
};

/** Of each provider the day on which the oldest of its prices of today was read; the operator's own are of no day. */
function pricesRead({ models }: Services, day: string): ReadonlyMap<string, string> {
  const oldest = new Map<string, string>();
  for (const { endpoints } of models)
    for (const endpoint of endpoints) {
      const read = pricesOn(endpoint, day)?.read;
      const known = oldest.get(endpoint.provider);
      if (read && (known === undefined || read < known)) oldest.set(endpoint.provider, read);
    }
  return oldest;
}

/** Whole days since a day. */
export function daysSince(day: string, now: number): number {
  return Math.max(0, Math.floor((now - Date.parse(day)) / 86_400_000));
}
