import { readFileSync } from "node:fs";
import { join } from "node:path";
import { containerKeys, instanceKeys } from "#src/provider/aws-metadata.ts";
import { webIdentityKeys } from "#src/provider/aws-web-identity.ts";
import { type Credential, credentialOf } from "#src/provider/credential.ts";
import { Lent } from "#src/provider/lent.ts";
import { firstSecret, type Site } from "#src/provider/site.ts";
import type { AwsKey } from "#src/provider/sigv4.ts";

/** What a credential is looked for in. */
export type AwsSettings = Pick<Site, "secret" | "keyNames" | "clock">;

/**
 * The credential of the environment, the Bedrock key first, then in the order of AWS's own SDKs: a key pair, the
 * profile, web identity, the container's role, the instance's role. Roles are asked for by the first request.
 * The instance is asked only where `isNamed`: the operator named a region. Undefined where there is none.
 */
export function awsCredential(settings: AwsSettings, isNamed: boolean): Credential | undefined {
  const { secret, keyNames, clock } = settings;
  const bearer = firstSecret(keyNames, secret);
  if (bearer !== undefined)
    return credentialOf({ kind: "key", key: bearer.value }, clock, bearer.name);
  const half = secret("AWS_ACCESS_KEY_ID") ?? secret("AWS_SECRET_ACCESS_KEY");
  const key = variableKey(secret) ?? (half === undefined ? profileKey(secret) : undefined);
  if (key !== undefined) return credentialOf({ kind: "aws", ...key }, clock, "AWS_ACCESS_KEY_ID");
  // Half a pair proves nothing, and nobody who set it means another credential.
  if (half !== undefined) return undefined;
  const fetch =
    webIdentityKeys(settings) ??
    containerKeys(settings) ??
    (isNamed ? instanceKeys(settings) : undefined);
  return fetch && { kind: "aws", keys: new Lent(fetch, clock), clock };
}

function variableKey(secret: AwsSettings["secret"]): AwsKey | undefined {
  return keyOf((name) => secret(name.toUpperCase()));
}

/** The key pair of a profile in the credentials file; undefined without one, for the file is other tools' as well. */
function profileKey(secret: AwsSettings["secret"]): AwsKey | undefined {
  const home = secret("HOME") ?? secret("USERPROFILE");
  const path = secret("AWS_SHARED_CREDENTIALS_FILE") ?? (home && join(home, ".aws", "credentials"));
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined; // Most machines have no such file.
  }
  const profile = profileOf(text, secret("AWS_PROFILE") ?? "default");
  return keyOf((name) => profile.get(name));
}

/** Members of one profile, by lower-case name. */
export function profileOf(text: string, name: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let isHere = false;
  for (const line of text.split(/\r?\n/)) {
    const title = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1];
    if (title !== undefined) {
      isHere = title === name;
      continue;
    }
    // An indented line continues the member above, and none of a key pair is so long.
    const member = /^([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (isHere && member?.[1] !== undefined)
      members.set(member[1].toLowerCase(), withoutComment(member[2] ?? ""));
  }
  return members;
}

/** A comment behind a value begins with a space. */
function withoutComment(value: string): string {
  return value.replace(/\s+[#;].*$/, "");
}

function keyOf(read: (name: string) => string | undefined): AwsKey | undefined {
  const accessKeyId = read("aws_access_key_id");
  const secretAccessKey = read("aws_secret_access_key");
  if (!accessKeyId || !secretAccessKey) return undefined;
  const sessionToken = read("aws_session_token");
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
