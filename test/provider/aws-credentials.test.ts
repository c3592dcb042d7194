import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "#src/config/error.ts";
import { awsCredential } from "#src/provider/aws-credentials.ts";
import { NoCredential } from "#src/provider/lent.ts";
import type { AwsKey } from "#src/provider/sigv4.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const pair = { AWS_ACCESS_KEY_ID: "AKIDVARIABLE", AWS_SECRET_ACCESS_KEY: "secret" };
const hour = 3_600_000;

let clock: FakeClock;
let folder: ReturnType<typeof temporaryFolder>;
/** A metadata service, a container's agent and a token service in one: method and path to an answer. */
let server: ReturnType<typeof Bun.serve>;
let asked: string[];
let answers: Record<string, (request: Request) => Response | Promise<Response>>;
let root: string;

beforeEach(() => {
  clock = createFakeClock();
  folder = temporaryFolder();
  asked = [];
  answers = {
    "PUT /latest/api/token": ({ headers }) =>
      headers.get("x-aws-ec2-metadata-token-ttl-seconds") === "21600"
        ? new Response("session-1")
        : new Response(null, { status: 400 }),
    [`GET ${roles}`]: withSession(() => new Response("gateway-role\n")),
    [`GET ${roles}gateway-role`]: withSession(() => lent("INSTANCE")),
    "GET /agent": ({ headers }) =>
      headers.get("authorization") === "agent-token"
        ? lent("CONTAINER")
        : new Response(null, { status: 401 }),
  };
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const name = `${request.method} ${new URL(request.url).pathname}`;
      asked.push(name);
      return answers[name]?.(request) ?? new Response(null, { status: 404 });
    },
  });
  root = `http://127.0.0.1:${server.port}`;
});
afterEach(async () => {
  await server.stop(true);
  folder[Symbol.dispose]();
});

const roles = "/latest/meta-data/iam/security-credentials/";
const withSession = (answer: () => Response) => (request: Request) =>
  request.headers.get("x-aws-ec2-metadata-token") === "session-1"
    ? answer()
    : new Response(null, { status: 401 });
const lent = (who: string) =>
  Response.json({
    Code: "Success",
    AccessKeyId: `ASIA${who}${asked.length}`,
    SecretAccessKey: "lent-secret",
    Token: "lent-token",
    Expiration: new Date(clock.now() + 6 * hour).toISOString(),
  });
const instance = () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: root });

function file(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}
function credentialOf(environment: Record<string, string>, isNamed = true) {
  const secret = (name: string) => environment[name];
  return awsCredential({ secret, keyNames: ["AWS_BEARER_TOKEN_BEDROCK"], clock }, isNamed);
}
function keys(environment: Record<string, string>) {
  const credential = credentialOf(environment);
  if (credential?.kind !== "aws") throw new Error("no key of AWS");
  return credential.keys;
}
const idOf = async (environment: Record<string, string>) =>
  (await keys(environment).get()).accessKeyId;

describe("the credential of AWS", () => {
  test("is the Bedrock key, else the first that AWS's own order finds", async () => {
    const identity = file("token", "web-token");
    answers["POST /"] = () => new Response(assumed);
    const found = {
      ...instance(),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${root}/agent`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "agent-token",
      AWS_ROLE_ARN: "arn:aws:iam::1:role/r",
      AWS_WEB_IDENTITY_TOKEN_FILE: identity,
      AWS_ENDPOINT_URL_STS: root,
      AWS_SHARED_CREDENTIALS_FILE: file(
        "credentials",
        "[default]\naws_access_key_id=AKIDFILE\naws_secret_access_key=s",
      ),
      ...pair,
      AWS_BEARER_TOKEN_BEDROCK: "bedrock-key",
    };
    expect(credentialOf(found)).toEqual({ kind: "key", key: "bedrock-key" });
    const { AWS_BEARER_TOKEN_BEDROCK: _, ...variables } = found;
    expect(await idOf(variables)).toBe("AKIDVARIABLE");
    const { AWS_ACCESS_KEY_ID: _a, AWS_SECRET_ACCESS_KEY: _b, ...profile } = variables;
    expect(await idOf(profile)).toBe("AKIDFILE");
    const { AWS_SHARED_CREDENTIALS_FILE: _c, ...web } = profile;
    expect(await idOf(web)).toBe("ASIAWEB");
    const { AWS_ROLE_ARN: _d, ...container } = web;
    expect(await idOf(container)).toStartWith("ASIACONTAINER");
    expect(await idOf(instance())).toStartWith("ASIAINSTANCE");
  });

  test("is none of an instance where nobody named a region, or its metadata is turned off", () => {
    expect(credentialOf(instance(), false)).toBeUndefined();
    expect(credentialOf({ ...instance(), AWS_EC2_METADATA_DISABLED: "True" })).toBeUndefined();
    expect(credentialOf({ ...instance(), AWS_ACCESS_KEY_ID: "half" })).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

describe("the role of an instance", () => {
  test("is asked for by the first request alone, in a session, and by one for all that wait", async () => {
    const source = keys(instance());
    expect(asked).toEqual([]);
    const [first, second] = await Promise.all([source.get(), source.get()]);
    expect(first).toEqual(second ?? first);
    expect(first).toMatchObject({ secretAccessKey: "lent-secret", sessionToken: "lent-token" });
    expect(asked).toEqual(["PUT /latest/api/token", `GET ${roles}`, `GET ${roles}gateway-role`]);
    clock.advance(5 * hour);
    expect(source.get()).toBe(first);
  });

  test("lends a new key before the old one ends", async () => {
    const source = keys(instance());
    const first = await source.get();
    clock.advance(6 * hour - 60_000);
    expect(source.get()).toBe(first);
    for (let turn = 0; turn < 2000 && source.get() === first; turn++) await Bun.sleep(1);
    expect(source.get()).not.toBe(first);
    expect(asked.length).toBe(6);
    clock.advance(6 * hour);
    const third: AwsKey | Promise<AwsKey> = source.get();
    expect(third).toBeInstanceOf(Promise);
    await third;
    expect(asked.length).toBe(9);
  });

  test.each([
    ["answers nothing of use", () => new Response("SECRET <html>"), "the answer holds no key"],
    ["has no role", () => new Response(null, { status: 404 }), "answered 404"],
    [
      "lends no key",
      () => Response.json({ Code: "AssumeRoleUnauthorizedAccess", Message: "SECRET" }),
      "the answer holds no key",
    ],
  ])("that %s is told without what it said", async (_, answer, expected) => {
    answers[`GET ${roles}gateway-role`] = answer;
    const thrown = await caught(keys(instance()).get());
    expect(thrown).toContain("Cannot get a key of AWS for bedrock: ");
    expect(thrown).toContain(expected);
    expect(thrown).not.toContain("SECRET");
  });

  test("that does not answer is given up within seconds, and is not asked again at once", async () => {
    answers["PUT /latest/api/token"] = () => new Promise(() => {});
    const source = keys(instance());
    const started = performance.now();
    expect(await caught(source.get())).toContain("the instance's metadata does not answer");
    expect(performance.now() - started).toBeLessThan(3000);
    await caught(source.get());
    expect(asked.length).toBe(1);
  });
});

describe("the role of a container", () => {
  test("is asked for with the token of a file, read anew", async () => {
    const path = file("agent", "agent-token\n");
    const source = keys({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${root}/agent`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path,
    });
    expect((await source.get()).accessKeyId).toStartWith("ASIACONTAINER");
    writeFileSync(path, "other");
    clock.advance(6 * hour);
    expect(await caught(source.get())).toContain("answered 401");
  });

  test("is not asked for at a stranger's address in the clear", () => {
    for (const uri of ["http://10.0.0.1/x", "http://example.com/", "ftp://127.0.0.1/", "nothing"]) {
      const read = () => credentialOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri });
      expect(read).toThrow(ConfigError);
    }
    const agent = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" };
    expect(credentialOf(agent)?.kind).toBe("aws");
    expect(credentialOf({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/x" })?.kind).toBe("aws");
  });
});

