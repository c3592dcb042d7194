import { expect, test } from "bun:test";
import { decode } from "#src/lib/bytes.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { sse } from "#test/dialect/upstream-kit.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream } from "#test/lib/upstream.ts";

const hi = [{ role: "user", content: "Hi" }];
const claude = "anthropic/claude-haiku-4.5";

/** A gateway whose Claude answers with these bytes, and what it was asked. */
async function startClaude(body: string, type: string) {
  const asked: JsonObject[] = [];
  const upstream = scriptedUpstream(async (request) => {
    const told: unknown = await request.json();
    if (isObject(told)) asked.push(told);
    return new Response(body, { headers: { "content-type": type } });
  });
  const gateway = await startGateway({
    config(config) {
      config.providers.anthropic = { base_urls: { global: upstream.url } };
    },
  });
  const close = async () => {
    await gateway.close();
    await upstream.stop();
  };
  return { gateway, asked, close };
}

const words = "word ".repeat(200);
const bare = decode(
  sse(
    {
      type: "message_start",
      message: { id: "msg_1", content: [], usage: { input_tokens: 20, output_tokens: 1 } },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" } },
    { type: "message_stop" },
  ),
);

const paths: [string, string][] = [
  ["/v1/messages", "passed on"],
  ["/v1/chat/completions", "translated"],
  ["/anthropic/v1/messages", "proxied"],
];

test.each(paths)(
  "at %s an answer (%s) whose output no event counted is estimated",
  async (path) => {
    const { gateway, close } = await startClaude(bare, "text/event-stream");
    const model = path.startsWith("/anthropic") ? "claude-haiku-4-5" : claude;
    const body = { model, max_tokens: 900, stream: true, messages: hi };
    const { text } = await gateway.ask(path, { body });
    expect(text.includes("word word")).toBe(true);
    await gateway.until(() => true);
    const [row] = await gateway.store.read(
      "SELECT status, settlement, input_fresh AS input, output_visible AS output FROM generation",
      [],
    );
    expect(row).toMatchObject({ status: "ok", settlement: "estimated", input: 20, output: 250 });
    await close();
  },
);

/** What one request is held for, from the refusal of an account without credit. */
async function heldFor(gateway: TestGateway, body: JsonObject): Promise<unknown> {
  const refused = await gateway.chat(body);
  return at(refused.json, "error.metadata.may_cost");
}

const message = JSON.stringify({
  id: "msg_1",
  type: "message",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 3, output_tokens: 1 },
});

test("without a limit of the client's the upstream may say what is held for, reasoning included", async () => {
  const { gateway, asked, close } = await startClaude(message, "application/json");
  const poor = await startGateway({ balance: 0 });
  for (const more of [{}, { reasoning_effort: "high" }, { reasoning: { max_tokens: 9000 } }]) {
    const body = { model: claude, messages: hi, ...more };
    expect((await gateway.chat(body)).status).toBe(200);
    const limit = asked.at(-1)?.max_tokens;
    // The same limit in the client's own words is held for the same, but for the bytes that say it.
    const said = await heldFor(poor, { ...body, max_tokens: Number(limit) });
    const held = await heldFor(poor, body);
    expect(Number(held) / Number(said)).toBeCloseTo(1, 2);
  }
  expect(asked.map(({ max_tokens }) => max_tokens)).toEqual([4096, 4096 + 16_384, 4096 + 9000]);
  expect(asked.map(({ thinking }) => isObject(thinking) && thinking.budget_tokens)).toEqual([
    false,
    16_384,
    9000,
  ]);
  await poor.close();
  await close();
});
