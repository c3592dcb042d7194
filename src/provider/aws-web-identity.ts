import { readFileSync } from "node:fs";
import { boundedText } from "#src/lib/bounded-text.ts";
import type { AwsSettings } from "#src/provider/aws-credentials.ts";
import { failed, type FetchAwsKey } from "#src/provider/aws-metadata.ts";

const answerMs = 10_000;
const maxBytes = 65_536;

/**
 * Keys of a role that a token in a file stands for, as in clusters of EKS; undefined where no variable names it.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export function webIdentityKeys({ secret }: AwsSettings): FetchAwsKey | undefined {
  const role = secret("AWS_ROLE_ARN");
  const file = secret("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (role === undefined || file === undefined) return undefined;
  const region = secret("AWS_REGION") ?? secret("AWS_DEFAULT_REGION") ?? "us-east-1";
  const url = secret("AWS_ENDPOINT_URL_STS") ?? `https://sts.${region}.amazonaws.com`;
  const name = secret("AWS_ROLE_SESSION_NAME") ?? "lowrouter";
  return async () => {
    const body = new URLSearchParams({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: name,
      // Read every time: the cluster replaces it.
      WebIdentityToken: tokenOf(file),
    });
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: body.toString(),
      redirect: "manual",
      signal: AbortSignal.timeout(answerMs),
    }).catch((cause: unknown) => {
      throw failed("the token service (STS) does not answer", "check the network", cause);
    });
    const text = await boundedText(answer, maxBytes).catch((cause: unknown) => {
      throw failed("the token service (STS) gives no whole answer", "check the network", cause);
    });
    // The only elements of these names are those of the key.
    const read = (element: string) =>
      new RegExp(`<${element}>([^<]+)</${element}>`).exec(text)?.[1];
    const accessKeyId = read("AccessKeyId");
    const secretAccessKey = read("SecretAccessKey");
    const sessionToken = read("SessionToken");
    const expiresAt = Date.parse(read("Expiration") ?? "");
    if (!accessKeyId || !secretAccessKey || !sessionToken || !Number.isFinite(expiresAt))
      throw failed(
        `the token service (STS) answered ${answer.status} without a key`,
        "check AWS_ROLE_ARN and the role's trust",
      );
    return { accessKeyId, secretAccessKey, sessionToken, expiresAt };
  };
}

function tokenOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw failed(
      "the web identity's file cannot be read",
      "look at AWS_WEB_IDENTITY_TOKEN_FILE",
      cause,
    );
  }
}
