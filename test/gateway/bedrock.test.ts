import { createHash, createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { eventFrame, exceptionFrame, framed } from "#test/dialect/bedrock/bedrock-frames.ts";
import { byteByByte, fixture } from "#test/dialect/upstream-kit.ts";
import {
  at,
  eventsOf,
  listAt,
  refusal,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const key = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret/of+AWS" };

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let received: { path: string; headers: Headers; body: string; signature: string | undefined }[];
let answer: () => Response;
beforeEach(() => {
  received = [];
  upstream = scriptedUpstream(async (request) => {
    const body = await request.text();
    const { pathname } = new URL(request.url);
    const signature = expectedSignature(request, body, key.AWS_SECRET_ACCESS_KEY);
    received.push({ path: pathname, headers: request.headers, body, signature });
    return answer();
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function start(environment: Record<string, string>): Promise<void> {
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => environment[name];
      config.providers = { bedrock: { base_url: upstream.url } };
    },
  });
}
const signing = { ...key, BEDROCK_REGION: "eu-central-1" };
const nova = { model: "amazon/nova-pro" };
const json = (bytes: Uint8Array | string) =>
  new Response(bytes, { headers: { "content-type": "application/json" } });
const binary = { headers: { "content-type": "application/vnd.amazon.eventstream" } };
const said = (text: string) =>
  json(
    JSON.stringify({
      output: { message: { role: "assistant", content: [{ text }] } },
      stopReason: "end_turn",
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, cacheReadInputTokens: 2 },
    }),
  );

/** The signature that AWS would expect on a request, made from what arrived. */
function expectedSignature(request: Request, body: string, secret: string): string | undefined {
  const authorization = request.headers.get("authorization") ?? "";
  const [, scope, names] =
    /Credential=[^/]+\/(\S+), SignedHeaders=([^,]+),/.exec(authorization) ?? [];
  if (scope === undefined || names === undefined) return undefined;
  const path = new URL(request.url).pathname.split("/").map(encodeURIComponent).join("/");
  const headers = names.split(";").map((name) => `${name}:${request.headers.get(name)}\n`);
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [request.method, path, "", headers.join(""), names, hash(body)].join("\n");
  const date = request.headers.get("x-amz-date");
  const text = ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n");
  let step: string | Buffer = `AWS4${secret}`;
  for (const part of scope.split("/")) step = createHmac("sha256", step).update(part).digest();
  return createHmac("sha256", step).update(text).digest("hex");
}

test("a chat request reaches Converse signed, and its answer comes back priced and recorded", async () => {
  await start(signing);
  answer = () => said("Grüße");
  const reply = await gateway.chat({
    ...nova,
    messages: [{ role: "user", content: "Grüß dich 🌦" }],
    max_tokens: 50,
  });
  expect(reply.status).toBe(200);
  expect(at(reply.json, "choices.0.message.content")).toBe("Grüße");
  expect(at(reply.json, "usage.prompt_tokens")).toBe(12);
  expect(at(reply.json, "lowrouter.region")).toBe("eu-central");
  const [sent] = received;
  expect(sent?.path).toBe("/v1/model/eu.amazon.nova-pro-v1%3A0/converse");
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    messages: [{ role: "user", content: [{ text: "Grüß dich 🌦" }] }],
    inferenceConfig: { maxTokens: 50 },
  });
  const authorization = sent?.headers.get("authorization") ?? "";
  expect(authorization).toContain("/eu-central-1/bedrock/aws4_request");
  expect(authorization).toContain("SignedHeaders=content-type;host;x-amz-date,");
  expect(authorization).toEndWith(`Signature=${sent?.signature}`);
  expect(await gateway.rows()).toMatchObject([
    { status: "ok", provider: "bedrock", region: "eu-central", model: "amazon/nova-pro" },
  ]);
});

test("a lent key sends its token, and the signature covers it", async () => {
  await start({ ...signing, AWS_SESSION_TOKEN: "lent" });
  answer = () => said("Hi");
  expect((await gateway.chat(nova)).status).toBe(200);
  const [sent] = received;
  expect(sent?.headers.get("x-amz-security-token")).toBe("lent");
  const authorization = sent?.headers.get("authorization") ?? "";
  expect(authorization).toContain("x-amz-security-token,");
  expect(authorization).toEndWith(`Signature=${sent?.signature}`);
});

