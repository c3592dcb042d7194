import { describe, expect, test } from "bun:test";
import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import { peekCount } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { retargetCount } from "#src/dialect/anthropic/anthropic-client-splice.ts";
import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

/*
 * A client that does not know the name of a model writes for the newest one. What the older refuse of that:
 * "adaptive thinking is not supported on this model", "This model does not support the effort parameter", "role 'system'
 * is not supported on this model", "`clear_thinking_20251015` strategy requires `thinking` to be enabled".
 */

const hi = '{"role":"user","content":"é"}';
const adaptive = '"thinking":{"type":"adaptive","display":"omitted"}';
const clears = '{"type":"clear_thinking_20251015","keep":"all"}';
const older: ReasoningControl = { budget: { min: 1024 } };
const newest: ReasoningControl = { efforts: ["low", "high", "xhigh", "max"] };

function retarget(members: string, changes: Partial<Target>) {
  const body = encode(`{"model":"a",${members}}`);
  const ask = anthropicClient.peek(body, "http://gateway/v1/messages");
  const { dropped, body: out } = anthropicSplice.retarget(body, ask, targetOf(changes));
  return { dropped, text: decode(out).replace('{"model":"model-x",', "").slice(0, -1) };
}

describe("thinking that is left to the model", () => {
  const said = (more = "") =>
    `"max_tokens":32000,"messages":[${hi}],${adaptive},"output_config":{"effort":"high"}${more}`;

  test.each([[{ efforts: ["low", "medium", "high", "max"], budget: {} }], [newest], [{}]])(
    "goes as it is to a model that takes it, or of which nothing is known: %j",
    (reasoning) => {
      expect(retarget(said(), { reasoning })).toEqual({ text: said(), dropped: [] });
    },
  );

  test("is the budget of its effort where the model takes only that", () => {
    const out = retarget(said(), { reasoning: older });
    expect(out.dropped).toEqual([]);
    expect(out.text).toBe(
      `"max_tokens":32000,"messages":[${hi}],"thinking":{"type":"enabled","budget_tokens":25600,"display":"omitted"}`,
    );
  });

  test("keeps the effort where a model with budgets has that too", () => {
    const { text } = retarget(said(), { reasoning: { ...older, efforts: ["low", "high"] } });
    expect(text).toContain('"budget_tokens":25600');
    expect(text).toContain('"output_config":{"effort":"high"}');
  });

  test("keeps what stands beside the effort, byte for byte", () => {
    const config =
      '"output_config":{"effort":"low", "format":{"type":"json_schema","schema":{"x":12345678901234567890}}}';
    const { text } = retarget(`"max_tokens":9000,"messages":[${hi}],${adaptive},${config}`, {
      reasoning: older,
    });
    expect(text).toContain(
      '"output_config":{"format":{"type":"json_schema","schema":{"x":12345678901234567890}}}',
    );
    expect(text).toContain('"budget_tokens":1800');
  });

  test("is no larger than the model takes", () => {
    const { text } = retarget(said(), { reasoning: { budget: { min: 1024, max: 20_000 } } });
    expect(text).toContain('"budget_tokens":20000');
  });

  test("leaves room for the answer, and is named where there is none", () => {
    const of = (limit: number) =>
      retarget(`"max_tokens":${limit},"messages":[${hi}],${adaptive}`, { reasoning: older });
    expect(of(10_000).text).toContain('"budget_tokens":8000');
    expect(of(1000)).toEqual({
      text: `"max_tokens":1000,"messages":[${hi}]`,
      dropped: ["thinking"],
    });
  });

  test("goes, with its effort and what clears it, where the model thinks never", () => {
    const other = '{"type":"clear_tool_uses_20250919"}';
    const out = retarget(said(`,"context_management":{"edits":[${clears}, ${other}]}`), {
      reasoning: undefined,
    });
    expect(out.dropped).toEqual(["thinking", "output_config.effort"]);
    expect(out.text).toBe(
      `"max_tokens":32000,"messages":[${hi}],"context_management":{"edits":[${other}]}`,
    );
    const alone = retarget(said(`,"context_management":{"edits":[${clears}]}`), {});
    expect(alone.text).toBe(`"max_tokens":32000,"messages":[${hi}]`);
  });
});

test("thinking that goes because nobody signed what led to a call takes with it what clears thinking", () => {
  const call = '{"type":"tool_use","id":"t","name":"f","input":{}}';
  const result = '{"type":"tool_result","tool_use_id":"t","content":"1"}';
  const messages = `[${hi},{"role":"assistant","content":[${call}]},{"role":"user","content":[${result}]}]`;
  const ask = (thinking: string) =>
    `"max_tokens":32000,"messages":${messages},"thinking":${thinking},"context_management":{"edits":[${clears}]}`;
  const bare = { text: `"max_tokens":32000,"messages":${messages}`, dropped: ["thinking"] };
  const enabled = '{"type":"enabled","budget_tokens":31999}';
  expect(retarget(ask(enabled), { reasoning: older })).toEqual(bare);
  // An instruction behind the result changes nothing.
  const amid = ask(enabled).replace("}]}],", '}]},{"role":"system","content":"x"}],');
  expect(amid).toContain('{"role":"system","content":"x"}],"thinking"');
  expect(retarget(amid, { reasoning: older }).dropped).toEqual(["thinking"]);
  // What becomes a budget is held to the same.
  expect(retarget(ask('{"type":"adaptive"}'), { reasoning: older })).toEqual(bare);
  expect(retarget(ask('{"type":"adaptive"}'), { reasoning: newest }).text).toBe(
    ask('{"type":"adaptive"}'),
  );
});

describe("an instruction amid the conversation", () => {
  const said = (instruction: string) => `"max_tokens":9,"messages":[${hi},${instruction}]`;
  const text = '{"role":"system","content":"Agents: é"}';

  test("goes as it is to a model that takes it", () => {
    expect(retarget(said(text), { instructsAmid: true }).text).toBe(said(text));
  });

  test("is the user's words elsewhere, in its place and with its mark", () => {
    const blocks =
      '{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}';
    const [, first] = messagesOf(retarget(said(text), {}).text);
    expect(first).toEqual({
      role: "user",
      content: [{ type: "text", text: "<system>\nAgents: é\n</system>" }],
    });
    const [, second] = messagesOf(retarget(said(blocks), {}).text);
    expect(second).toEqual({
      role: "user",
      content: [
        {
          type: "text",
          text: "<system>\na\n\nb\n</system>",
          cache_control: { type: "ephemeral" },
        },
      ],
    });
  });

  test("is left out where it says nothing", () => {
    const { text: out } = retarget(said('{"role":"system","content":" "}'), {});
    expect(out).toBe(`"max_tokens":9,"messages":[${hi}]`);
  });
});

test("the count is asked for in the same words", () => {
  const body = encode(
    `{"model":"a","messages":[${hi},{"role":"system","content":"x"}],"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}}`,
  );
  const out = retargetCount(body, peekCount(body), targetOf({ reasoning: older }));
  expect(JSON.parse(decode(out.body))).toMatchObject({
    messages: [{ role: "user" }, { role: "user" }],
    thinking: { type: "enabled", budget_tokens: 2048 },
  });
  expect(decode(out.body)).not.toContain("output_config");
});

function messagesOf(members: string): unknown[] {
  const { messages } = JSON.parse(`{${members}}`);
  return messages;
}
