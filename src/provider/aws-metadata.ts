import { readFileSync } from "node:fs";
import * as v from "valibot";
import { ConfigError } from "#src/config/error.ts";
import type { AwsSettings } from "#src/provider/aws-credentials.ts";
import { askLocally } from "#src/provider/local-call.ts";
import { NoCredential } from "#src/provider/lent.ts";
import type { AwsKey } from "#src/provider/sigv4.ts";

/** A key that is lent for a time. */
export interface LentAwsKey extends AwsKey {
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
}

/** Gets such a key. Throws NoCredential. */
export type FetchAwsKey = () => Promise<LentAwsKey>;

const lentKey = v.looseObject({
  AccessKeyId: v.pipe(v.string(), v.minLength(1)),
  SecretAccessKey: v.pipe(v.string(), v.minLength(1)),
  Token: v.optional(v.string()),
  Expiration: v.pipe(
    v.string(),
    v.transform((text) => Date.parse(text)),
    v.finite(),
  ),
});

/** A container's answers, and an instance's, are here at once or not at all. */
const answerMs = 1_000;
/** Seconds that a session with the instance's metadata lasts: the longest. */
const sessionSeconds = "21600";

/**
 * Keys of the instance's role, by the second version of its metadata service; undefined where that is turned off.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 */
export function instanceKeys({ secret }: AwsSettings): FetchAwsKey | undefined {
  if (secret("AWS_EC2_METADATA_DISABLED")?.toLowerCase() === "true") return undefined;
  const root = secret("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254";
  const base = addressOf(root, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  const ask = (path: string, method: string, headers: Record<string, string>) =>
    answerOf(new URL(path, base), method, headers, "the instance's metadata");
  return async () => {
    const session = await ask("/latest/api/token", "PUT", {
      "x-aws-ec2-metadata-token-ttl-seconds": sessionSeconds,
    });
    const headers = { "x-aws-ec2-metadata-token": session.trim() };
    const roles = "/latest/meta-data/iam/security-credentials/";
    const [role = ""] = (await ask(roles, "GET", headers)).trim().split("\n");
    if (role === "") throw failed("the instance has no role", "give its profile a role");
    return readKey(await ask(roles + encodeURIComponent(role.trim()), "GET", headers));
  };
}

/** Hosts besides loopback that may hear a container's token in the clear: the agents of ECS and EKS. */
const agents = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]);

/**
 * Keys of the container's role; undefined where no variable names its address. Throws ConfigError for another
 * than an agent's. Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export function containerKeys({ secret }: AwsSettings): FetchAwsKey | undefined {
  const relative = secret("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = secret("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative === undefined && full === undefined) return undefined;
  const name = `AWS_CONTAINER_CREDENTIALS_${relative === undefined ? "FULL" : "RELATIVE"}_URI`;
  const url = addressOf(
    relative === undefined ? (full ?? "") : `http://169.254.170.2${relative}`,
    name,
  );
  const isLoopback = /^(127(\.\d+){3}|localhost|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !isLoopback && !agents.has(url.hostname))
    throw new ConfigError(
      `Cannot use ${name}: without TLS, only loopback and the agents of ECS and EKS may be asked for a credential`,
    );
  return async () => {
    const token = containerToken(secret);
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
    return readKey(await answerOf(url, "GET", headers, "the container's credential agent"));
  };
}

/** The token's file is read every time: its agent replaces it. */
function containerToken(secret: AwsSettings["secret"]): string | undefined {
  const path = secret("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (path === undefined) return secret("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw failed(
      "its token's file cannot be read",
      "look at AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
      cause,
    );
  }
}

function addressOf(text: string, name: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new ConfigError(`Cannot use ${name}: it is no http address`);
}

async function answerOf(
  url: URL,
  method: string,
  headers: Record<string, string>,
  who: string,
): Promise<string> {
  const answer = await askLocally(url, { method, headers, limitMs: answerMs }).catch(
    (cause: unknown) => {
      throw failed(
        `${who} does not answer`,
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK, where there is no role",
        cause,
      );
    },
  );
  if (answer.status === 200) return answer.text;
  throw failed(`${who} answered ${answer.status}`, "look at the role that it has");
}

function readKey(text: string): LentAwsKey {
  const key = v.safeParse(lentKey, parsed(text));
  if (!key.success) throw failed("the answer holds no key", "look at the role and its trust");
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = key.output;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(Token ? { sessionToken: Token } : {}),
    expiresAt: Expiration,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Said as an answer without a key: the reason would quote it.
  }
}

/** The error of a key that could not be had. */
export function failed(why: string, what: string, cause?: unknown): NoCredential {
  return new NoCredential(`Cannot get a key of AWS for bedrock: ${why}. Please ${what}`, { cause });
}
