import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { createRemoteDocuments } from "#src/provider/remote-document.ts";
import { type Answer, answerOf, type Wire, wires } from "#test/gateway/matrix-answers.ts";
import { ask, type Client, clients, ownWire, type Told } from "#test/gateway/matrix-clients.ts";
import { faultsOf } from "#test/gateway/matrix-wires.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";
import {
  document,
  type DocumentServer,
  loopback,
  samples,
  startDocuments,
} from "#test/provider/remote-kit.ts";

/*
 * The matrix: every client's dialect to every upstream's wire, feature by feature, whole and streamed. A feature says
 * for each cell what the upstream has to be asked and what the client has to be told, or how it is refused. The table's
 * words and what tries them belong together, which takes more than 300 lines.
 */

/** One model behind each wire, the one that can do most. */
export const models: Record<Wire, string> = {
  "openai-chat": "xai/grok-4.3",
  "openai-responses": "openai/gpt-5.5-pro",
  "anthropic-messages": "anthropic/claude-haiku-4.5",
  gemini: "google/gemini-3.5-flash",
  "cohere-v2": "cohere/command-a-plus-05-2026",
  "bedrock-converse": "amazon/nova-2-lite",
};

/** Who serves it: several could. */
const providers: Record<Wire, string> = {
  "openai-chat": "openrouter",
  "openai-responses": "openai",
  "anthropic-messages": "anthropic",
  gemini: "google",
  "cohere-v2": "cohere",
  "bedrock-converse": "bedrock",
};

/** What has to happen in a cell. */
export type Expected =
  | {
      /** The upstream's request has at least these members; lists have these entries and no more. */
      sent: object;
      /** Members that the request must not have, dotted. */
      absent?: string[];
      /** Names in X-LowRouter-Dropped, all of them. */
      dropped?: string[];
      /** Where the client is told otherwise than the answer says. */
      told?: Partial<Told>;
    }
  /** 400 `unsupported_feature`: the member, and what the message says of who could or what would work. */
  | { refused: string; says: string }
  /** The client's dialect has no word for it. */
  | { wordless: true }
  /** Held by another test, whose file is named. */
  | { elsewhere: string };

export interface Feature {
  name: string;
  /** How each client asks; undefined where its dialect has no word. */
  asks: Record<Client, JsonObject | undefined>;
  /** What each upstream has to be asked. Of the client's own wire it is what the client said, unless `own` says more. */
  wires: Record<Wire, Expected | ((client: Client) => Expected)>;
  own?: Partial<Record<Client, Expected>>;
  /** Another model than the wire's usual one. */
  models?: Partial<Record<Wire, string>>;
  answer?: Answer;
}

/** The least that a client can say. */
export const hi: Record<Client, JsonObject> = {
  "OpenAI chat": { messages: [{ role: "user", content: "Hi" }] },
  Responses: { input: "Hi" },
  "Anthropic Messages": { messages: [{ role: "user", content: "Hi" }] },
  Gemini: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
};

/** The same with more members; undefined stays so. */
export function saying(more: Record<Client, JsonObject | undefined>): Feature["asks"] {
  const told = (client: Client) => {
    const added = more[client];
    return added && { ...hi[client], ...added };
  };
  return {
    "OpenAI chat": told("OpenAI chat"),
    Responses: told("Responses"),
    "Anthropic Messages": told("Anthropic Messages"),
    Gemini: told("Gemini"),
  };
}

export const png = samples["image/png"].toString("base64");
export const pdf = samples["application/pdf"].toString("base64");

/** A gateway in front of an upstream of every wire. */
export interface Matrix {
  gateway: Harness;
  /** Where documents by address are. */
  documents: DocumentServer;
  /** What the upstream was asked last, as JSON; undefined where it was not. */
  sent(): JsonObject | undefined;
  /** What the upstream answers from now on: the same on every wire, or recorded bytes. */
  answers(answer: Answer | (() => Response)): void;
}

interface Running extends Matrix {
  upstream: ScriptedUpstream;
}

