import type { Provider } from "#src/catalog/model.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Deployment, Signer } from "#src/provider/deployment.ts";
import { type GoogleToken, googleTokens, readServiceAccount } from "#src/provider/google-token.ts";
import type { Source } from "#src/provider/lent.ts";
import { type AwsKey, signV4 } from "#src/provider/sigv4.ts";

/** Secret fields by kind, wherever they are kept. */
export type SecretFields =
  | { kind: "key"; key: string }
  | ({ kind: "aws" } & AwsKey)
  /** The JSON text of a service account. */
  | { kind: "google"; json: string };

/** What proves requests to a provider; its deployments share one, and the tokens that it keeps. */
export type Credential =
  | { kind: "key"; key: string }
  | { kind: "aws"; keys: Source<AwsKey>; clock: Clock }
  | { kind: "google"; tokens: Source<GoogleToken> };

/**
 * A credential from its secret fields. `from` says where they stand, for errors. Throws ConfigError for fields
 * that cannot be used. A service account names the server of its tokens: one that a stranger gives has to be
 * checked to name Google's.
 */
export function credentialOf(fields: SecretFields, clock: Clock, from: string): Credential {
  if (fields.kind === "key") return fields;
  if (fields.kind === "google")
    return { kind: "google", tokens: googleTokens(readServiceAccount(fields.json, from), clock) };
  const { kind, ...key } = fields;
  return { kind, keys: { get: () => key }, clock };
}

/** What a deployment carries for a credential. `native` is the provider's own name of the region, which AWS signs. */
export function proofOf(
  provider: Provider,
  credential: Credential | undefined,
  native = "",
): Pick<Deployment, "headers" | "signer"> {
  const { auth } = provider;
  const headers = auth.type === "header" ? { ...auth.extra } : {};
  if (credential === undefined) return { headers };
  if (credential.kind === "google") return { headers, signer: tokenBearer(credential.tokens) };
  if (credential.kind === "aws")
    return { headers, signer: bedrockSigner(credential.keys, native, credential.clock) };
  if (auth.type === "header")
    headers[auth.header] = auth.format.replace("{key}", () => credential.key);
  else if (auth.type !== "none") headers.authorization = `Bearer ${credential.key}`;
  return { headers };
}

/** Sends a token of Google's; one that is refused is forgotten. */
function tokenBearer(tokens: Source<GoogleToken>): Signer {
  const carried = ({ accessToken }: GoogleToken) => ({ authorization: `Bearer ${accessToken}` });
  let last: GoogleToken | undefined;
  const use = (token: GoogleToken) => {
    last = token;
    return carried(token);
  };
  return {
    sign() {
      const token = tokens.get();
      return token instanceof Promise ? token.then(use) : use(token);
    },
    answered({ status }, { authorization }) {
      if (status !== 401 || last === undefined) return;
      // A token that came since then was not refused.
      if (carried(last).authorization === authorization) tokens.drop?.(last);
    },
  };
}

/** Answers of AWS to a key that it does not take any more. */
const staleKey = /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId)/;

/** Signs each request to a Bedrock runtime for the region it goes to, named as AWS names it. */
function bedrockSigner(keys: Source<AwsKey>, region: string, clock: Clock): Signer {
  let last: AwsKey | undefined;
  return {
    sign({ method, host, path, headers, body }) {
      const type = headers["content-type"];
      const covered: Record<string, string> = type === undefined ? {} : { "content-type": type };
      const parts = { method, host, path, body, headers: covered };
      const by = (key: AwsKey) => {
        last = key;
        return signV4(parts, key, { region, service: "bedrock", now: clock.now() });
      };
      const key = keys.get();
      return key instanceof Promise ? key.then(by) : by(key);
    },
    answered(head, { authorization = "" }) {
      if (head.status !== 403 || last === undefined) return;
      if (!staleKey.test(head.header("x-amzn-errortype") ?? "")) return;
      if (authorization.includes(`Credential=${last.accessKeyId}/`)) keys.drop?.(last);
    },
  };
}
