import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import type { SimulatedProvider } from "#src/demo/provider.ts";
import { at, startGateway } from "#test/lib/gateway.ts";

/*
 * Stop sequences beyond what an upstream takes, by the official packages: the answer ends as if the upstream had taken
 * them, and what it would have gone on to write is not paid for.
 */

const gateway = await startGateway();
afterAll(() => gateway.close());
const { all } = gateway.places;
const { url, key: apiKey } = gateway;
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });
const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } });
beforeEach(() => {
  for (const place of Object.values(all)) place.stats.reset();
});

const shown = "one two ";
const rest = Array.from({ length: 80 }, (_, index) => `word${index}`).join(" ");
const others = ["#1", "#2", "#3", "#4", "#5"];

interface Case {
  model: string;
  stops: string[];
  /** What ends the answer. */
  last: string;
  /** Those that the upstream is told. */
  sent: number;
  place: () => SimulatedProvider[];
}

const openaiPlaces = () => [all.openaiUs, all.openaiEu];
const responses: Case = {
  model: "openai/gpt-5.5-pro",
  stops: ["END"],
  last: "END",
  sent: 0,
  place: openaiPlaces,
};
const gemini: Case = {
  model: "google/gemini-2.5-flash",
  stops: [...others, "END"],
  last: "END",
  sent: 5,
  place: () => [all.google],
};
const claude: Case = {
  model: "anthropic/claude-haiku-4.5",
  stops: [...others, "\n\n"],
  last: "\n\n",
  sent: 5,
  place: () => [all.anthropic],
};
const chat: Case = {
  model: "openai/gpt-4o-mini",
  stops: [...others, "END"],
  last: "END",
  sent: 4,
  place: openaiPlaces,
};

/** What a client makes of an answer: text, how it ended, and the usage's tokens of output. */
interface Told {
  text: string;
  ending: unknown;
  output: number;
}
type Ask = (kind: Case, prompt: string) => Promise<Told>;

interface Client {
  whole: Ask;
  stream: Ask;
  ending(kind: Case): unknown;
}

const clients: Record<string, Client> = {
  openai: {
    async whole({ model, stops: stop }, content) {
      const messages = [{ role: "user" as const, content }];
      const answer = await openai.chat.completions.create({ model, stop, messages });
      const [choice] = answer.choices;
      return {
        text: choice?.message.content ?? "",
        ending: choice?.finish_reason,
        output: answer.usage?.completion_tokens ?? 0,
      };
    },
    async stream({ model, stops: stop }, content) {
      const messages = [{ role: "user" as const, content }];
      const stream = openai.chat.completions.stream({
        ...{ model, stop, messages },
        stream_options: { include_usage: true },
      });
      const answer = await stream.finalChatCompletion();
      const [choice] = answer.choices;
      return {
        text: choice?.message.content ?? "",
        ending: choice?.finish_reason,
        output: answer.usage?.completion_tokens ?? 0,
      };
    },
    ending: () => "stop",
  },
  anthropic: {
    async whole({ model, stops: stop_sequences }, content) {
      const messages = [{ role: "user" as const, content }];
      const ask = { model, stop_sequences, messages, max_tokens: 4096 };
      return messageOf(await anthropic.messages.create(ask));
    },
    async stream({ model, stops: stop_sequences }, content) {
      const messages = [{ role: "user" as const, content }];
      const ask = { model, stop_sequences, messages, max_tokens: 4096 };
      return messageOf(await anthropic.messages.stream(ask).finalMessage());
    },
    ending: ({ last }) => ["stop_sequence", last],
  },
  google: {
    async whole({ model, stops: stopSequences }, contents) {
      const answer = await google.models.generateContent({
        ...{ model, contents },
        config: { stopSequences },
      });
      return {
        text: answer.text ?? "",
        ending: answer.candidates?.[0]?.finishReason,
        output: answer.usageMetadata?.candidatesTokenCount ?? 0,
      };
    },
    async stream({ model, stops: stopSequences }, contents) {
      const told = { text: "", ending: undefined as unknown, output: 0 };
      const stream = await google.models.generateContentStream({
        ...{ model, contents },
        config: { stopSequences },
      });
      for await (const chunk of stream) {
        told.text += chunk.text ?? "";
        told.ending = chunk.candidates?.[0]?.finishReason ?? told.ending;
        told.output = chunk.usageMetadata?.candidatesTokenCount ?? told.output;
      }
      return told;
    },
    ending: () => "STOP",
  },
};

