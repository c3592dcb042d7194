import { afterEach, describe, expect, test } from "bun:test";
import { hideState } from "#src/dialect/carrier.ts";
import type { Reply } from "#src/dialect/turn.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * Reasoning is signed or encrypted by the host that made it, and no other host of the same wire can read it. A host that
 * refuses it is passed over for one that may have made it; where there is none, it is asked again without.
 */

type Host = "one" | "two";
interface Wire {
  provider: string;
  regions: Record<Host, string>;
  settings?: object;
  model: string;
  path: string;
  body: object;
  /** How a host refuses what another one signed. */
  refusal: object;
  answer: object;
  /** What tells that a body holds the signature. */
  proof: string;
  dropped: string;
}

const tool = { type: "object", properties: {} };
const wires: Wire[] = [
  {
    provider: "anthropic",
    regions: { one: "eu-central", two: "eu-west" },
    model: "anthropic/claude-haiku-4.5",
    path: "/v1/messages",
    body: {
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      tools: [{ name: "f", input_schema: tool }],
      messages: [
        { role: "user", content: "a" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "b", signature: "c2ln" },
            { type: "tool_use", id: "t1", name: "f", input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "c" }] },
      ],
    },
    refusal: {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.1.content.0: Invalid `signature` in `thinking` block",
      },
    },
    answer: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude",
      content: [{ type: "text", text: "Hi" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 4 },
    },
    proof: '"signature"',
    dropped: "thinking, signature",
  },
  {
    provider: "google",
    regions: { one: "us-east", two: "eu-west" },
    model: "google/gemini-3.5-flash",
    path: "/v1beta/models/google/gemini-3.5-flash:generateContent",
    body: {
      contents: [
        { role: "user", parts: [{ text: "a" }] },
        {
          role: "model",
          parts: [{ functionCall: { name: "f", args: {} }, thoughtSignature: "c2ln" }],
        },
        { role: "user", parts: [{ functionResponse: { name: "f", response: {} } }] },
      ],
      tools: [{ functionDeclarations: [{ name: "f" }] }],
    },
    refusal: {
      error: {
        code: 400,
        message: "Unable to submit request because Thought signature is not valid.",
        status: "INVALID_ARGUMENT",
      },
    },
    answer: {
      candidates: [
        { index: 0, finishReason: "STOP", content: { role: "model", parts: [{ text: "Hi" }] } },
      ],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 },
      modelVersion: "gemini",
      responseId: "r1",
    },
    proof: "c2ln",
    dropped: "thoughtSignature",
  },
  {
    provider: "openai",
    regions: { one: "us-east", two: "eu-west" },
    settings: { also_speaks: ["openai-responses"] },
    model: "openai/gpt-5.4",
    path: "/v1/responses",
    body: {
      store: false,
      input: [
        { role: "user", content: "a" },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "c" },
      ],
    },
    refusal: {
      error: {
        message: "The encrypted content gAAA could not be verified.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_encrypted_content",
      },
    },
    answer: {
      id: "resp_1",
      object: "response",
      created_at: 1,
      status: "completed",
      model: "gpt",
      error: null,
      incomplete_details: null,
      output: [
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "Hi", annotations: [] }],
        },
      ],
      usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 },
    },
    proof: "gAAA",
    dropped: "encrypted_content",
  },
];

let gateway: TestGateway;
let upstreams: Record<Host, ScriptedUpstream>;
/** Who was asked, and whether with the signature. */
let asked: string[];
afterEach(async () => {
  await gateway.close();
  for (const upstream of Object.values(upstreams)) await upstream.stop();
});

/** Hosts of one wire, of which some can read what was signed. */
async function start(
  { provider, regions, settings, refusal, answer, proof }: Wire,
  readers: Host[],
  attempts = 3,
) {
  asked = [];
  const host = (name: Host) =>
    scriptedUpstream(async (request) => {
      const isSigned = (await request.text()).includes(proof);
      asked.push(`${name} ${isSigned ? "signed" : "bare"}`);
      return isSigned && !readers.includes(name)
        ? Response.json(refusal, { status: 400 })
        : Response.json(answer);
    });
  upstreams = { one: host("one"), two: host("two") };
  const { one, two } = upstreams;
  gateway = await startGateway({
    config(config) {
      config.routing.maxAttempts = attempts;
      config.providers = {
        [provider]: { base_urls: { [regions.one]: one.url, [regions.two]: two.url }, ...settings },
      };
    },
  });
}
async function post({ provider, regions, model, path, body }: Wire) {
  const order = [`${provider}/${regions.one}`, `${provider}/${regions.two}`];
  const reply = await gateway.ask(path, { body: { model, ...body, provider: { order } } });
  return { reply, dropped: reply.headers.get("x-lowrouter-dropped") };
}

