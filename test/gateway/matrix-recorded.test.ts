import { describe, expect } from "bun:test";
import { framed } from "#test/dialect/bedrock/bedrock-frames.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";
import { askIn, hi, startedForTests, testCells } from "#test/gateway/matrix-kit.ts";
import type { Wire } from "#test/gateway/matrix-answers.ts";
import { ownWire } from "#test/gateway/matrix-clients.ts";

/** Answers as they were recorded: every client is told the same, each in its own words. */

const running = startedForTests();

interface Recorded {
  file: string;
  text: string;
  reasoning: string;
  calls: [name: string, input: object][];
  input: number;
  output: number;
}

// Larger than a number of JavaScript can be exactly: the packages round it, the gateway does not.
const station = { station: 12345678901234567890 };
const two: Recorded["calls"] = [
  ["weather", station],
  ["clock", {}],
];
const zurich = "Voilà 🌦 in Zürich.";

const whole: Record<Wire, Recorded> = {
  "openai-chat": {
    ...{ file: "openai-chat/reply-tools.json", text: "", reasoning: "Two calls." },
    ...{ calls: two, input: 12, output: 9 },
  },
  "openai-responses": {
    file: "openai-responses/reply.json",
    text: 'Grüße! "model":"fake" 🌦\n.',
    reasoning: "**Looking** it up\n\nThen say",
    ...{ calls: [["weather", station]], input: 12, output: 9 },
  },
  "anthropic-messages": {
    ...{ file: "anthropic-messages/reply.json", text: "Let me look.", reasoning: "Which city?" },
    calls: [
      ["weather", { city: "Paris", ...station }],
      ["clock", {}],
    ],
    ...{ input: 450, output: 31 },
  },
  gemini: {
    ...{ file: "gemini/reply.json", text: "Let me look.", reasoning: "checking" },
    calls: [
      ["weather", { ...station, days: 2 }],
      ["weather", {}],
      ["clock", {}],
    ],
    ...{ input: 23, output: 22 },
  },
  "cohere-v2": {
    ...{ file: "cohere-v2/reply-tools.json", text: "I will look it up.", reasoning: "" },
    ...{ calls: two, input: 31, output: 24 },
  },
  "bedrock-converse": {
    ...{ file: "bedrock-converse/reply.json", text: "Let me look.", reasoning: "Look it up." },
    ...{ calls: two, input: 167, output: 31 },
  },
};

const streamed: Record<Wire, Recorded> = {
  "openai-chat": {
    ...{ file: "openai-chat/stream-tools.sse", text: "", reasoning: "" },
    ...{ calls: two, input: 12, output: 9 },
  },
  "openai-responses": {
    ...{ file: "openai-responses/stream-tools.sse", text: "", reasoning: "" },
    ...{ calls: [...two, ["whole", { a: 1 }]], input: 12, output: 9 },
  },
  "anthropic-messages": {
    ...{ file: "anthropic-messages/stream-tools.sse", text: zurich, reasoning: "Two calls." },
    ...{ calls: two, input: 127, output: 31 },
  },
  gemini: {
    ...{ file: "gemini/stream-tools.sse", text: zurich, reasoning: "Two calls." },
    ...{ calls: two, input: 20, output: 21 },
  },
  "cohere-v2": {
    ...{ file: "cohere-v2/stream-tools.sse", text: "I will look.", reasoning: "" },
    ...{ calls: two, input: 31, output: 24 },
  },
  "bedrock-converse": {
    ...{ file: "stream-tools.events", text: zurich, reasoning: "Two calls." },
    ...{ calls: two, input: 167, output: 31 },
  },
};

describe("a recorded answer with calls", () => {
  testCells(async (cell) => {
    const { client, wire } = cell;
    const recorded = (cell.streamed ? streamed : whole)[wire];
    const body = cell.streamed ? await streamIn(wire, recorded.file) : await fixture(recorded.file);
    const stream =
      wire === "bedrock-converse" ? "application/vnd.amazon.eventstream" : "text/event-stream";
    const headers = { "content-type": cell.streamed ? stream : "application/json" };
    running().answers(() => new Response(new Uint8Array(body), { headers }));
    const told = await askIn(running(), cell, hi[client]);
    expect(told).toMatchObject({
      status: 200,
      texts: [recorded.text],
      reasoning: recorded.reasoning,
      calls: recorded.calls.map(([name, input]) => ({
        name,
        // Empty arguments are passed on as they are to clients of the upstream's own wire.
        input: wire === ownWire[client] ? expect.anything() : input,
      })),
      tokens: { input: recorded.input, output: recorded.output },
    });
    // An upstream of the client's own wire may give none.
    const ids = new Set(told.calls.map(({ id }) => id));
    if (wire !== ownWire[client]) expect(ids.size).toBe(told.calls.length);
  });
});

function streamIn(wire: Wire, file: string): Promise<Uint8Array> {
  return wire === "bedrock-converse" ? framed(file) : fixture(file);
}
