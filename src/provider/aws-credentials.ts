import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { type AwsKey, signV4 } from "#src/provider/sigv4.ts";

/** How the operator proves itself to AWS: a Bedrock API key, or a key pair that signs. */
export type AwsCredential = { bearer: string } | AwsKey;

/** A request as it is about to leave. */
export interface LeavingRequest {
  method: string;
  host: string;
  /** Path and query of the request line. */
  path: string;
  headers: Record<string, string>;
  body: Payload | undefined;
}

/** A deployment whose requests are signed one by one, instead of carrying a fixed credential. */
export interface SigningDeployment extends Deployment {
  /** Headers that prove this request; they are added to it. */
  sign?: (request: LeavingRequest) => Record<string, string>;
}

/**
 * The credential of the environment, the Bedrock key first, as AWS's own SDKs have it; undefined without one.
 * A key pair that has only one half proves nothing. Roles of instances and containers are not asked for.
 */
export function awsCredential(
  secret: (name: string) => string | undefined,
  bearerNames: readonly string[],
): AwsCredential | undefined {
  const bearer = bearerNames.map(secret).find((value) => value !== undefined);
  if (bearer !== undefined) return { bearer };
  const accessKeyId = secret("AWS_ACCESS_KEY_ID");
  const secretAccessKey = secret("AWS_SECRET_ACCESS_KEY");
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = secret("AWS_SESSION_TOKEN");
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

/** Signs each request to a Bedrock runtime for the region it goes to, named as AWS names it. */
export function bedrockSigner(
  key: AwsKey,
  region: string,
  clock: Clock,
): NonNullable<SigningDeployment["sign"]> {
  return ({ method, host, path, headers, body }) => {
    const covered = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name === "content-type"),
    );
    const parts = { method, host, path, body, headers: covered };
    return signV4(parts, key, { region, service: "bedrock", now: clock.now() });
  };
}

/** A region by our name and by AWS's. */
export interface AwsRegion {
  id: string;
  native: string;
}

/**
 * Regions that are named, each by either of its names: by configuration, or else by AWS's own variables.
 * Throws ConfigError for a configured one that is not known.
 */
export function awsRegions(
  provider: Provider,
  configured: readonly string[],
  secret: (name: string) => string | undefined,
): AwsRegion[] {
  const known = provider.regions.flatMap(({ id, native }) => (native ? [{ id, native }] : []));
  const find = (name: string) => known.find(({ id, native }) => id === name || native === name);
  if (configured.length > 0) {
    const found = configured.map((name) => {
      const region = find(name);
      if (region !== undefined) return region;
      const names = known.map(({ id, native }) => `${id} (${native})`).join(", ");
      throw new ConfigError(
        `Cannot use the region "${name}" for the provider "${provider.id}": known are ${names}`,
      );
    });
    return [...new Set(found)];
  }
  // Set for other tools as well: a region that the catalogue lacks is no mistake there.
  const ambient = secret("AWS_REGION") ?? secret("AWS_DEFAULT_REGION");
  const region = ambient === undefined ? undefined : find(ambient);
  return region ? [region] : [];
}
