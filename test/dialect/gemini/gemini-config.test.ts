import { describe, expect, test } from "bun:test";
import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import type { Reasoning, Turn } from "#src/dialect/turn.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { bodyOf, refusalOf, targetOf, turnOf } from "#test/dialect/upstream-kit.ts";
import { shares } from "#test/dialect/shares.ts";

const write = (turn: Partial<Turn>, target: Partial<Target> = {}) =>
  geminiUpstream.writeRequest(turnOf(turn), targetOf(target));
const config = (turn: Partial<Turn>, target: Partial<Target> = {}) => {
  const said = bodyOf(write(turn, target)).generationConfig;
  return isObject(said) ? said : undefined;
};

test("limits, sampling, stops, choices, seed and penalties have their own names", () => {
  const turn = {
    maxOutputTokens: 100_000,
    temperature: 1.7,
    topP: 0.5,
    topK: 3,
    stop: ["", "END"],
    choices: 2,
    seed: 7,
    frequencyPenalty: 0.5,
    presencePenalty: -0.5,
  };
  expect(config(turn)).toEqual({
    maxOutputTokens: 64_000,
    temperature: 1.7,
    topP: 0.5,
    topK: 3,
    stopSequences: ["END"],
    candidateCount: 2,
    seed: 7,
    frequencyPenalty: 0.5,
    presencePenalty: -0.5,
  });
  expect(write(turn).dropped).toEqual([]);
});

test("models without sampling take none, and it is said by name", () => {
  const request = write({ temperature: 0.2, topP: 0.5, topK: 3 }, { samplingParams: false });
  expect(bodyOf(request).generationConfig).toBeUndefined();
  expect(request.dropped).toEqual(["temperature", "top_p", "top_k"]);
});

test("five stops are sent, and the others left to the gateway", () => {
  const request = write({ stop: ["a", "b", "c", "d", "e", "f"] });
  expect(bodyOf(request)).toMatchObject({
    generationConfig: { stopSequences: ["a", "b", "c", "d", "e"] },
  });
  expect(request).toMatchObject({ dropped: [], stops: { left: ["f"] } });
});

test("log probabilities are asked for, of a stream too", () => {
  const extra = { logprobs: true, top_logprobs: 4 };
  expect(config({ extra })).toEqual({ responseLogprobs: true, logprobs: 4 });
  expect(write({ extra }).dropped).toEqual([]);
  expect(config({ extra, stream: true })).toEqual({ responseLogprobs: true, logprobs: 4 });
});

test("members the wire cannot say are dropped by name, hints to a cache in silence", () => {
  const hints = { cache_control: { type: "ephemeral" }, prompt_cache_key: "k" };
  expect(write({ extra: hints }).dropped).toEqual([]);
  const extra = { logit_bias: { 1: 2 }, verbosity: "low", store: false, metadata: null };
  expect(write({ extra }).dropped.sort()).toEqual(["logit_bias", "verbosity"]);
  const audio = { modalities: ["audio"] };
  expect(refusalOf(() => write({ extra: audio })).code).toBe("unsupported_feature");
});

test("response formats are a media type, with the schema where there is one", () => {
  const schema = { type: "object", additionalProperties: false };
  const responseFormat = { type: "json_schema" as const, name: "x", schema };
  const json = { responseMimeType: "application/json" };
  expect(config({ responseFormat: { type: "json_object" } })).toEqual(json);
  expect(config({ responseFormat })).toEqual({ ...json, responseJsonSchema: schema });
  const error = refusalOf(() => write({ responseFormat }, { jsonSchema: false }));
  expect(error.code).toBe("unsupported_feature");
});

const thinking = (reasoning: Reasoning, control: ReasoningControl, turn: Partial<Turn> = {}) =>
  config({ ...turn, reasoning }, { reasoning: control })?.thinkingConfig;
const named = (reasoning: Reasoning) => JSON.stringify(reasoning);

