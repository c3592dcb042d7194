import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hideState, plainIds, revealState, StateHider } from "#src/dialect/carrier.ts";
import type { AssistantPart, Reply, StreamStep } from "#src/dialect/turn.ts";
import { openaiChatClient } from "#src/dialect/openai/openai-chat.ts";
import { asciiOf } from "#src/dialect/raw-text.ts";
import { decode, encode, sha256Hex } from "#src/lib/bytes.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { callOf, turnOf } from "#test/dialect/upstream-kit.ts";

const wire = "anthropic-messages";
const own = { [wire]: {} };

function replyOf(parts: AssistantPart[]): Reply {
  return { choices: [{ index: 0, parts, finish: "tool_calls" }] };
}

/** The parts as the next request of a client that echoes ids and texts brings them back. */
function echoed(parts: AssistantPart[], results = true) {
  const calls = parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
  const content = [{ type: "text" as const, text: "done" }];
  const told = calls.map((callId) => ({ callId, content }));
  return turnOf({
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      { role: "assistant", content: parts },
      ...(results ? [{ role: "tool" as const, results: told }] : []),
    ],
  });
}

function shown(parts: AssistantPart[]): AssistantPart[] {
  return hideState(replyOf(parts), wire, "acme").choices[0]?.parts ?? [];
}

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const id = fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/);

