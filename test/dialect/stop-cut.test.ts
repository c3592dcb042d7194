import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cutReply, StopCut } from "#src/dialect/stop-cut.ts";
import { shareStops, type StopShare } from "#src/dialect/stop-share.ts";
import type { AssistantPart, ReplyChoice, StreamStep } from "#src/dialect/turn.ts";
import type { Json } from "#src/lib/json.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

const left = (...stops: string[]): StopShare => ({ sent: [], left: stops });

/** What a client is shown of one choice that came in these pieces. */
function streamed(pieces: readonly string[], share: StopShare) {
  const cut = new StopCut(share, 1);
  const steps = cut.steps(pieces.map((text) => ({ type: "text", choice: 0, text })));
  const isCut = cut.isCut;
  steps.push(...cut.steps([{ type: "finish", choice: 0, finish: "stop" }]));
  const text = steps.map((step) => (step.type === "text" ? step.text : "")).join("");
  const finishes = steps.filter((step) => step.type === "finish");
  return { text, finishes: finishes.length, stopSequence: finishes[0]?.stopSequence, isCut };
}

function whole(text: string, share: StopShare) {
  const parts: AssistantPart[] = [{ type: "text", text }];
  const [choice] = cutReply({ choices: [{ index: 0, parts, finish: "stop" }] }, share).choices;
  return { text: textOf(choice), stopSequence: choice?.stopSequence };
}