describe("reasoning by level", () => {
  const control = { efforts: ["minimal", "low", "medium", "high"] };
  const rows: [Reasoning, JsonObject][] = [
    [{ effort: "none" }, { thinkingLevel: "MINIMAL", includeThoughts: false }],
    [{ effort: "minimal" }, { thinkingLevel: "MINIMAL", includeThoughts: true }],
    [{ effort: "low" }, { thinkingLevel: "LOW", includeThoughts: true }],
    [{ effort: "medium" }, { thinkingLevel: "MEDIUM", includeThoughts: true }],
    [{ effort: "high" }, { thinkingLevel: "HIGH", includeThoughts: true }],
    [{ effort: "xhigh" }, { thinkingLevel: "HIGH", includeThoughts: true }],
    [{ effort: "max" }, { thinkingLevel: "HIGH", includeThoughts: true }],
    [{ budgetTokens: 2000 }, { thinkingLevel: "LOW", includeThoughts: true }],
    [{ exclude: true }, { includeThoughts: false }],
    [{}, { includeThoughts: true }],
  ];
  for (const [wanted, said] of rows) {
    test(`${named(wanted)} is ${JSON.stringify(said)}`, () => {
      expect(thinking(wanted, control)).toEqual(said);
    });
  }
  test("a medium that the model lacks is high", () => {
    const said = thinking({ effort: "medium" }, { efforts: ["low", "high"] });
    expect(said).toMatchObject({ thinkingLevel: "HIGH" });
  });
  test("level and budget are never sent together", () => {
    const both = { ...control, budget: { min: 0, max: 1000 } };
    expect(thinking({ budgetTokens: 500 }, both)).toEqual({
      thinkingBudget: 500,
      includeThoughts: true,
    });
    expect(thinking({ effort: "low" }, both)).toEqual({
      thinkingLevel: "LOW",
      includeThoughts: true,
    });
  });
});

describe("reasoning by budget", () => {
  const control = { budget: { min: 0, max: 30_000 } };
  const rows: [Reasoning, number][] = [
    [{ effort: "none" }, 0],
    [{ effort: "minimal" }, 1024],
    [{ effort: "low" }, 2048],
    [{ effort: "medium" }, 8192],
    [{ effort: "high" }, 24_576],
    [{ effort: "xhigh" }, 30_000],
    [{ effort: "max" }, 30_000],
    [{ budgetTokens: 5000 }, 5000],
    [{ budgetTokens: 90_000 }, 30_000],
  ];
  for (const [wanted, thinkingBudget] of rows) {
    test(`${named(wanted)} is a budget of ${thinkingBudget}`, () => {
      expect(thinking(wanted, control)).toMatchObject({ thinkingBudget });
    });
  }
  test.each(shares)("%s is %d per cent of the client's limit", (effort, share) => {
    const said = thinking({ effort }, control, { maxOutputTokens: 20_000 });
    expect(said).toMatchObject({ thinkingBudget: share * 200 });
  });
  test("a share is within what the model can think, and no share switches thinking off", () => {
    const little = thinking({ effort: "minimal" }, control, { maxOutputTokens: 9 });
    expect(little).toEqual({ thinkingBudget: 1, includeThoughts: true });
    const said = thinking({ effort: "max" }, control, { maxOutputTokens: 60_000 });
    expect(said).toMatchObject({ thinkingBudget: 30_000 });
  });
  test("a model that always thinks gets its least budget for none", () => {
    const always = { budget: { min: 128, max: 30_000 }, mandatory: true };
    expect(thinking({ effort: "none" }, always)).toEqual({
      thinkingBudget: 128,
      includeThoughts: false,
    });
  });
  test("a model that always thinks keeps its least budget under any limit", () => {
    const always = { budget: { min: 128, max: 30_000 }, mandatory: true };
    const said = thinking({ effort: "low" }, always, { maxOutputTokens: 100 });
    expect(said).toMatchObject({ thinkingBudget: 128 });
  });
  test("the budget leaves room for the answer", () => {
    expect(thinking({ effort: "high" }, control, { maxOutputTokens: 1000 })).toMatchObject({
      thinkingBudget: 800,
    });
  });
});

test("reasoning is dropped by name on a model that has none", () => {
  expect(write({ reasoning: { effort: "high" } }).dropped).toEqual(["reasoning"]);
  expect(write({ reasoning: { effort: "none" } }).dropped).toEqual([]);
});

test("pictures are of low resolution where each of them asks for it", () => {
  const picture = (detail?: string) => ({
    type: "image" as const,
    source: { mediaType: "image/png", base64: "AAAA" },
    detail,
  });
  const resolution = (...details: (string | undefined)[]) =>
    config({ messages: [{ role: "user", content: details.map(picture) }] })?.mediaResolution;
  expect(resolution("low", "low")).toBe("MEDIA_RESOLUTION_LOW");
  expect(resolution("low", "high")).toBeUndefined();
  expect(resolution(undefined)).toBeUndefined();
});