describe("state behind call ids", () => {
  test("comes back as it was, with the ids that the upstream gave", () => {
    fc.assert(
      fc.property(text, text, id, id, fc.boolean(), (thought, signature, one, two, carries) => {
        fc.pre(one !== two);
        const carry = carries ? { [wire]: { thoughtSignature: signature } } : undefined;
        const parts: AssistantPart[] = [
          { type: "reasoning", text: thought, signature },
          { type: "reasoning", text: "", redacted: signature },
          { type: "text", text: "Let me look." },
          { ...callOf(one, "f"), ...(carry ? { carry } : {}) },
          callOf(two, "g"),
        ];
        const told = shown(parts);
        const ids = told.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
        for (const made of ids) expect(made).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(JSON.stringify(told.filter(({ type }) => type === "reasoning"))).not.toContain(
          "signature",
        );
        const { messages } = revealState(echoed(told), "acme");
        expect(messages[1]).toEqual({
          role: "assistant",
          content: [
            { type: "reasoning", text: thought, signature, carry: own },
            { type: "reasoning", text: "", redacted: signature, carry: own },
            { type: "text", text: "Let me look." },
            { ...callOf(one, "f"), ...(carry ? { carry } : {}) },
            callOf(two, "g"),
          ],
        });
        const results = messages[2]?.role === "tool" ? messages[2].results : [];
        expect(results.map(({ callId }) => callId)).toEqual([one, two]);
      }),
    );
  });

  test("a stream hides the same as the whole", () => {
    const steps: StreamStep[] = [
      { type: "reasoning", choice: 0, text: "Let " },
      { type: "reasoning", choice: 0, text: "me" },
      { type: "reasoning", choice: 0, text: "", signature: "s1" },
      { type: "text", choice: 0, text: "Hm." },
      { type: "tool_start", choice: 0, index: 0, id: "a", name: "f" },
      { type: "reasoning", choice: 0, text: "", redacted: "r" },
      { type: "tool_start", choice: 0, index: 1, id: "b", name: "g" },
      { type: "tool_start", choice: 0, index: 2, id: "c", name: "g" },
    ];
    const hider = new StateHider(wire, "acme");
    const told = steps.flatMap((step) => hider.step(step));
    const whole = shown([
      { type: "reasoning", text: "Let me", signature: "s1" },
      { type: "text", text: "Hm." },
      callOf("a", "f"),
      { type: "reasoning", text: "", redacted: "r" },
      callOf("b", "g"),
      callOf("c", "g"),
    ]);
    const idsOf = (list: readonly (StreamStep | AssistantPart)[]) =>
      list.flatMap((one) =>
        one.type === "tool_start" || one.type === "tool_call" ? [one.id] : [],
      );
    expect(idsOf(told)).toEqual(idsOf(whole));
    expect(idsOf(told)[2]).toBe("c");
    expect(told.filter(({ type }) => type === "reasoning")).toEqual([
      { type: "reasoning", choice: 0, text: "Let " },
      { type: "reasoning", choice: 0, text: "me" },
    ]);
  });

  test("replaces what the client wrote down of the reasoning, and yields to what it kept signed", () => {
    const told = shown([{ type: "reasoning", text: "why", signature: "s" }, callOf("a", "f")]);
    const unsigned = told.map((part) =>
      part.type === "reasoning" ? { ...part, text: "wh" } : part,
    );
    const seen = revealState(echoed(unsigned), "acme").messages[1];
    expect(seen?.role === "assistant" && seen.content).toEqual([
      { type: "reasoning", text: "why", signature: "s", carry: own },
      callOf("a", "f"),
    ]);
    const signed: AssistantPart[] = [
      { type: "reasoning", text: "mine", signature: "t" },
      ...told.filter(({ type }) => type !== "reasoning"),
    ];
    const kept = revealState(echoed(signed), "acme").messages[1];
    expect(kept?.role === "assistant" && kept.content[0]).toEqual(signed[0]);
  });

  test("plain calls keep their ids, and a cut or forged one still names its call", () => {
    expect(shown([{ type: "reasoning", text: "why" }, callOf("a", "f")])).toEqual([
      { type: "reasoning", text: "why" },
      callOf("a", "f"),
    ]);
    const [, packed] = shown([
      { type: "reasoning", text: "why", signature: "s" },
      callOf("a", "f"),
    ]);
    const full = packed?.type === "tool_call" ? packed.id : "";
    for (const broken of [
      full.slice(0, -7),
      "a-lr1-",
      "a-lr1-q1YqSy0",
      `a-lr1-${"A".repeat(99)}`,
    ]) {
      const seen = revealState(echoed([callOf(broken, "f")]), "acme").messages;
      expect(seen[1]).toEqual({ role: "assistant", content: [callOf("a", "f")] });
      expect(seen[2]).toMatchObject({ results: [{ callId: "a" }] });
    }
  });

  test("stays away from every provider but the one that made it, whatever its wire", () => {
    const made = { ...callOf("a", "f"), carry: { [wire]: { thoughtSignature: "t" } } };
    const told = shown([{ type: "reasoning", text: "why", signature: "s" }, made]).map(
      (part): AssistantPart =>
        part.type === "tool_call" ? callOf(part.id, part.name, part.arguments) : part,
    );
    const bare: AssistantPart[] = [{ type: "reasoning", text: "why" }, callOf("a", "f")];
    const other = revealState(echoed(told), "other");
    expect(other.messages[1]).toEqual({ role: "assistant", content: bare });
    expect(other.messages[2]).toMatchObject({ results: [{ callId: "a" }] });
    expect(JSON.stringify(revealState(echoed(told), "acme"))).toContain('"signature":"s"');
    // Ids of an older version do not say who made their state.
    const state = { wire, reasoning: [{ text: "why", signature: "s" }] };
    const old = `a-lr1-${Buffer.from(JSON.stringify(state)).toString("base64url")}`;
    const seen = revealState(echoed([callOf(old, "f")]), "acme").messages[1];
    expect(seen).toEqual({ role: "assistant", content: [callOf("a", "f")] });
  });

  test("endless reasoning is left out, and nothing weighs more than it says", () => {
    const noise = Array.from({ length: 2000 }, (_, at) => sha256Hex(String(at)));
    const long: AssistantPart = { type: "reasoning", text: noise.join(""), signature: "s" };
    expect(shown([long, callOf("a", "f")])[1]).toEqual(callOf("a", "f"));
    const short: AssistantPart = { type: "reasoning", text: "x".repeat(9000), signature: "s" };
    const [, packed] = shown([short, callOf("a", "f")]);
    expect(packed?.type === "tool_call" && packed.id.length).toBeGreaterThan(9000);
    const deep = `a-lr1-${Buffer.from("[".repeat(9000)).toString("base64url")}`;
    const seen = revealState(echoed([callOf(deep, "f")]), "acme").messages[1];
    expect(seen?.role === "assistant" && seen.content).toEqual([callOf("a", "f")]);
  });
});

test("plainIds() gives the byte path the ids that upstreams gave, and touches no other text", () => {
  const [, call] = shown([{ type: "reasoning", text: "why", signature: "s" }, callOf("a-b", "f")]);
  const id = call?.type === "tool_call" ? call.id : "";
  const words = JSON.stringify(JSON.stringify({ id: "x-lr1-abc" }));
  const body = `{ "messages":[{"tool_calls":[{"id" : "${id}"}]},{"tool_call_id":"${id}","content":${words}}]}`;
  const plain = `{ "messages":[{"tool_calls":[{"id" : "a-b"}]},{"tool_call_id":"a-b","content":${words}}]}`;
  for (const more of ["", "é"]) {
    const bytes = encode(body + more);
    const seen = plainIds(bytes, {
      ...peeked(openaiChatClient, { model: "a/b", messages: [{ role: "user", content: "Hi" }] }),
      ascii: asciiOf(bytes),
    });
    expect(decode(seen.body)).toBe(plain + more);
    expect(seen.ask.ascii).toBe(more === "" ? plain : undefined);
  }
});
