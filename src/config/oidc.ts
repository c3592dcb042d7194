import { ConfigError } from "#src/config/error.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** An OpenID provider that people may sign in with. */
export interface OidcProvider {
  /** Part of the address that it sends browsers back to: /login/api/callback/ID */
  id: string;
  /** As people know it. */
  name: string;
  /** Its address, where /.well-known/openid-configuration is found. */
  issuer: string;
  clientId: string;
  /** Absent for a client that has none. */
  clientSecret: string | undefined;
  /** The variable or credential file that it is from. */
  clientSecretEnv?: string | undefined;
}

/** The OpenID providers of a configuration. Throws ConfigError where a secret that is named is not there. */
export function oidcOf(
  file: FileConfig["oidc"],
  secret: (name: string) => string | undefined,
): OidcProvider[] {
  return Object.entries(file ?? {}).map(([id, one]) => {
    const clientSecret =
      one.client_secret_env === undefined ? undefined : secret(one.client_secret_env);
    if (one.client_secret_env !== undefined && clientSecret === undefined)
      throw new ConfigError(
        `Cannot use oidc.${id}: ${one.client_secret_env} is not set. Set it to the client's secret, or remove client_secret_env`,
      );
    return {
      id,
      name: one.name ?? id,
      issuer: one.issuer.replace(/\/$/, ""),
      clientId: one.client_id,
      clientSecret,
      clientSecretEnv: one.client_secret_env,
    };
  });
}
