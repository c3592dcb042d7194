import { describe, expect, test } from "bun:test";
import { anthropicClient } from "#src/dialect/anthropic/anthropic-client.ts";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import type { ClientDialect, UpstreamDialect } from "#src/dialect/dialect.ts";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { responsesClient, responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import { AppError } from "#src/lib/error.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { decode } from "#test/dialect/payload.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

/*
 * A member that another wire has no word for is carried where it has one, named where nobody comes to harm, and
 * refused where the answer would be another one. Nothing that was asked for is lost without a word.
 */

const wires: Record<string, UpstreamDialect> = {
  chat: openaiChatUpstream,
  responses: responsesUpstream,
  anthropic: anthropicMessagesUpstream,
  gemini: geminiUpstream,
  cohere: cohereUpstream,
  bedrock: bedrockUpstream,
};

const messages = [{ role: "user", content: "Hi" }];
const questions: Record<string, [ClientDialect, JsonObject]> = {
  chat: [openaiChatClient, { messages }],
  responses: [responsesClient, { input: "Hi" }],
  anthropic: [anthropicClient, { max_tokens: 9, messages }],
  gemini: [geminiClient, { contents: [{ parts: [{ text: "Hi" }] }] }],
};

/** What becomes of a member: where it stands in the body, that it is named, that it is refused, or nothing. */
function fate(client: string, wire: string, name: string, value: Json): string {
  const [dialect, question] = questions[client] ?? [openaiChatClient, {}];
  const upstream = wires[wire] ?? openaiChatUpstream;
  const url = "http://gateway/v1beta/models/m:generateContent";
  try {
    const body = encode(JSON.stringify({ ...question, [name]: value }));
    const turn = dialect.readRequest(dialect.peek(body, url));
    const request = upstream.writeRequest(turn, targetOf());
    const carried = decode(request.body).includes(JSON.stringify(value));
    if (request.dropped.includes(name)) return carried ? "both" : "named";
    return carried ? "carried" : "silent";
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    expect(thrown.code).toBe("unsupported_feature");
    expect(thrown.detail.param).toContain(name);
    return "refused";
  }
}

type Row = [member: string, value: Json, fates: Record<string, string>];

function all(fate: string, others: Record<string, string> = {}): Record<string, string> {
  return { ...Object.fromEntries(Object.keys(wires).map((wire) => [wire, fate])), ...others };
}

/** Hints to a cache, which works without them. */
const hint = all("silent", { chat: "carried", responses: "carried" });
const named = all("named");
const refused = all("refused");
const openai = (others: string) => all(others, { chat: "carried", responses: "carried" });
const chatOnly = (others: string) => all(others, { chat: "carried" });

const rows: Record<string, Row[]> = {
  chat: [
    ["prompt_cache_key", "key-1", hint],
    ["metadata", { team: "a" }, openai("named")],
    ["verbosity", "low", openai("named")],
    ["service_tier", "flex", openai("named")],
    ["prediction", { type: "content", content: "x" }, chatOnly("named")],
    ["logit_bias", { "50256": -100 }, chatOnly("named")],
    ["web_search_options", { search_context_size: "low" }, chatOnly("refused")],
    ["moderation", { model: "m" }, openai("refused")],
    ["modalities", ["text", "audio"], chatOnly("refused")],
    ["audio", { voice: "alloy", format: "mp3" }, chatOnly("named")],
    ["a_word_of_tomorrow", { a: 1 }, named],
  ],
  responses: [
    ["prompt_cache_key", "key-1", hint],
    ["service_tier", "flex", openai("named")],
    ["truncation", "auto", named],
    ["truncation", "disabled", all("silent")],
    ["context_management", [{ type: "compaction" }], named],
    ["max_tool_calls", 3001, named],
    ["a_word_of_tomorrow", { a: 1 }, named],
    // What a response of ours answers for.
    ["metadata", { team: "a" }, all("silent")],
    ["store", true, all("silent")],
    ["include", ["reasoning.encrypted_content"], all("silent")],
    ["moderation", { model: "m" }, openai("refused")],
    ["conversation", "conv_1", refused],
    ["previous_response_id", "resp_1", refused],
    ["prompt", { id: "pmpt_1" }, refused],
    ["background", true, refused],
  ],
  anthropic: [
    ["context_management", { edits: [{ type: "clear" }] }, named],
    ["service_tier", "standard_only", named],
    ["speed", "fastest", named],
    ["container", "container_1", refused],
    ["mcp_servers", [{ type: "url" }], refused],
    ["inference_geo", "us", refused],
  ],
  gemini: [["cachedContent", "cachedContents/1", refused]],
};

for (const [client, members] of Object.entries(rows)) {
  describe(`a member of ${client}`, () => {
    test.each(members)("%s: %j", (name, value, fates) => {
      const own = client === "gemini" ? "gemini" : client;
      const seen = Object.keys(wires)
        .filter((wire) => wire !== own || client === "chat")
        .map((wire) => [wire, fate(client, wire, name, value)]);
      const wanted = Object.fromEntries(
        Object.entries(fates).filter(([wire]) => seen.some(([one]) => one === wire)),
      );
      expect(Object.fromEntries(seen)).toEqual(wanted);
    });
  });
}