async function startMatrix(): Promise<Running> {
  let sent: JsonObject | undefined;
  let answer: Answer | (() => Response) = {};
  const upstream = scriptedUpstream(async (request) => {
    const { pathname } = new URL(request.url);
    const body: unknown = await request.json();
    sent = isObject(body) ? body : undefined;
    const wire = wireAt(pathname);
    const streamed = pathname.includes("stream") || sent?.stream === true;
    return typeof answer === "function" ? answer() : answerOf(wire, answer, streamed);
  });
  const documents = startDocuments(() => document(samples["image/png"], "image/png"));
  const secrets: Record<string, string> = {
    COHERE_API_KEY: "co-key",
    OPENROUTER_API_KEY: "or-key",
    OPENAI_API_KEY: "oa-key",
    ANTHROPIC_API_KEY: "an-key",
    GEMINI_API_KEY: "ge-key",
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    BEDROCK_REGION: "eu-central-1",
  };
  const gateway = await startHarness({
    remote: createRemoteDocuments(loopback()),
    balance: 100_000,
    change(config) {
      config.secret = (name) => secrets[name];
      config.providers = Object.fromEntries(
        Object.values(providers).map((name) => [name, { base_url: upstream.url }]),
      );
    },
  });
  return {
    gateway,
    documents,
    upstream,
    sent() {
      const last = sent;
      sent = undefined;
      return last;
    },
    answers: (told) => void (answer = told),
  };
}

const places: [RegExp, Wire][] = [
  [/\/chat\/completions$/, "openai-chat"],
  [/\/responses$/, "openai-responses"],
  [/\/messages$/, "anthropic-messages"],
  [/:(generateContent|streamGenerateContent)$/, "gemini"],
  [/\/chat$/, "cohere-v2"],
  [/\/converse(-stream)?$/, "bedrock-converse"],
];

function wireAt(path: string): Wire {
  const found = places.find(([pattern]) => pattern.test(path));
  if (found === undefined) throw new Error(`No wire has the path ${path}`);
  return found[1];
}

/** How many cells came to what. */
export interface Count {
  /** Asked, and answered or refused as the table says. */
  tried: number;
  /** The client's dialect has no word for the feature. */
  wordless: number;
  /** Held by another test, which the table names. */
  elsewhere: number;
}

/** Tests every cell of these features, and that there are as many as said. Returns the matrix once it runs. */
export function testMatrix(features: Feature[], expected: Count): () => Matrix {
  const count: Count = { tried: 0, wordless: 0, elsewhere: 0 };
  const running = startedForTests();
  for (const feature of features) {
    describe(feature.name, () => {
      testCells(async (cell) => {
        count[await testCell(running(), feature, cell)]++;
      });
    });
  }
  test("no cell is missing", () => {
    expect(count).toEqual(expected);
    const all = features.length * clients.length * wires.length * 2;
    expect(count.tried + count.wordless + count.elsewhere).toBe(all);
  });
  return running;
}

/** A test for each client on each wire, which tries the cell whole and streamed. */
export function testCells(run: (cell: Cell) => Promise<void>): void {
  for (const client of clients) {
    for (const wire of wires) {
      test(`${client} × ${wire}`, async () => {
        for (const streamed of [false, true]) await run({ client, wire, streamed });
      });
    }
  }
}

/** A matrix that runs as long as the tests of a file. */
export function startedForTests(): () => Matrix {
  let matrix: Running | undefined;
  const running = () => {
    if (matrix === undefined) throw new Error("The matrix is started before the tests");
    return matrix;
  };
  beforeAll(async () => {
    matrix = await startMatrix();
  });
  afterAll(async () => {
    await matrix?.gateway.close();
    await matrix?.upstream.stop();
    await matrix?.documents.stop();
  });
  return running;
}

/** One client on one wire. */
export interface Cell {
  client: Client;
  wire: Wire;
  streamed: boolean;
}