test("a Bedrock key goes before a key pair and signs nothing", async () => {
  await start({ ...signing, AWS_BEARER_TOKEN_BEDROCK: "bedrock-api-key" });
  answer = () => said("Hi");
  expect((await gateway.chat(nova)).status).toBe(200);
  expect(received[0]?.headers.get("authorization")).toBe("Bearer bedrock-api-key");
  expect(received[0]?.headers.get("x-amz-date")).toBeNull();
  answer = () => new Response("{}", { status: 403 });
  const refused = await gateway.chat(nova);
  expect(refused.status).toBe(502);
  expect(refused.text + gateway.logged()).not.toContain("bedrock-api-key");
});

test("a binary stream, cut anywhere, becomes the client's events with usage", async () => {
  await start(signing);
  const bytes = await framed("stream-tools.events");
  answer = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const piece of byteByByte(bytes)) controller.enqueue(piece);
          controller.close();
        },
      }),
      binary,
    );
  const { status, text } = await gateway.chat({
    ...nova,
    stream: true,
    stream_options: { include_usage: true },
    tools: [{ type: "function", function: { name: "weather" } }],
  });
  expect(status).toBe(200);
  expect(received[0]?.path).toEndWith("/converse-stream");
  expect(received[0]?.headers.get("accept")).toBe("application/vnd.amazon.eventstream");
  const events = eventsOf(text);
  const content = events.map((event) => at(event, "choices.0.delta.content") ?? "").join("");
  expect(content).toBe("Voilà 🌦 in Zürich.");
  const calls = events.flatMap((event) => listAt(event, "choices.0.delta.tool_calls"));
  expect(calls.map((call) => at(call, "function.arguments") ?? "").join("")).toBe(
    '{"station": 12345678901234567890}{}',
  );
  expect(events.some((event) => at(event, "usage.prompt_tokens") === 167)).toBe(true);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ status: "ok", provider: "bedrock" }]);
});

test("an exception frame ends the stream honestly and quotes nothing", async () => {
  await start(signing);
  const frames = [
    eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Half" } }),
    exceptionFrame("modelStreamErrorException", "SECRET"),
  ];
  answer = () => new Response(new Uint8Array(Buffer.concat(frames)), binary);
  const { text } = await gateway.chat({ ...nova, stream: true });
  expect(text).toContain("Half");
  expect(eventsOf(text).some((event) => at(event, "error.code") === "upstream_error")).toBe(true);
  expect(text + gateway.logged()).not.toContain("SECRET");
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ status: "upstream_error" }]);
});

test.each([
  [400, "ValidationException", [400, "upstream_rejected"]],
  [403, "AccessDeniedException", [502, "upstream_error"]],
  [424, "ModelErrorException", [502, "upstream_error"]],
  [429, "ThrottlingException", [429, "rate_limit_exceeded"]],
])("status %i (%s) is told in the client's words", async (status, type, expected) => {
  await start(signing);
  const headers = { "content-type": "application/json", "x-amzn-errortype": type };
  answer = () => new Response('{"message":"No"}', { status, headers });
  const [told, code] = refusal(await gateway.chat(nova));
  expect([told, code]).toEqual(expected);
});

test("reasoning of Claude survives a client without a place for it, through a tool loop", async () => {
  await start(signing);
  const reply = await fixture("bedrock-converse/reply.json");
  answer = () => json(reply);
  const ask = {
    model: "anthropic/claude-sonnet-4.5",
    provider: { only: ["bedrock/eu-central"] },
    reasoning: { max_tokens: 2000 },
    tools: [
      { type: "function", function: { name: "weather" } },
      { type: "function", function: { name: "clock" } },
    ],
  };
  const question = { role: "user", content: "Weather?" };
  const first = await gateway.chat({ ...ask, messages: [question] });
  expect(first.status).toBe(200);
  expect(received[0]?.path).toContain("/model/eu.anthropic.claude-sonnet-4-5");
  expect(at(JSON.parse(received[0]?.body ?? ""), "additionalModelRequestFields")).toEqual({
    thinking: { type: "enabled", budget_tokens: 2000 },
  });
  const calls = listAt(first.json, "choices.0.message.tool_calls");
  const results = calls.map((call) => ({
    role: "tool",
    tool_call_id: at(call, "id"),
    content: "ok",
  }));
  const said = { role: "assistant", content: "Let me look.", tool_calls: calls };
  await gateway.chat({ ...ask, messages: [question, said, ...results] });
  const sent = JSON.parse(received[1]?.body ?? "");
  const content = listAt(sent, "messages.1.content");
  const signed = { reasoningText: { text: "Look it up.", signature: "c2lnbmVk" } };
  expect(content).toContainEqual({ reasoningContent: signed });
  expect(content).toContainEqual({ reasoningContent: { redactedContent: "b3BhcXVl" } });
  expect(received[1]?.body).toContain('"toolUseId":"tooluse_1"');
  expect(received[1]?.body).toContain('{"station":12345678901234567890}');
});