function textOf(choice: ReplyChoice | undefined): string {
  return (choice?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The definition, as slowly as it can be had: the first end of any sequence, and the longest that ends there. */
function byDefinition(text: string, stops: readonly string[]) {
  for (let end = 1; end <= text.length; end++) {
    const ending = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    const [longest] = ending.toSorted((a, b) => b.length - a.length);
    if (longest !== undefined)
      return { text: text.slice(0, end - longest.length), stopSequence: longest };
  }
  return { text, stopSequence: undefined };
}

/** Few letters, so that sequences are found, begun and broken off. */
const unit = fc.constantFrom("a", "a", "a", "b", "b", "\n", "\u{1f600}");
const letters = fc.string({ unit, maxLength: 40 });
const sequences = fc.array(fc.string({ unit, minLength: 2, maxLength: 7 }), {
  minLength: 1,
  maxLength: 4,
});

describe("a cut", () => {
  test("is where the definition says, whatever the text and the sequences", () => {
    fc.assert(
      fc.property(letters, sequences, (text, stops) => {
        expect(whole(text, left(...stops))).toEqual(byDefinition(text, stops));
      }),
      { numRuns: 2000 },
    );
  });

  test("of a stream equals that of the whole, however the text was cut into pieces", () => {
    const places = fc.array(fc.nat(40), { maxLength: 8 });
    fc.assert(
      fc.property(letters, sequences, places, (text, stops, at) => {
        const ends = [...at, text.length].sort((a, b) => a - b);
        const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        const told = streamed(pieces, left(...stops));
        const { stopSequence, ...one } = whole(text, left(...stops));
        expect(told).toEqual({
          ...one,
          finishes: 1,
          stopSequence,
          isCut: stopSequence !== undefined,
        });
        expect(streamed([...text], left(...stops)).text).toBe(one.text);
      }),
      { numRuns: 2000 },
    );
  });

  test("shows at once what can be no beginning, and holds back what can", () => {
    const cut = new StopCut(left("END"), 1);
    const say = (text: string) => cut.steps([{ type: "text", choice: 0, text }]);
    expect(say("one")).toEqual([{ type: "text", choice: 0, text: "one" }]);
    expect(say(" two E")).toEqual([{ type: "text", choice: 0, text: " two " }]);
    expect(say("N")).toEqual([]);
    expect(say("EN")).toEqual([
      { type: "text", choice: 0, text: "E" },
      { type: "text", choice: 0, text: "N" },
    ]);
    expect(say("D and more")).toEqual([
      { type: "finish", choice: 0, finish: "stop", stopSequence: "END" },
    ]);
    expect(say(" that nobody sees")).toEqual([]);
  });

  test("is made in text alone: reasoning, refusals and arguments go on as they are", () => {
    const steps: StreamStep[] = [
      { type: "reasoning", choice: 0, text: "END" },
      { type: "text", choice: 0, text: "E" },
      { type: "reasoning", choice: 0, text: "ND" },
      { type: "text", choice: 0, text: "ND" },
      { type: "tool_start", choice: 0, index: 0, id: "1", name: "END" },
      { type: "tool_arguments", choice: 0, index: 0, text: '{"a":"END"}' },
      { type: "refusal", choice: 0, text: "END" },
      { type: "finish", choice: 0, finish: "tool_calls" },
    ];
    expect(new StopCut(left("END"), 1).steps(steps)).toEqual(steps);
    const parts: AssistantPart[] = [
      { type: "text", text: "E" },
      { type: "tool_call", id: "1", name: "END", arguments: '{"a":"END"}' },
      { type: "text", text: "ND" },
    ];
    const reply = { choices: [{ index: 0, parts, finish: "tool_calls" as const }] };
    expect(cutReply(reply, left("END"))).toEqual(reply);
  });

  test("leaves out what comes behind it, and lets calls before it be run", () => {
    const call = { type: "tool_call" as const, id: "1", name: "f", arguments: "{}" };
    const said = (text: string) => ({ type: "text" as const, text });
    const cut = (...parts: AssistantPart[]) =>
      cutReply({ choices: [{ index: 0, parts, finish: "length" }] }, left("END")).choices[0];
    expect(cut(said("a E"), said("ND b"), call)).toEqual({
      index: 0,
      parts: [said("a ")],
      finish: "stop",
      stopSequence: "END",
    });
    expect(cut(call, said("END b"))).toMatchObject({ parts: [call], finish: "tool_calls" });
  });

  test("of one choice leaves the others, and the upstream goes on until all are told", () => {
    const cut = new StopCut(left("END"), 2);
    const say = (choice: number, text: string) => cut.steps([{ type: "text", choice, text }]);
    say(0, "END");
    expect(cut.isCut).toBe(false);
    expect(say(1, "still")).toEqual([{ type: "text", choice: 1, text: "still" }]);
    expect(cut.isCut).toBe(false);
    say(1, "END");
    expect(cut.isCut).toBe(true);
    cut.steps([{ type: "finish", choice: 0, finish: "length" }]);
    expect(cut.isCut).toBe(true);
    cut.steps([{ type: "finish", choice: 1, finish: "length" }]);
    expect(cut.isCut).toBe(false);
  });

  test("tells no log probability and no citation of what was left out", () => {
    const token = (text: string): Json => ({ token: text, logprob: -1 });
    const logprobs = { content: [token("a "), token("b"), token(" EN"), token("D")] };
    const citations = [
      { url: "https://a.example", start: 0, end: 2 },
      { url: "https://b.example", start: 1, end: 6 },
      { url: "https://c.example", start: 5, end: 6 },
    ];
    const parts: AssistantPart[] = [{ type: "text", text: "a b END", citations }];
    const share = left("END");
    const [choice] = cutReply(
      { choices: [{ index: 0, parts, finish: "stop", logprobs }] },
      share,
    ).choices;
    expect(choice).toMatchObject({
      logprobs: { content: [token("a "), token("b")] },
      parts: [{ text: "a b ", citations: [citations[0], { ...citations[1], end: 4 }] }],
    });
    const steps = new StopCut(share, 1).steps([
      {
        type: "text",
        choice: 0,
        text: "a b EN",
        logprobs: { content: logprobs.content.slice(0, 3) },
      },
      { type: "text", choice: 0, text: "D", logprobs: { content: logprobs.content.slice(3) } },
    ]);
    expect(steps).toEqual([
      { type: "text", choice: 0, text: "a b ", logprobs: { content: [token("a "), token("b")] } },
      { type: "finish", choice: 0, finish: "stop", stopSequence: "END" },
    ]);
  });

  test("takes time in proportion to the text, also for sequences that are begun again and again", () => {
    const stop = `${"a".repeat(60_000)}b`;
    const pieces = Array.from({ length: 100_000 }, () => "a");
    const started = performance.now();
    expect(streamed(pieces, left(stop)).text).toHaveLength(100_000);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("stop sequences are shared", () => {
  test("in their order, each once and no empty one, up to what the upstream takes", () => {
    expect(shareStops(["a", "", "b", "a", "c"], 2)).toEqual({ sent: ["a", "b"], left: ["c"] });
    expect(shareStops(["a"], 0)).toEqual({ sent: [], left: ["a"] });
    const share = shareStops([" ", "a"], 4, (stop) => stop.trim() !== "");
    expect(share).toEqual({ sent: ["a"], left: [" "] });
  });

  test("within bounds of what the gateway looks for", () => {
    const many = Array.from({ length: 1005 }, (_, index) => `stop ${index}`);
    expect(shareStops(many, 5).left).toHaveLength(1000);
    for (const stops of [many, ["x".repeat(65_537)]]) {
      const { code, detail, message } = refusalOf(() => shareStops(stops, 0));
      expect([code, detail.param]).toEqual(["unsupported_feature", "stop"]);
      expect(message).not.toContain("xx");
    }
  });
});

describe("a sequence that the upstream stopped at", () => {
  const ending = (stopSequence: string | null | undefined, sent: string[]) => {
    const share = { sent, left: [] };
    const step = { type: "finish" as const, choice: 0, finish: "stop" as const, stopSequence };
    const choice = { index: 0, parts: [], finish: "stop" as const, stopSequence };
    const [told] = new StopCut(share, 1).steps([step]);
    const [shown] = cutReply({ choices: [choice] }, share).choices;
    const streamed = told?.type === "finish" ? told.stopSequence : "nothing";
    expect(shown?.stopSequence).toEqual(streamed);
    return streamed;
  };

  test("is told where it is named, or where there is no other", () => {
    expect(ending("a", ["a", "b"])).toBe("a");
    expect(ending(null, ["a"])).toBe("a");
    expect(ending(null, ["a", "b"])).toBeNull();
  });

  test("is none where the word beside the ending is none of the client's", () => {
    expect(ending("end_turn", ["a"])).toBeUndefined();
    expect(ending(undefined, ["a"])).toBeUndefined();
  });
});