const assumed = `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>web-secret</SecretAccessKey><SessionToken>web+token/=</SessionToken>
<Expiration>2026-01-15T12:30:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;

test("a role is taken by the token that a cluster put into a file", async () => {
  let form = new URLSearchParams();
  answers["POST /"] = async (request) => {
    form = new URLSearchParams(await request.text());
    return new Response(assumed);
  };
  const source = keys({
    AWS_ROLE_ARN: "arn:aws:iam::1:role/r",
    AWS_WEB_IDENTITY_TOKEN_FILE: file("token", "web-token\n"),
    AWS_ENDPOINT_URL_STS: root,
  });
  expect(await source.get()).toMatchObject({
    accessKeyId: "ASIAWEB",
    secretAccessKey: "web-secret",
    sessionToken: "web+token/=",
    expiresAt: Date.UTC(2026, 0, 15, 12, 30),
  });
  expect(Object.fromEntries(form)).toEqual({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::1:role/r",
    RoleSessionName: "lowrouter",
    WebIdentityToken: "web-token",
  });
});

describe("the credentials file", () => {
  const text = [
    "# a comment",
    "[default]",
    "aws_access_key_id = AKIDDEFAULT",
    "aws_secret_access_key = a/b+c=#d # for tests",
    "[ other ]",
    "AWS_ACCESS_KEY_ID=AKIDOTHER",
    "aws_secret_access_key=s",
    "aws_session_token = t",
    "s3 =",
    "  aws_access_key_id = nested",
    "[role]",
    "role_arn = arn:aws:iam::1:role/r",
  ].join("\r\n");
  const of = (extra: Record<string, string> = {}) => {
    const credential = credentialOf(
      { AWS_SHARED_CREDENTIALS_FILE: file("credentials", text), ...extra },
      false,
    );
    return credential?.kind === "aws" ? credential.keys.get() : credential;
  };

  test("gives the key pair of the profile that is named, else of the default one", () => {
    expect(of()).toEqual({ accessKeyId: "AKIDDEFAULT", secretAccessKey: "a/b+c=#d" });
    expect(of({ AWS_PROFILE: "other" })).toEqual({
      accessKeyId: "AKIDOTHER",
      secretAccessKey: "s",
      sessionToken: "t",
    });
  });

  test("gives nothing for a profile without a pair, or without a file", () => {
    expect(of({ AWS_PROFILE: "role" })).toBeUndefined();
    expect(of({ AWS_PROFILE: "absent" })).toBeUndefined();
    expect(of({ AWS_SHARED_CREDENTIALS_FILE: "/nowhere" })).toBeUndefined();
  });

  test("is looked for at home", () => {
    mkdirSync(join(folder.path, ".aws"));
    file(".aws/credentials", text);
    const credential = credentialOf({ HOME: folder.path }, false);
    expect(credential?.kind === "aws" && credential.keys.get()).toMatchObject({
      accessKeyId: "AKIDDEFAULT",
    });
  });
});

/** Message of a NoCredential. */
async function caught(given: unknown): Promise<string> {
  try {
    await given;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(NoCredential);
    return thrown instanceof Error ? thrown.message : "";
  }
  throw new Error("A key came");
}
