import { expect, test } from "bun:test";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { at, listAt, startGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream } from "#test/lib/upstream.ts";

const thought = { type: "thinking", thinking: "why", signature: "c2lnbmVk" };
const answer = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [thought, { type: "tool_use", id: "toolu_1", name: "f", input: {} }],
  stop_reason: "tool_use",
  usage: { input_tokens: 3, output_tokens: 9 },
};
const events = [
  { type: "message_start", message: { ...answer, content: [] } },
  { type: "content_block_start", index: 0, content_block: { ...thought, signature: "" } },
  {
    type: "content_block_delta",
    index: 0,
    delta: { type: "signature_delta", signature: "c2lnbmVk" },
  },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: answer.content[1] },
  { type: "content_block_stop", index: 1 },
  { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
  { type: "message_stop" },
];

test.each([false, true])(
  "signed reasoning goes back to the provider that signed it, and to no other of its wire, streamed: %p",
  async (stream) => {
    const asked: JsonObject[] = [];
    const upstream = scriptedUpstream(async (request) => {
      const told: unknown = await request.json();
      if (isObject(told)) asked.push(told);
      if (!isObject(told) || told.stream !== true) return Response.json(answer);
      const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
      return new Response(text, { headers: { "content-type": "text/event-stream" } });
    });
    const gateway = await startGateway({
      config(config) {
        for (const id of ["one", "two"])
          config.providers[id] = { protocol: "anthropic-messages", base_url: upstream.url };
        config.models = ["one", "two"].map((provider) => ({
          id: `test/${provider}`,
          provider,
          input_per_million: 1,
          output_per_million: 1,
        }));
      },
    });
    const tools = [{ type: "function", function: { name: "f" } }];
    const hi = { role: "user", content: "Hi" };
    const ask = { model: "test/one", tools, stream, messages: [hi], max_tokens: 99 };
    const first = await gateway.chat(ask);
    const id = stream
      ? /"id":"(toolu_1[\w-]*)"/.exec(first.text)?.[1]
      : at(first.json, "choices.0.message.tool_calls.0.id");
    expect(String(id)).toStartWith("toolu_1-lr1-");
    const called = { id, type: "function", function: { name: "f", arguments: "{}" } };
    const messages = [
      hi,
      { role: "assistant", content: null, tool_calls: [called] },
      { role: "tool", tool_call_id: id, content: "4 degrees" },
    ];
    for (const model of ["test/one", "test/two"]) await gateway.chat({ ...ask, model, messages });
    const [, same, other] = asked.map((body) => listAt(body, "messages.1.content"));
    const use = { type: "tool_use", id: "toolu_1", name: "f", input: {} };
    expect(same).toEqual([thought, use]);
    expect(other).toEqual([use]);
    expect(asked.map((body) => at(body, "messages.2.content.0.tool_use_id"))).toEqual([
      undefined,
      "toolu_1",
      "toolu_1",
    ]);
    await gateway.close();
    await upstream.stop();
  },
);

test("several choices are held and told as many times, and refused with who gives them where there is one", async () => {
  const gateway = await startGateway({ balance: 0 });
  const cost = async (n: number, max_tokens: number) =>
    Number(at((await gateway.chat({ n, max_tokens })).json, "error.metadata.may_cost"));
  const [one, three, long] = [await cost(1, 100), await cost(3, 100), await cost(1, 300)];
  expect(three).toBeGreaterThan(one);
  expect(three).toBeCloseTo(long, 8);
  await gateway.close();

  const rich = await startGateway();
  const whole = await rich.chat({ n: 3, max_tokens: 50 });
  expect(listAt(whole.json, "choices").map((choice) => at(choice, "index"))).toEqual([0, 1, 2]);
  const { text } = await rich.chat({ n: 2, max_tokens: 50, stream: true });
  expect([...new Set(text.match(/"choices":\[\{"index":\d/g))].toSorted()).toEqual([
    '"choices":[{"index":0',
    '"choices":[{"index":1',
  ]);
  expect(text.match(/"finish_reason":"(?:stop|length)"/g)).toHaveLength(2);
  const refused = await rich.chat({ n: 2, model: "anthropic/claude-haiku-4.5" });
  expect([refused.status, at(refused.json, "error.param")]).toEqual([400, "n"]);
  expect(String(at(refused.json, "error.message"))).toContain("models that can: google/gemini");
  await rich.close();
});