describe.each(wires.map((wire) => [wire.provider, wire] as const))("at %s", (_, wire) => {
  test("a host that cannot read it is passed over for the one that made it", async () => {
    await start(wire, ["two"]);
    const { reply, dropped } = await post(wire);
    expect(reply.status).toBe(200);
    expect(asked).toEqual(["one signed", "two signed"]);
    expect(dropped).toBeNull();
  });

  test("where none can read it, the last is asked again without, and that is said", async () => {
    await start(wire, []);
    const { reply, dropped } = await post(wire);
    expect(reply.status).toBe(200);
    expect(asked).toEqual(["one signed", "two signed", "two bare"]);
    expect(dropped).toBe(wire.dropped);
    expect((await gateway.rows()).map(({ status }) => status)).toEqual(["ok"]);
  });

  test("with one attempt left, it goes to the next without", async () => {
    await start(wire, [], 2);
    const { reply } = await post(wire);
    expect(reply.status).toBe(200);
    expect(asked).toEqual(["one signed", "two bare"]);
  });

  test("the conversation then stays with the host that answered, and goes there first", async () => {
    await start(wire, []);
    const ask = () => gateway.ask(wire.path, { body: { model: wire.model, ...wire.body } });
    const first = await ask();
    expect(first.status).toBe(200);
    const where = asked.at(-1)?.split(" ")[0];
    asked = [];
    expect((await ask()).status).toBe(200);
    expect(asked[0]).toStartWith(String(where));
  });

  test("a host that refuses even so is told as it is, and nobody is asked for ever", async () => {
    await start({ ...wire, proof: "{" }, [], 9);
    const { reply } = await post(wire);
    expect(reply.status).toBe(400);
    expect(asked).toHaveLength(3);
  });
});

test("over another wire, the reasoning behind the ids of calls is left out the same way", async () => {
  asked = [];
  const host = scriptedUpstream(async (request) => {
    const isSigned = (await request.text()).includes("reasoningContent");
    asked.push(isSigned ? "signed" : "bare");
    return isSigned ? Response.json(bedrockRefusal, { status: 400 }) : Response.json(bedrockAnswer);
  });
  upstreams = { one: host, two: scriptedUpstream(() => completion("")) };
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => (name === "AWS_BEARER_TOKEN_BEDROCK" ? "sk-x" : undefined);
      config.providers = { bedrock: { base_urls: { "us-east": host.url } } };
    },
  });
  const { choices } = hideState(signedCall, "bedrock-converse", "bedrock");
  const id = choices[0]?.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))[0];
  const call = { id, type: "function", function: { name: "f", arguments: "{}" } };
  const reply = await gateway.chat({
    model: "anthropic/claude-haiku-4.5",
    max_tokens: 4000,
    reasoning_effort: "low",
    tools: [{ type: "function", function: { name: "f", parameters: tool } }],
    messages: [
      { role: "user", content: "a" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: id, content: "c" },
    ],
  });
  expect([reply.status, at(reply.json, "choices.0.message.content")]).toEqual([200, "Hi"]);
  expect(reply.headers.get("x-lowrouter-dropped")).toContain("reasoning");
  // There is a second way into the region, which is asked first.
  expect(asked).toEqual(["signed", "signed", "bare"]);
});

const signedCall: Reply = {
  choices: [
    {
      index: 0,
      finish: "tool_calls",
      parts: [
        { type: "reasoning", text: "b", signature: "c2ln" },
        { type: "tool_call", id: "call_1", name: "f", arguments: "{}" },
      ],
    },
  ],
};
const bedrockRefusal = {
  message:
    "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block",
};
const bedrockAnswer = {
  output: { message: { role: "assistant", content: [{ text: "Hi" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 9, outputTokens: 4, totalTokens: 13 },
};
