import * as v from "valibot";
import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import { AppError } from "#src/lib/error.ts";
import type { SecretFields } from "#src/provider/credential.ts";
import { readServiceAccount } from "#src/provider/google-token.ts";
import { suits } from "#src/provider/stored-places.ts";

/** A secret as it was given, with what stood beside it. */
export interface ReadSecret {
  secret: SecretFields;
  region?: string | undefined;
  baseUrl?: string | undefined;
  deployment?: string | undefined;
}

/** Bytes that a secret may have. */
const longest = 8192;
const text = v.pipe(v.string(), v.minLength(1));

/** What Amazon calls its fields, in both spellings. */
const awsFields = v.looseObject({
  access_key_id: v.optional(text),
  accessKeyId: v.optional(text),
  secret_access_key: v.optional(text),
  secretAccessKey: v.optional(text),
  session_token: v.optional(text),
  sessionToken: v.optional(text),
  region: v.optional(text),
});
const keyFields = v.looseObject({
  key: v.optional(text),
  api_key: v.optional(text),
  endpoint: v.optional(text),
  endpoint_url: v.optional(text),
  deployment: v.optional(text),
  region: v.optional(text),
});

/**
 * A secret in the form that its provider gives out: an API key; a key pair of AWS; a service account's JSON; an Azure
 * key with endpoint and deployment. As an object, or as its text. Throws `invalid_value`, which quotes nothing of it.
 */
export function readSecret(provider: Provider, given: unknown): ReadSecret {
  const size = Buffer.byteLength(typeof given === "string" ? given : (JSON.stringify(given) ?? ""));
  if (size > longest) throw unusable(provider, `it is longer than ${longest} bytes`);
  const read =
    typeof given === "string" ? fromText(provider, given.trim()) : fields(provider, given);
  if (!suits(provider, read.secret)) throw unusable(provider, "it is a credential of another kind");
  return read;
}

/** Whether a service account's tokens come from Google itself: any other server would be one that a stranger names. */
export function isGoogles(secret: SecretFields): boolean {
  if (secret.kind !== "google") return true;
  const { tokenUri } = readServiceAccount(secret.json, "key");
  const url = URL.parse(tokenUri);
  const hosts = ["oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"];
  return url?.protocol === "https:" && url.port === "" && hosts.includes(url.hostname);
}

function fromText(provider: Provider, given: string): ReadSecret {
  if (given.startsWith("{")) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(given);
    } catch {
      // The parser's own words would quote it.
      throw unusable(provider, "it begins like JSON and is none");
    }
    return fields(provider, parsed);
  }
  return { secret: { kind: "key", key: plain(provider, given) } };
}

function fields(provider: Provider, given: unknown): ReadSecret {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw unusable(provider, "it is neither text nor an object");
  if ("private_key" in given || ("type" in given && given.type === "service_account"))
    return { secret: serviceAccount(JSON.stringify(given)) };
  const aws = v.safeParse(awsFields, given);
  const id = aws.success ? (aws.output.access_key_id ?? aws.output.accessKeyId) : undefined;
  if (aws.success && id !== undefined) {
    const { secret_access_key, secretAccessKey, session_token, sessionToken, region } = aws.output;
    const secret = secret_access_key ?? secretAccessKey;
    if (secret === undefined) throw unusable(provider, "it has no secret_access_key");
    const token = session_token ?? sessionToken;
    return {
      secret: {
        kind: "aws",
        accessKeyId: plain(provider, id),
        secretAccessKey: plain(provider, secret),
        ...(token === undefined ? {} : { sessionToken: plain(provider, token) }),
      },
      region,
    };
  }
  const own = v.safeParse(keyFields, given);
  const key = own.success ? (own.output.key ?? own.output.api_key) : undefined;
  if (!own.success || key === undefined) throw unusable(provider, 'it has no member "key"');
  const { endpoint, endpoint_url, deployment, region } = own.output;
  const baseUrl = endpoint ?? endpoint_url;
  return { secret: { kind: "key", key: plain(provider, key) }, baseUrl, deployment, region };
}

function serviceAccount(json: string): SecretFields {
  try {
    readServiceAccount(json, "key");
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    throw new AppError("invalid_value", thrown.message, { param: "key" });
  }
  return { kind: "google", json };
}

/** What may stand in a header. */
function plain(provider: Provider, given: string): string {
  const key = given.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw unusable(provider, "it is empty, or holds what no key holds");
}

function unusable({ id, auth }: Provider, why: string): AppError {
  const needed =
    auth.type === "oauth2"
      ? "the JSON key of a service account"
      : auth.type === "sigv4"
        ? "an API key of Bedrock, or access_key_id and secret_access_key"
        : "its API key";
  return new AppError("invalid_value", `Cannot use this key for ${id}: ${why}; give ${needed}`, {
    param: "key",
  });
}
