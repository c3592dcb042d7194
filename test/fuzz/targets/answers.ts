import { type DialectId, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { readErrorOf, upstreamDialect } from "#src/dialect/upstreams.ts";
import type { Front } from "#src/gateway/context.ts";
import { meterOf } from "#src/dialect/meter/meter.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { recorded, requests, written } from "#test/fuzz/seeds.ts";
import { membersIn } from "#test/fuzz/json-spans.ts";
import { chanceOf, claim, isFinish, kindOf, never, type Target } from "#test/fuzz/target.ts";
import {
  chatFronts,
  fronts,
  rawOf,
  summary,
  vectorFronts,
  vectorWires,
  wires,
} from "#test/fuzz/targets/wires.ts";
import { cuts } from "#test/fuzz/targets/cuts.ts";

/*
 * Whole answers of providers: read, metered, and shown to every client; and what goes wrong, in their words.
 */

const isGarbage = (thrown: unknown): boolean =>
  thrown instanceof UpstreamStreamError && thrown.message.length <= 1000;

const chat: Target[] = [...wires, "openai-completions" as const].map((wire) => ({
  name: `answer-${wire}`,
  shape: "json",
  seeds: async () => [
    ...(await recorded(`${wire}/{reply*,blocked}.json`)),
    ...(wire === "openai-completions"
      ? written({
          id: "cmpl-1",
          object: "text_completion",
          created: 1,
          model: "m",
          choices: [{ text: "Hi", index: 0, logprobs: null, finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
        })
      : []),
  ],
  read: (input) => readAnswer(wire, input),
  refuses: isGarbage,
  growth: 100,
}));

const vectors: Target[] = vectorWires.map((wire) => ({
  name: `answer-${wire}`,
  shape: "json",
  seeds: async () => [
    ...(await recorded(
      `${wire === "cohere-v2-embed" ? "cohere-embed" : wire}/{reply,batch,single}.json`,
    )),
    ...written(
      { data: [{ index: 0, embedding: "AACAPwAAAEA=" }], usage: { prompt_tokens: 3 } },
      { embedding: { values: [0.1, 0.2] } },
      { embeddings: { float: [[0.1, 0.2]] }, meta: { billed_units: { input_tokens: 3 } } },
    ),
  ],
  read: (input) => readVectors(wire, input),
  refuses: isGarbage,
  growth: 100,
}));

const errors: Target[] = [...wires, "gemini-embed" as const].map((wire) => ({
  name: `error-${wire}`,
  shape: "json",
  seeds: async () => [
    ...(await recorded("*/error.json")),
    ...written(
      "<html>Bad gateway</html>",
      { error: "no" },
      { detail: [{ msg: "no", loc: ["a"] }] },
    ),
  ],
  read(input) {
    const fault = readErrorOf(wire)(429, new Uint8Array(input));
    const error = new AppError("upstream_rejected", fault.message, { param: fault.param });
    const told = chatFronts.map(([, front]) => rawOf(front.writeError(error).body));
    for (const text of told) claim(isJson(text), "an error is told in JSON");
    return [kindOf(fault), JSON.stringify(fault), ...told];
  },
  refuses: never,
  growth: 100,
}));

const meters: Target[] = (
  ["application/json", "text/event-stream", "application/vnd.amazon.eventstream"] as const
).map((type) => ({
  name: `meter-${type.replace(/^.*[./]/, "")}`,
  shape: type === "application/json" ? "json" : type === "text/event-stream" ? "events" : "frames",
  seeds: () =>
    recorded(
      type === "application/json"
        ? "*/{reply*,error,blocked,single,batch}.json"
        : type === "text/event-stream"
          ? "*/*.sse"
          : "*/*.events",
    ),
  read(input) {
    const told = [[new Uint8Array(input)], ...cuts(input)].map((pieces) => {
      const meter = meterOf(type, "test");
      for (const piece of pieces) meter.push(piece);
      meter.finish();
      const { id, usage, outputBytes, ended, failed, cut } = meter;
      return JSON.stringify({ id, usage, outputBytes, ended, failed, cut });
    });
    claim(new Set(told).size === 1, "a meter reads the same however the bytes are cut");
    return [(told[0] ?? "").replaceAll(/\d+|"id":"[^"]*"/g, "0").slice(0, 300), told[0] ?? ""];
  },
  refuses: never,
}));

export const answerTargets: readonly Target[] = [...chat, ...vectors, ...errors, ...meters];

function readAnswer(wire: DialectId, input: Uint8Array): string[] {
  const body = new Uint8Array(input);
  const told: string[] = [];
  if (wire !== "openai-completions")
    for (const { finish } of upstreamDialect(wire).readReply(body).reply.choices)
      claim(isFinish(finish), "an answer ends in one of our words");
  const shown = chatFronts.filter(
    ([, front]) => (wire === "openai-completions") === (front === fronts.completions),
  );
  for (const [name, front] of shown) {
    const asked = requests[name][0];
    const ask = front.peek(encode(JSON.stringify(asked)), "http://gateway/v1beta/models/a:b");
    const stops = chanceOf(input).once(3) ? { sent: ["END"], left: ["e", "\n\n"] } : undefined;
    told.push(...answered(front, wire, body, { ask, stops }));
  }
  return [
    kindOf(told).slice(0, 10) +
      told
        .map((text) => text.slice(0, 80))
        .join()
        .replaceAll(/\d+/g, "0"),
    ...told,
  ];
}

function answered(
  front: Front,
  wire: DialectId,
  body: Uint8Array,
  { ask, stops }: { ask: Parameters<Front["whole"]>[2]; stops?: Parameters<Front["whole"]>[4] },
): string[] {
  const whole = front.whole(wire, body, ask, "test", stops);
  claim(isUsage(whole.usage), "tokens are counts");
  const text = rawOf(whole.attach({ ...summary, usage: whole.usage }));
  claim(isJson(text), `the answer of ${wire} is shown in JSON to a client of ${front.wire}`);
  if (wire === front.wire) keepsUnknown(Buffer.from(body).toString("latin1"), text);
  return [kindOf(whole.usage), String(whole.id), text];
}

function readVectors(wire: DialectId, input: Uint8Array): string[] {
  const told: string[] = [];
  for (const [name, front] of Object.entries(vectorFronts)) {
    const url = "http://gateway/v1beta/models/a:embedContent";
    const body =
      name === "embeddings"
        ? { model: "a/b", input: ["x"], encoding_format: "base64" }
        : name === "embed-content"
          ? { content: { parts: [{ text: "Hi" }] } }
          : { requests: [{ model: "models/a", content: { parts: [{ text: "Hi" }] } }] };
    const ask = front.peek(encode(JSON.stringify(body)), url);
    told.push(...answered(front, wire, new Uint8Array(input), { ask }));
  }
  return [
    told
      .map((text) => text.slice(0, 60))
      .join()
      .replaceAll(/[-\d.e]+/g, "0"),
    ...told,
  ];
}

function isUsage(usage: { input: object; output: object } | undefined): boolean {
  if (usage === undefined) return true;
  const counts: unknown[] = [...Object.values(usage.input), ...Object.values(usage.output)];
  return counts.every((count) => typeof count === "number" && Number.isFinite(count) && count >= 0);
}

function isJson(raw: string): boolean {
  try {
    JSON.parse(new TextDecoder().decode(Buffer.from(raw, "latin1")));
    return true;
  } catch {
    return false;
  }
}

function keepsUnknown(told: string, shown: string): void {
  const left = membersIn(shown);
  for (const [name, value] of membersIn(told)) {
    if (!name.startsWith("x_")) continue;
    claim(left.get(name) === value, "a member that nobody knows is shown byte for byte");
  }
}
