import { describe, expect, test } from "bun:test";
import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import { hideState, withoutProof } from "#src/dialect/carrier.ts";
import type { ClientDialect, SpliceDialect, Target } from "#src/dialect/dialect.ts";
import { geminiClient, geminiSplice } from "#src/dialect/gemini/gemini-client.ts";
import { responsesClient, responsesSplice } from "#src/dialect/responses/openai-responses.ts";
import { encode } from "#src/lib/bytes.ts";
import { urlOf } from "#test/dialect/gemini/gemini-client-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

/* What another host signed, left out of a request whose every other byte stays. */

function bare(
  client: ClientDialect,
  splice: SpliceDialect,
  text: string,
  changes: Partial<Target> = {},
) {
  const body = encode(text);
  const ask = { ...client.peek(body, urlOf()), withoutProof: true };
  const out = splice.retarget(body, ask, targetOf(changes));
  return { text: decode(out.body), dropped: out.dropped };
}
const exact = '"big":98765432109876543210,"float":1.0,"words":"\\u00e9\\/ü"';

describe("Anthropic Messages without proof", () => {
  const thinking = '{"type":"thinking","thinking":"é","signature":"c2ln"}';
  const redacted = '{"type":"redacted_thinking","data":"x"}';
  const call = `{"type":"tool_use","id":"t1","name":"f","input":{${exact}}}`;
  const result = '{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}';
  const ask = '{"role":"user", "content":"a"}';

  test("has no thinking, signed or redacted, and all other bytes", () => {
    const text = `{"type":"text","text":"é",${exact}}`;
    const out = bare(
      anthropicClient,
      anthropicSplice,
      `{"model":"a","max_tokens":9,"messages":[${ask},{"role":"assistant","content":[${thinking}, ${redacted},${text}]},${ask},{"role":"assistant","content":[${thinking}]},${ask}],"thinking":{"type":"adaptive"}}`,
      { reasoning: { efforts: ["low", "medium", "high", "max"] } },
    );
    expect(out.text).toBe(
      `{"model":"model-x","max_tokens":9,"messages":[${ask},{"role":"assistant","content":[${text}]},${ask},${ask}],"thinking":{"type":"adaptive"}}`,
    );
    expect(out.dropped).toEqual(["signature"]);
  });

  test("does not think amid a loop of calls that its thinking led to, for that would be refused", () => {
    const out = bare(
      anthropicClient,
      anthropicSplice,
      `{"model":"a","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[${ask},{"role":"assistant","content":[${thinking},${call}]},${result}]}`,
    );
    expect(out.text).toBe(
      `{"model":"model-x","max_tokens":9000,"messages":[${ask},{"role":"assistant","content":[${call}]},${result}]}`,
    );
    expect(out.dropped).toEqual(["thinking", "signature"]);
  });

  test("names nothing where nothing was signed", () => {
    const out = bare(
      anthropicClient,
      anthropicSplice,
      `{"model":"a","max_tokens":9,"messages":[${ask}]}`,
    );
    expect(out.dropped).toEqual([]);
  });
});

describe("Gemini without proof", () => {
  const said = (sign: string, more = "") =>
    `{"contents":[{"role":"user","parts":[{"text":"é",${exact}}]}, {"role":"model","parts":[{"text":"x","thought":true${more}}, {"functionCall":{"name":"f","args":{${exact}}}${sign}},{"functionCall":{"name":"g","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}},{"functionResponse":{"name":"g","response":{}}}]}],"generationConfig":{"seed":1.0}}`;

  test.each([
    [',"thoughtSignature":"c2ln"', ',"thoughtSignature":"skip_thought_signature_validator"'],
    [',"thought_signature":"c2ln"', ',"thought_signature":"skip_thought_signature_validator"'],
  ])("marks calls as another model's where they are checked: %s", (given, sent) => {
    const out = bare(geminiClient, geminiSplice, said(given, given), {
      reasoning: { efforts: ["low"] },
    });
    expect(out).toEqual({ text: said(sent), dropped: ["thoughtSignature"] });
  });

  test("has no signature where none is checked", () => {
    const out = bare(geminiClient, geminiSplice, said(',"thoughtSignature":"c2ln"'));
    expect(out).toEqual({ text: said(""), dropped: ["thoughtSignature"] });
  });

  test("is as it was where nothing was signed", () => {
    const out = bare(geminiClient, geminiSplice, said(""));
    expect(out).toEqual({ text: said(""), dropped: [] });
  });

  test("takes a single part for a list of one", () => {
    const one = (sign: string) =>
      `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":{"text":"b"${sign}}},{"role":"user","parts":[{"text":"c"}]}]}`;
    const out = bare(geminiClient, geminiSplice, one(',"thoughtSignature":"c2ln"'));
    expect(out.text).toBe(one(""));
  });
});

describe("Responses without proof", () => {
  const reasoning = '{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"}';
  const call = (id: string) =>
    `{"type":"function_call",${id}"call_id":"call_1","name":"f","arguments":"{ }"}`;
  const message = (id: string) =>
    `{"type":"message",${id}"role":"assistant","content":[{"type":"output_text","text":"é",${exact}}]}`;
  const body = (...items: string[]) =>
    `{"model":"model-x","input":[${items.join(",")}],"store":false,"include":["reasoning.encrypted_content"]}`;
  const ask = '{"role":"user","content":"a"}';
  const result = '{"type":"function_call_output","call_id":"call_1","output":"1"}';

  test("has no reasoning, no ids that went with it, and all other bytes", () => {
    const out = bare(
      responsesClient,
      responsesSplice,
      body(ask, reasoning, message('"id":"msg_1",'), reasoning, call('"id":"fc_1",'), result),
    );
    expect(out.text).toBe(body(ask, message(""), call(""), result));
    expect(out.dropped).toEqual(["encrypted_content"]);
  });

  test("names nothing where there was none", () => {
    const out = bare(responsesClient, responsesSplice, body(ask, message('"id":"msg_1",')));
    expect(out).toEqual({ text: body(ask, message('"id":"msg_1",')), dropped: [] });
  });
});

test("the canonical form without proof keeps what was said, its calls, and reasoning that is plain text", () => {
  const reply = hideState(
    {
      choices: [
        {
          index: 0,
          finish: "tool_calls",
          parts: [
            { type: "reasoning", text: "signed", signature: "c2ln" },
            { type: "tool_call", id: "call_1", name: "f", arguments: "{}" },
          ],
        },
      ],
    },
    "anthropic-messages",
    "anthropic",
  );
  const calls = reply.choices[0]?.parts.filter(({ type }) => type === "tool_call") ?? [];
  const turn = withoutProof({
    ...emptyTurn(),
    messages: [
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "signed", signature: "c2ln" },
          { type: "reasoning", text: "", redacted: "x" },
          { type: "reasoning", text: "plain" },
          { type: "text", text: "said" },
          ...calls,
        ],
      },
    ],
  });
  expect(turn.messages).toEqual([
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "plain" },
        { type: "text", text: "said" },
        { type: "tool_call", id: "call_1", name: "f", arguments: "{}" },
      ],
    },
  ]);
});

function emptyTurn() {
  const body = encode('{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"a"}]}');
  return anthropicClient.readRequest(anthropicClient.peek(body, urlOf()));
}
