import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import * as v from "valibot";
import { ConfigError } from "#src/config/error.ts";
import { boundedText } from "#src/lib/bounded-text.ts";
import type { Clock } from "#src/lib/clock.ts";
import { Lent, NoCredential } from "#src/provider/lent.ts";

/** A service account of Google Cloud, as its JSON file tells it. */
export interface ServiceAccount {
  email: string;
  key: KeyObject;
  keyId: string | undefined;
  project: string | undefined;
  /** Where its tokens are given out. */
  tokenUri: string;
  /** The variable or file that it was read from. */
  from: string;
}

/** A token for requests, until it ends. */
export interface GoogleToken {
  accessToken: string;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
}

const accountFile = v.looseObject({
  type: v.literal("service_account"),
  client_email: v.pipe(v.string(), v.minLength(1)),
  private_key: v.pipe(v.string(), v.minLength(1)),
  private_key_id: v.optional(v.string()),
  project_id: v.optional(v.string()),
  token_uri: v.optional(
    v.pipe(v.string(), v.regex(/^https?:\/\//), v.url()),
    "https://oauth2.googleapis.com/token",
  ),
});

const tokenAnswer = v.looseObject({
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/)),
  expires_in: v.pipe(v.number(), v.minValue(1)),
});

const scope = "https://www.googleapis.com/auth/cloud-platform";
const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** Seconds that Google accepts an assertion for, at most. */
const assertionSeconds = 3600;
const answerMs = 10_000;
const maxBytes = 65_536;

/** A service account from its JSON. Throws ConfigError, which says what is wrong and quotes nothing of it. */
export function readServiceAccount(json: string, from: string): ServiceAccount {
  const account = v.safeParse(accountFile, parsed(json, from));
  if (!account.success) {
    const [issue] = account.issues;
    const member = v.getDotPath(issue) ?? "type";
    throw unusable(from, `its "${member}" is missing or not what a service account has`);
  }
  const { client_email, private_key, private_key_id, project_id, token_uri } = account.output;
  return {
    email: client_email,
    key: rsaKey(private_key, from),
    keyId: private_key_id,
    project: project_id,
    tokenUri: token_uri,
    from,
  };
}

function parsed(json: string, from: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The reason would quote the text.
    throw unusable(from, "it is no JSON");
  }
}

function rsaKey(pem: string, from: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    key = undefined; // The reason would be the parser's own and help nobody.
  }
  if (key?.asymmetricKeyType === "rsa") return key;
  throw unusable(from, 'its "private_key" is no RSA key in PEM');
}

function unusable(from: string, why: string): ConfigError {
  return new ConfigError(
    `Cannot use the Google credential of ${from}: ${why}. Give the JSON key of a service account, or set enabled = false in [providers.vertex]`,
  );
}

/** Tokens of a service account for Google Cloud. A request for one throws NoCredential. */
export function googleTokens(account: ServiceAccount, clock: Clock): Lent<GoogleToken> {
  return new Lent(() => fetchToken(account, clock), clock);
}

/** Asks with a signed assertion. Source: https://developers.google.com/identity/protocols/oauth2/service-account */
async function fetchToken(account: ServiceAccount, clock: Clock): Promise<GoogleToken> {
  const askedAt = clock.now();
  const response = await answered(account, await assertionOf(account, askedAt));
  const told = await toldBy(response);
  const answer = v.safeParse(tokenAnswer, told);
  if (!response.ok || !answer.success) throw refused(account, response.status, told);
  const { access_token: accessToken, expires_in: seconds } = answer.output;
  return { accessToken, expiresAt: askedAt + seconds * 1000 };
}

/** What was answered; undefined where it is no JSON, or far too long. */
async function toldBy(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await boundedText(response, maxBytes));
  } catch {
    return undefined; // Told by its status: the reason would quote it.
  }
}

function assertionOf(
  { email, key, keyId, tokenUri }: ServiceAccount,
  now: number,
): Promise<string> {
  const seconds = Math.floor(now / 1000);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId ? { kid: keyId } : {}) })
    .setIssuer(email)
    .setAudience(tokenUri)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + assertionSeconds)
    .sign(key);
}

async function answered({ tokenUri, from }: ServiceAccount, assertion: string): Promise<Response> {
  try {
    return await fetch(tokenUri, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: grant, assertion }).toString(),
      // A redirect could carry the assertion to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(answerMs),
    });
  } catch (cause) {
    throw new NoCredential(
      `Cannot get a token for vertex: its token server does not answer. Check the network, and "token_uri" of ${from}`,
      { cause },
    );
  }
}

const errorAnswer = v.looseObject({ error: v.pipe(v.string(), v.regex(/^[a-z_]{1,40}$/)) });

function refused({ from }: ServiceAccount, status: number, told: unknown): NoCredential {
  const error = v.safeParse(errorAnswer, told);
  const why = error.success ? `${status} ${error.output.error}` : String(status);
  return new NoCredential(
    `Cannot get a token for vertex: its token server answered ${why}. Check that the service account of ${from} is enabled, that its key was not deleted and that this machine's clock is right`,
  );
}
