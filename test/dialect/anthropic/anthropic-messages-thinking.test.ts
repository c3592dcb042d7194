import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import type { Message, Reasoning, Turn } from "#src/dialect/turn.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { bodyOf, callOf, resultsOf, say, targetOf, turnOf } from "#test/dialect/upstream-kit.ts";
import { shares } from "#test/dialect/shares.ts";

const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  anthropicMessagesUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const weather = {
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

describe("reasoning by effort levels", () => {
  const reasoning = { efforts: ["low", "medium", "high"] };
  const said = (turn: Partial<Turn>, control: ReasoningControl = reasoning) => {
    const { thinking, output_config, max_tokens } = body(turn, { reasoning: control });
    return {
      thinking,
      effort: isObject(output_config) ? output_config.effort : undefined,
      max_tokens,
    };
  };
  const shown = { type: "adaptive", display: "summarized" };
  const rows: [Reasoning, JsonObject | undefined, string | undefined][] = [
    [{ effort: "none" }, { type: "disabled" }, undefined],
    [{ effort: "minimal" }, shown, "low"],
    [{ effort: "low" }, shown, "low"],
    [{ effort: "medium" }, shown, "medium"],
    [{ effort: "high" }, shown, "high"],
    [{ effort: "xhigh" }, shown, "high"],
    [{ effort: "max" }, shown, "high"],
    [{ budgetTokens: 3000 }, shown, "medium"],
    [{}, shown, undefined],
    [{ exclude: true }, undefined, undefined],
    [{ effort: "low", exclude: true }, { type: "adaptive", display: "omitted" }, "low"],
  ];
  for (const [wanted, thinking, effort] of rows) {
    test(`${JSON.stringify(wanted)} is ${JSON.stringify(thinking)} with effort ${effort}`, () => {
      expect(said({ reasoning: wanted })).toMatchObject({ thinking, effort });
    });
  }
  test("a model that always thinks gets its lowest effort for none", () => {
    const always = { ...reasoning, mandatory: true };
    expect(said({ reasoning: { effort: "none" } }, always)).toMatchObject({
      thinking: shown,
      effort: "low",
    });
  });
  test("thinking and answer stay together within the client's limit, else within what is held", () => {
    expect(said({ reasoning: { effort: "high" } }).max_tokens).toBe(4096);
    expect(said({ reasoning: { effort: "high" }, maxOutputTokens: 500 }).max_tokens).toBe(500);
  });
  test("a demanded call switches thinking off and says so", () => {
    const turn = {
      tools: [weather],
      toolChoice: "required" as const,
      reasoning: { effort: "high" as const },
    };
    const request = write(turn, { reasoning });
    expect(bodyOf(request)).toMatchObject({
      thinking: { type: "disabled" },
      tool_choice: { type: "any" },
    });
    expect(request.dropped).toEqual(["reasoning"]);
  });
});

describe("reasoning by budget", () => {
  const reasoning = { budget: { min: 1024, max: 32_000 } };
  const said = (turn: Partial<Turn>) => {
    const { thinking, max_tokens } = body(turn, { reasoning, heldOutputTokens: 40_000 });
    return [isObject(thinking) ? thinking.budget_tokens : undefined, max_tokens];
  };
  const rows: [Reasoning, number | undefined][] = [
    [{ effort: "none" }, undefined],
    [{ effort: "minimal" }, 1024],
    [{ effort: "low" }, 2048],
    [{ effort: "medium" }, 8192],
    [{ effort: "high" }, 16_384],
    [{ effort: "xhigh" }, 32_000],
    [{ effort: "max" }, 32_000],
    [{ budgetTokens: 5000 }, 5000],
    [{ budgetTokens: 10 }, 1024],
    [{ budgetTokens: 90_000 }, 32_000],
    [{ budgetTokens: 0 }, undefined],
    [{}, 8192],
  ];
  for (const [wanted, budget] of rows) {
    test(`${JSON.stringify(wanted)} is a budget of ${budget}`, () => {
      expect(said({ reasoning: wanted })).toEqual([budget, 40_000]);
    });
  }
  test.each(shares)("%s is %d per cent of the client's limit", (effort, share) => {
    const most = 20_000;
    expect(said({ reasoning: { effort }, maxOutputTokens: most })).toEqual([share * 200, most]);
  });
  test("a share is of what the model can say, and within what it can think", () => {
    const high = { reasoning: { effort: "high" as const }, maxOutputTokens: 90_000 };
    expect(said({ ...high, maxOutputTokens: 60_000 })).toEqual([32_000, 60_000]);
    const short = body(high, { reasoning, maxOutputTokens: 30_000 });
    expect(short).toMatchObject({ max_tokens: 30_000, thinking: { budget_tokens: 24_000 } });
    const minimal = { reasoning: { effort: "minimal" as const }, maxOutputTokens: 5000 };
    expect(said(minimal)).toEqual([1024, 5000]);
    expect(said({ reasoning: {}, maxOutputTokens: 5000 })).toEqual([2500, 5000]);
  });
  test("a budget fits into what is held where the client sets no limit", () => {
    const { thinking, max_tokens } = body({ reasoning: { effort: "high" } }, { reasoning });
    expect([thinking, max_tokens]).toEqual([{ type: "enabled", budget_tokens: 3276 }, 4096]);
  });
  test("the budget stays below the client's limit, or thinking is dropped by name", () => {
    const high = { effort: "high" as const };
    expect(said({ reasoning: high, maxOutputTokens: 10_000 })).toEqual([8000, 10_000]);
    expect(said({ reasoning: high, maxOutputTokens: 1100 })).toEqual([1024, 1100]);
    expect(said({ reasoning: high, maxOutputTokens: 1024 })).toEqual([undefined, 1024]);
    expect(write({ reasoning: high, maxOutputTokens: 1024 }, { reasoning }).dropped).toEqual([
      "reasoning",
    ]);
  });
  test("any budget and limit make a valid pair", () => {
    const numbers = fc.integer({ min: 1, max: 200_000 });
    fc.assert(
      fc.property(numbers, numbers, (budgetTokens, maxOutputTokens) => {
        const [budget, most] = said({ reasoning: { budgetTokens }, maxOutputTokens });
        expect(Number(most)).toBeLessThanOrEqual(maxOutputTokens);
        if (budget === undefined) return;
        expect(Number(budget)).toBeGreaterThanOrEqual(1024);
        expect(Number(budget)).toBeLessThan(Number(most));
      }),
    );
  });
  test("a demanded call, a prefill and an unsigned tool loop switch thinking off and say so", () => {
    const calls: Message = { role: "assistant", content: [callOf("a", "f")] };
    const turns: Partial<Turn>[] = [
      { tools: [weather], toolChoice: { name: "weather" } },
      { messages: [say("user", "Hi"), say("assistant", "Once")] },
      { messages: [say("user", "Hi"), calls, resultsOf(["a", "1"])] },
    ];
    for (const turn of turns) {
      const request = write({ ...turn, reasoning: { effort: "low" } }, { reasoning });
      expect(bodyOf(request).thinking).toBeUndefined();
      expect(request.dropped).toEqual(["reasoning"]);
    }
  });
  test("a signed tool loop keeps thinking", () => {
    const signed: Message = {
      role: "assistant",
      content: [{ type: "reasoning", text: "hm", signature: "s" }, callOf("a", "f")],
    };
    expect(
      said({
        messages: [say("user", "Hi"), signed, resultsOf(["a", "1"])],
        reasoning: { effort: "low" },
      })[0],
    ).toBe(2048);
  });
});

test("reasoning is dropped by name on a model that has none", () => {
  expect(write({ reasoning: { effort: "high" } }).dropped).toEqual(["reasoning"]);
  expect(write({ reasoning: { effort: "none" } }).dropped).toEqual([]);
});

describe("sampling", () => {
  const thinking = { reasoning: { budget: {} } };
  const low = { effort: "low" as const };
  const rows: [string, Partial<Turn>, Partial<Target>, JsonObject, string[]][] = [
    ["temperature is clamped to 1", { temperature: 1.7 }, {}, { temperature: 1 }, []],
    ["top_p and top_k go", { topP: 0.5, topK: 3 }, {}, { top_p: 0.5, top_k: 3 }, []],
    [
      "temperature beats top_p",
      { temperature: 0.2, topP: 0.5 },
      {},
      { temperature: 0.2 },
      ["top_p"],
    ],
    ["a top_p of 1 asks for nothing", { temperature: 0.2, topP: 1 }, {}, { temperature: 0.2 }, []],
    [
      "models without sampling take none",
      { temperature: 0.2, topP: 0.5, topK: 3 },
      { samplingParams: false },
      {},
      ["temperature", "top_p", "top_k"],
    ],
    [
      "thinking takes no temperature or top_k",
      { temperature: 0.2, topK: 3, reasoning: low },
      thinking,
      {},
      ["temperature", "top_k"],
    ],
    ["thinking takes a wide top_p", { topP: 0.97, reasoning: low }, thinking, { top_p: 0.97 }, []],
    ["thinking takes no narrow top_p", { topP: 0.5, reasoning: low }, thinking, {}, ["top_p"]],
  ];
  for (const [name, turn, target, members, dropped] of rows) {
    test(name, () => {
      const request = write(turn, target);
      const { temperature, top_p, top_k } = bodyOf(request);
      expect({ temperature, top_p, top_k }).toEqual({
        temperature: undefined,
        top_p: undefined,
        top_k: undefined,
        ...members,
      });
      expect(request.dropped).toEqual(dropped);
    });
  }
});

test("a model of budgets that grades its effort adapts only where it knows the effort max", () => {
  const think = (efforts: string[], reasoning: Reasoning) =>
    body({ reasoning }, { reasoning: { efforts, budget: { min: 1024 } }, heldOutputTokens: 40_000 })
      .thinking;
  const older = ["low", "medium", "high"];
  expect(think(older, { effort: "high" })).toEqual({ type: "enabled", budget_tokens: 16_384 });
  expect(think([...older, "max"], { effort: "high" })).toMatchObject({ type: "adaptive" });
  expect(think([...older, "max"], { budgetTokens: 3000 })).toMatchObject({ budget_tokens: 3000 });
});