function messageOf({ content, stop_reason, stop_sequence, usage }: Anthropic.Message): Told {
  const text = content.map((block) => (block.type === "text" ? block.text : "")).join("");
  return { text, ending: [stop_reason, stop_sequence], output: usage.output_tokens };
}

const pairs: [client: string, kind: Case][] = [
  ["openai", responses],
  ["openai", gemini],
  ["openai", claude],
  ["anthropic", responses],
  ["anthropic", gemini],
  ["anthropic", chat],
  ["google", responses],
  ["google", claude],
  ["google", chat],
];

describe.each(pairs.map(([name, kind]) => ({ name, kind, model: kind.model })))(
  "the package of $name with $model",
  ({ name, kind }) => {
    const client = clients[name];
    if (client === undefined) throw new Error("there is no such client");
    const said = `echo: ${shown}${kind.last} ${rest}`;
    const aborted = () => kind.place().reduce((sum, { stats }) => sum + stats.aborted, 0);
    const rowOf = async () => {
      const [row] = await gateway.store.read(
        "SELECT status, settlement, carbon_g, output_visible AS visible FROM generation ORDER BY id DESC LIMIT 1",
        [],
      );
      return row;
    };

    test("gets a whole answer up to the sequence, and the usage that the upstream told", async () => {
      const told = await client.whole(kind, said);
      expect([told.text, told.ending]).toEqual([shown, client.ending(kind)]);
      expect(await rowOf()).toMatchObject({ status: "ok", settlement: "final" });
      const body = Buffer.from(
        kind.place().find(({ stats }) => stats.lastBody)?.stats.lastBody ?? [],
      );
      expect(others.filter((stop) => body.includes(`"${stop}"`))).toHaveLength(kind.sent);
    });

    test("gets the same of a stream, which ends although the upstream does not", async () => {
      const told = await client.stream(
        kind,
        `simulate:fault=hang_mid_stream,afterEvents=60 ${said}`,
      );
      expect([told.text, told.ending]).toEqual([shown, client.ending(kind)]);
      await gateway.until(() => aborted() === 1);
      const [hangUp] = kind.place().flatMap(({ stats }) => stats.hangUps);
      // A connection that is merely let go of is closed after a second, and all of it is paid for.
      expect(hangUp?.sinceLastByteMs).toBeLessThan(900);
      const row = await rowOf();
      expect(row).toMatchObject({ status: "ok", settlement: "estimated" });
      expect(at(row, "carbon_g")).toBeNull();
      expect(told.output).toBeGreaterThan(0);
    });
  },
);

test("a stream that ends before the sequence is told whole, with the upstream's usage", async () => {
  const answer = await clients.openai?.stream(responses, "echo: one EN");
  expect(answer).toMatchObject({ text: "one EN", ending: "stop" });
  const [row] = await gateway.store.read(
    "SELECT status, settlement FROM generation ORDER BY id DESC LIMIT 1",
    [],
  );
  expect(row).toMatchObject({ status: "ok", settlement: "final" });
});

test("what is charged of a cut answer is counted by its bytes, in every script", async () => {
  const words = "日本語の答え".repeat(80);
  const told = await clients.openai?.stream(
    responses,
    `simulate:fault=hang_mid_stream,afterEvents=600 echo: ${words} END ${rest}`,
  );
  expect(told?.text).toBe(`${words} `);
  expect(told?.output).toBeGreaterThanOrEqual(Buffer.byteLength(words) / 4);
});

test("to an upstream of its own wire, too many are the upstream's to refuse: bytes are not read", async () => {
  const { status } = await gateway.chat({ stop: [...others, "END"] });
  expect(status).toBe(400);
  const body = Buffer.from(
    openaiPlaces().find(({ stats }) => stats.lastBody)?.stats.lastBody ?? [],
  );
  expect(body.includes('"stop":["#1","#2","#3","#4","#5","END"]')).toBe(true);
});