test("a request pinned to a region does not go to a profile that spans several", async () => {
  await start(signing);
  answer = () => said("Hi");
  const pinned = { route: { region: "eu-central" } };
  const refused = await gateway.chat({ ...nova, ...pinned });
  expect(refusal(refused)).toEqual([503, "service_unavailable"]);
  expect(at(refused.json, "error.metadata.reasons")).toEqual(["region_only_assumed"]);
  expect(received).toEqual([]);
  const here = await gateway.chat({ model: "qwen/qwen3-coder-next", ...pinned });
  expect(here.status).toBe(200);
  expect(received[0]?.path).toBe("/v1/model/qwen.qwen3-coder-next/converse");
});

test("an instance's role is asked for by the first request, and a stale key is not used twice", async () => {
  let lent = 0;
  const roles = "/latest/meta-data/iam/security-credentials/";
  const metadata = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url }) {
      const { pathname } = new URL(url);
      if (pathname === "/latest/api/token") return new Response("session");
      if (pathname === roles) return new Response("role");
      lent++;
      return Response.json({
        AccessKeyId: `ASIA${lent}`,
        SecretAccessKey: key.AWS_SECRET_ACCESS_KEY,
        Token: "lent-token",
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      });
    },
  });
  try {
    await start({
      BEDROCK_REGION: "eu-central-1",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url.origin,
    });
    expect(lent).toBe(0);
    answer = () => said("Hi");
    const replies = await Promise.all([gateway.chat(nova), gateway.chat(nova)]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(lent).toBe(1);
    const authorization = received[0]?.headers.get("authorization") ?? "";
    expect(authorization).toContain("Credential=ASIA1/");
    expect(authorization).toEndWith(`Signature=${received[0]?.signature}`);
    expect(received[0]?.headers.get("x-amz-security-token")).toBe("lent-token");
    const refused = (type: string) => () =>
      new Response("{}", { status: 403, headers: { "x-amzn-errortype": type } });
    answer = refused("AccessDeniedException");
    expect((await gateway.chat(nova)).status).toBe(502);
    answer = refused("ExpiredTokenException");
    expect((await gateway.chat(nova)).status).toBe(502);
    expect(lent).toBe(1);
    answer = () => said("Hi");
    const sent = received.length;
    await gateway.chat({ model: "qwen/qwen3-coder-next" });
    expect(received[sent]?.headers.get("authorization")).toContain("Credential=ASIA2/");
    expect(gateway.logged()).not.toContain("lent-token");
  } finally {
    await metadata.stop(true);
  }
});

test("a profile that spans the world is served as such, and never to a pin", async () => {
  await start(signing);
  answer = () => said("Hi");
  const claude = { model: "anthropic/claude-opus-5", provider: { only: ["bedrock/global"] } };
  const reply = await gateway.chat(claude);
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "global"]);
  expect(received[0]?.path).toBe("/v1/model/global.anthropic.claude-opus-5/converse");
  expect(received[0]?.headers.get("authorization")).toContain("/eu-central-1/bedrock/");
});

test("a Bedrock key that a proxied answer repeats does not reach the client", async () => {
  await start({ ...signing, AWS_BEARER_TOKEN_BEDROCK: "bedrock-api-key" });
  answer = () => json('{"data":[],"seen":"Bearer bedrock-api-key"}');
  const reply = await gateway.ask("/bedrock/models");
  expect(received.length).toBe(1);
  expect(reply.status).toBe(502);
  expect(reply.text).not.toContain("bedrock-api-key");
});