/** What a client is told on a wire, asked for the model behind it. */
export function askIn(
  { gateway }: Matrix,
  { client, wire, streamed }: Cell,
  body: JsonObject,
  model = models[wire],
): Promise<Told> {
  const question = { ...body, route: { provider: providers[wire] } };
  return ask(gateway, client, model, question, streamed);
}

async function testCell(matrix: Matrix, feature: Feature, cell: Cell): Promise<keyof Count> {
  const { client, wire } = cell;
  const expected = expectedOf(feature, cell);
  const body = feature.asks[client];
  if ("wordless" in expected || "elsewhere" in expected) {
    // Nothing may be left out that the dialect can say.
    expect("wordless" in expected).toBe(body === undefined);
    return "wordless" in expected ? "wordless" : "elsewhere";
  }
  if (body === undefined) throw new Error("a cell without a question has no expectation");
  const answer: Answer = { text: "Hello there", ...feature.answer };
  matrix.answers(answer);
  matrix.sent();
  const told = await askIn(matrix, cell, filled(body, matrix), feature.models?.[wire]);
  const sent = matrix.sent();
  if ("refused" in expected) {
    const named = client === "OpenAI chat" || client === "Responses";
    expect({ status: told.status, message: told.error?.message }).toEqual({
      status: 400,
      message: expect.stringContaining(expected.says),
    });
    // The envelopes of the other two have no place for these.
    if (named)
      expect(told.error).toMatchObject({ code: "unsupported_feature", param: expected.refused });
    expect(sent).toBeUndefined();
    return "tried";
  }
  expect({ status: told.status, error: told.error }).toEqual({ status: 200, error: undefined });
  expect(sent).toMatchObject(filled(expected.sent, matrix));
  expect(faultsOf(wire, sent ?? {}, wire === ownWire[client])).toEqual([]);
  for (const path of expected.absent ?? [])
    expect([path, memberAt(sent, path)]).toEqual([path, undefined]);
  expect(told.dropped).toEqual(expected.dropped ?? []);
  expect(told).toMatchObject({ ...wordsOf(client, answer), ...expected.told });
  return "tried";
}

function expectedOf({ wires, own, asks }: Feature, { client, wire }: Cell): Expected {
  const body = asks[client];
  if (body === undefined) return { wordless: true };
  if (wire === ownWire[client]) return own?.[client] ?? { sent: body };
  const expected = wires[wire];
  return typeof expected === "function" ? expected(client) : expected;
}

/** What the client has to be told of an answer, in its own words. */
export function wordsOf(client: Client, answer: Answer): Partial<Told> {
  const {
    text = "",
    texts = [text],
    calls = [],
    reasoning,
    refusal = "",
    finish = "stop",
  } = answer;
  const shown = client === "Anthropic Messages" || client === "Gemini";
  return {
    texts: shown && refusal !== "" ? [text + refusal] : texts,
    reasoning: reasoning?.text ?? "",
    calls: calls.map(({ name, words }) => ({
      id: expect.any(String),
      name,
      input: words === "" ? {} : JSON.parse(words),
    })),
    finish: finishes[client][finish],
  };
}

const finishes: Record<Client, Record<NonNullable<Answer["finish"]>, string>> = {
  "OpenAI chat": {
    stop: "stop",
    length: "length",
    tool_calls: "tool_calls",
    content_filter: "content_filter",
  },
  Responses: {
    stop: "completed",
    length: "max_output_tokens",
    tool_calls: "completed",
    content_filter: "content_filter",
  },
  "Anthropic Messages": {
    stop: "end_turn",
    length: "max_tokens",
    tool_calls: "tool_use",
    content_filter: "refusal",
  },
  Gemini: { stop: "STOP", length: "MAX_TOKENS", tool_calls: "STOP", content_filter: "SAFETY" },
};

/** With the address of the document server in the place of its name. */
function filled<T extends object>(value: T, { documents }: Matrix): T {
  return JSON.parse(JSON.stringify(value).replaceAll("http://documents", documents.url));
}

function memberAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value);
}
