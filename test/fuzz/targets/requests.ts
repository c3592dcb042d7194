import type { Ask, DialectId, Target as Upstream } from "#src/dialect/dialect.ts";
import { peekCount as peekMessagesCount } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { retargetCount as retargetMessagesCount } from "#src/dialect/anthropic/anthropic-client-splice.ts";
import { peekCount as peekGeminiCount } from "#src/dialect/gemini/gemini-client-peek.ts";
import { retargetCount as retargetGeminiCount } from "#src/dialect/gemini/gemini-client-splice.ts";
import { openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { askToThink } from "#src/dialect/think.ts";
import type { Front } from "#src/gateway/context.ts";
import { AppError } from "#src/lib/error.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";
import { membersIn } from "#test/fuzz/json-spans.ts";
import { recorded, requests, written } from "#test/fuzz/seeds.ts";
import { chanceOf, claim, refusesClients, type Target } from "#test/fuzz/target.ts";
import {
  chatFronts,
  fronts,
  noDocuments,
  rawOf,
  vectorFronts,
  vectorWires,
  wires,
} from "#test/fuzz/targets/wires.ts";

/*
 * What clients send: read, checked, and written for every wire. To its own wire, members that nobody knows arrive byte
 * for byte.
 */

const url = "http://gateway/v1beta/models/google/gemini-2.5-flash:generateContent";

/** Models differ in what they take. */
const upstreams: readonly Upstream[] = [
  targetOf(),
  targetOf({ reasoning: { efforts: ["low", "high"], mandatory: true }, maxOutputTokens: 4096 }),
  targetOf({
    samplingParams: false,
    jsonSchema: false,
    reasoning: { budget: { min: 1024, max: 8000 } },
  }),
  ...["openai", "anthropic", "google", "mistral", "deepseek", "groq", "xai", "cohere"].map(
    (provider) =>
      targetOf({
        provider,
        reasoning: { efforts: ["low", "medium", "high"] },
        overrides: { store: false },
      }),
  ),
];

const chat: Target[] = chatFronts.map(([name, front]) => ({
  name: `request-${name}`,
  shape: "json",
  seeds: async () => [
    ...written(...requests[name]),
    ...(name === "messages" ? await recorded("anthropic-messages/request*.json") : []),
    ...(name === "gemini" ? await recorded("gemini/{client-request,request*}.json") : []),
    ...(name === "chat" ? await recorded("openai-chat/request*.json") : []),
    ...(name === "responses" ? await recorded("openai-responses/request*.json") : []),
  ],
  read: (input) => readRequest(front, input, name === "completions" ? [front.wire] : wires),
  refuses: refusesClients,
  growth: 400,
}));

const vectors: Target[] = Object.entries(vectorFronts).map(([name, front]) => ({
  name: `request-${name}`,
  shape: "json",
  seeds: async () =>
    name === "embeddings"
      ? written(...requests.embeddings)
      : [
          ...(await recorded("gemini-embed/*.json")),
          ...written(
            {
              content: { parts: [{ text: "Hi" }] },
              taskType: "RETRIEVAL_QUERY",
              outputDimensionality: 8,
            },
            { requests: [{ model: "models/x", content: { parts: [{ text: "Hi" }] }, title: "t" }] },
          ),
        ],
  read: (input) => readRequest(front, input, vectorWires),
  refuses: refusesClients,
  growth: 400,
}));

/** Requests whose tokens are counted and not run. */
const counts: Target[] = [
  { name: "messages" as const, peek: peekMessagesCount, retarget: retargetMessagesCount },
  { name: "gemini" as const, peek: peekGeminiCount, retarget: retargetGeminiCount },
].map(({ name, peek, retarget }) => ({
  name: `count-${name}`,
  shape: "json",
  seeds: async () => [
    ...written(...requests[name]),
    ...written({ generateContentRequest: { model: "models/x", ...requests.gemini[0] } }),
  ],
  read(input) {
    const body = new Uint8Array(input);
    const ask = peek(body, url);
    const { path, body: sends } = retarget(body, ask, chanceOf(input).pick(upstreams));
    const raw = rawOf(sends);
    JSON.parse(new TextDecoder().decode(Buffer.from(raw, "latin1")));
    return [`counted ${path.slice(0, 40)}`, raw];
  },
  refuses: refusesClients,
}));

/** Requests with documents by address, which are put in their place. */
const inlined: Target = {
  name: "request-inlined",
  shape: "json",
  seeds: async () =>
    written({
      model: "a/b",
      messages: [
        {
          role: "user",
          content: [
            { type: "file", file: { file_data: "https://example.com/a.pdf", filename: "a.pdf" } },
            { type: "file", file: { file_data: "https://example.com/b.pdf" } },
            { type: "text", text: "é" },
          ],
        },
      ],
      x_a: 1.0,
    }),
  read(input) {
    const body = new Uint8Array(input);
    const ask = fronts.chat.peek(body, url);
    const upstream = targetOf({ provider: "mistral" });
    const needed = openaiChatSplice.addresses?.(ask, upstream) ?? [];
    const uris = new Map(needed.map(({ url: at }) => [at, "data:application/pdf;base64,JVBERi0="]));
    const put = openaiChatSplice.inline?.(body, ask, uris);
    if (put === undefined) return ["no documents"];
    const { body: sends, dropped } = openaiChatSplice.retarget(put.body, put.ask, upstream);
    const raw = rawOf(sends);
    JSON.parse(new TextDecoder().decode(Buffer.from(raw, "latin1")));
    keepsUnknown(body, raw, dropped);
    return [`${Math.min(5, needed.length)}`, raw];
  },
  refuses: refusesClients,
};

export const requestTargets: readonly Target[] = [...chat, ...vectors, ...counts, inlined];

function readRequest(front: Front, input: Uint8Array, to: readonly DialectId[]): string[] {
  const body = new Uint8Array(input);
  const ask = front.peek(body, url);
  claim(Number.isFinite(ask.inputTokensAtMost), "the bound of the prompt's tokens is a number");
  claim(ask.inputTokensAtMost >= 0, "the bound of the prompt's tokens is not below 0");
  const upstream = chanceOf(input).pick(upstreams);
  const told = [`asked ${String(ask.stream)} ${ask.choices}`];
  for (const wire of to) told.push(...sent(front, wire, body, { ...ask }, upstream));
  const thinking = { ...upstream, reasoning: upstream.reasoning ?? {} };
  if (ask.kind === "chat") {
    const asked = attempt(() => askToThink(body, { ...ask }, thinking.reasoning));
    if (typeof asked === "string") told.push(asked);
    else told.push(...sent(front, front.wire, asked.body, asked.ask, thinking));
  }
  told[0] = told
    .map((text) => text.slice(0, 60))
    .join()
    .replaceAll(/\d+/g, "0");
  return told;
}

/** The request as it goes out in a wire, in few words and whole; or how it is refused. */
function sent(
  front: Front,
  wire: DialectId,
  body: Uint8Array,
  ask: Ask,
  upstream: Upstream,
): string[] {
  const written = attempt(() => front.request(wire, body, ask, upstream, noDocuments));
  if (typeof written === "string") return [written];
  if (written instanceof Promise) {
    // Documents by address: there are none to be had.
    written.catch(() => {});
    return [`${wire} waits`];
  }
  claim(written.path.startsWith("/"), `the path for ${wire} begins with a slash`);
  claim(!/[\s\0-\x1f]/.test(written.path), `the path for ${wire} has no white space`);
  const raw = rawOf(written.body);
  const text = new TextDecoder().decode(Buffer.from(raw, "latin1"));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    claim(false, `what is sent to ${wire} is JSON`);
  }
  claim(typeof parsed === "object" && parsed !== null, `what is sent to ${wire} is an object`);
  if (wire === front.wire) keepsUnknown(body, raw, written.dropped);
  return [`${wire} ${written.dropped.join()}`, raw];
}

/** What was refused for one wire may be taken by another. */
function attempt<T>(call: () => T): T | string {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof AppError && refusesClients(thrown))
      return `refused ${thrown.code} ${thrown.detail.param ?? ""}`;
    throw thrown;
  }
}

/** Members that nobody has a word for are what they were, byte for byte, or the client is told that they are left out. */
function keepsUnknown(body: Uint8Array, sends: string, dropped: readonly string[]): void {
  const left = membersIn(sends);
  for (const [name, value] of membersIn(Buffer.from(body).toString("latin1"))) {
    // State of another wire is taken off the ids of calls, wherever they stand.
    if (!name.startsWith("x_") || value.includes("-lr1-")) continue;
    // Null asks for nothing, so that nobody has to be told.
    const isTold = (dropped.includes(name) || value === "null") && !left.has(name);
    claim(isTold || left.get(name) === value, "a member that nobody knows is sent byte for byte");
  }
}
