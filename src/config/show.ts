import type { Config } from "#src/config/load.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Origin } from "#src/config/pick.ts";

/** A setting as people are shown it. */
export interface ShownSetting {
  /** As in the file: `billing.currency`. */
  key: string;
  value: string;
  origin: Origin;
  /** The variable or credential file it came from. */
  name: string | null;
}

/** Names of settings that are secret, whatever they hold. */
const secret = /(secret|token|password|_key)$/;

/** Every setting with its effective value and where it came from; of secrets, only that they are set. */
export function shownSettings(config: Config): ShownSetting[] {
  return [...config.origins].map(([key, { origin, name }]) => ({
    key,
    value: secret.test(key) ? "(set, not shown)" : plain(valueOf(config, key)),
    origin,
    name: name ?? null,
  }));
}

/** A value of the file that has no origin of its own: providers, models, names. */
export interface FileEntry {
  key: string;
  value: string;
}

/** What the file says of providers, models, names and OpenID; variables by name only. */
export function entriesOf({ providers, models, routing, oidc }: Config): FileEntry[] {
  const of = (key: string, value: unknown): FileEntry[] =>
    value === undefined ? [] : [{ key, value: textOf(value) }];
  const section = (at: string, values: object): FileEntry[] =>
    Object.entries(values).flatMap(([name, value]) => of(`${at}.${name}`, value));
  return [
    ...Object.entries(providers).flatMap(([id, values]) => section(`providers.${id}`, values)),
    ...models.flatMap(({ id, ...values }) => section(`models."${id}"`, values)),
    ...Object.entries(routing.aliases).flatMap(([name, to]) => of(`routing.aliases."${name}"`, to)),
    ...Object.entries(routing.fallbacks).flatMap(([name, to]) =>
      of(`routing.fallbacks."${name}"`, to),
    ),
    ...oidc.flatMap(({ id, name, issuer, clientId, clientSecretEnv }) =>
      section(`oidc.${id}`, {
        name,
        issuer,
        client_id: clientId,
        client_secret_env: clientSecretEnv,
      }),
    ),
  ];
}

/** A value as text; addresses without what may be secret in them. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return plain(String(value));
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return Object.entries(value)
    .map(([name, one]) => `${name} = ${textOf(one)}`)
    .join(", ");
}

/** A value as it may be shown: of an address, not what is secret in it. */
function plain(value: string): string {
  return value.includes("://") || value.startsWith("file:") ? withoutSecrets(value) : value;
}

/** An address without what may be secret in it: user, password and query. */
export function withoutSecrets(address: string): string {
  return address.replace(/\/\/[^/?#]*@/, "//").replace(/\?.*$/, "");
}

/** What a setting is now. Database addresses may hold secrets and are cut to their scheme and path. */
function valueOf(config: Config, path: string): string {
  switch (path) {
    case "public_url":
      return config.publicUrl;
    case "workers":
      return String(config.workers);
    case "data_dir":
      return config.dataDir;
    case "listen":
      return `${config.listen.hostname}:${config.listen.port}`;
    case "database.url":
      return config.database.url;
    case "log.format":
      return config.log.format ?? "auto";
    case "limits.max_body_mb":
      return String(config.limits.maxBodyBytes / 1_048_576);
    default:
      return settingOf(config, path);
  }
}

function settingOf(config: Config, path: string): string {
  const [section = "", key = ""] = path.split(".");
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const group: unknown = Reflect.get(config, section);
  if (typeof group !== "object" || group === null) throw new ConfigError(`Cannot show "${path}"`);
  const seconds: unknown = Reflect.get(group, camel.replace(/S$/, "Ms"));
  const value: unknown =
    Reflect.get(group, camel) ?? (typeof seconds === "number" ? seconds / 1000 : undefined);
  return String(value ?? "");
}
