import { expect, test } from "bun:test";
import { askIn, hi, testMatrix, type Expected, type Feature } from "#test/gateway/matrix-kit.ts";
import type { Tokens, Wire } from "#test/gateway/matrix-answers.ts";
import type { Client, Told } from "#test/gateway/matrix-clients.ts";
import { faultsOf } from "#test/gateway/matrix-wires.ts";
import { at, listAt } from "#test/lib/gateway.ts";

/** How answers end, what they cost and what they lean on, as every upstream tells it and every client hears it. */

/** The same of every wire, but of those that are named. */
function everywhere(
  told: (client: Client, wire: Wire) => Partial<Told>,
): Pick<Feature, "wires" | "own"> {
  const cell =
    (wire: Wire) =>
    (client: Client): Expected => ({
      sent: {},
      told: told(client, wire),
    });
  const own = (client: Client, wire: Wire): Expected => ({
    sent: hi[client],
    told: told(client, wire),
  });
  return {
    wires: {
      "openai-chat": cell("openai-chat"),
      "openai-responses": cell("openai-responses"),
      "anthropic-messages": cell("anthropic-messages"),
      gemini: cell("gemini"),
      "cohere-v2": cell("cohere-v2"),
      "bedrock-converse": cell("bedrock-converse"),
    },
    own: {
      "OpenAI chat": own("OpenAI chat", "openai-chat"),
      Responses: own("Responses", "openai-responses"),
      "Anthropic Messages": own("Anthropic Messages", "anthropic-messages"),
      Gemini: own("Gemini", "gemini"),
    },
  };
}

const cut: Feature = {
  name: "an answer that the limit cut",
  asks: hi,
  answer: { text: "Once upon", finish: "length" },
  ...everywhere(() => ({})),
};

const natural: Record<Client, string> = {
  "OpenAI chat": "stop",
  Responses: "completed",
  "Anthropic Messages": "end_turn",
  Gemini: "STOP",
};

const filtered: Feature = {
  name: "an answer that a filter ended",
  asks: hi,
  answer: { text: "Once", finish: "content_filter" },
  // One wire has no word for it.
  ...everywhere((client, wire) => (wire === "cohere-v2" ? { finish: natural[client] } : {})),
};

const refusing: readonly Wire[] = ["openai-chat", "openai-responses", "anthropic-messages"];
const sorry = "I cannot help with that";

const refused: Feature = {
  name: "a refusal in words",
  asks: hi,
  answer: { text: "", refusal: sorry, finish: "content_filter" },
  ...everywhere((client, wire) => {
    const finish = wire === "cohere-v2" ? { finish: natural[client] } : {};
    // Wires without a word for a refusal leave the answer empty.
    if (!refusing.includes(wire)) return { texts: [""], refusal: "", ...finish };
    const isOwn = client === "Anthropic Messages" && wire === "anthropic-messages";
    if (isOwn) return { texts: [""], refusal: sorry };
    // Two dialects have no place for the words but the text.
    const inText = client === "Anthropic Messages" || client === "Gemini";
    return inText ? { texts: [sorry] } : { texts: [""], refusal: sorry };
  }),
};

const tokens: Tokens = { fresh: 100, cacheRead: 40, cacheWrite: 30, visible: 7, reasoning: 5 };
const writes: readonly Wire[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "bedrock-converse",
];
const splits: readonly Wire[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];

const counted: Feature = {
  name: "tokens that were read from a cache, written to it and reasoned with",
  asks: hi,
  answer: { text: "Four", tokens },
  ...everywhere((client, wire) => ({
    tokens: {
      input: 170,
      cacheRead: 40,
      // Gemini's dialect has no word for them.
      ...(client === "Gemini" ? {} : { cacheWrite: writes.includes(wire) ? 30 : 0 }),
      output: 12,
      reasoning: splits.includes(wire) ? 5 : 0,
    },
  })),
};

const page = { url: "https://example.org/rain", title: "Rain" };
const citing: readonly Wire[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];

const cited: Feature = {
  name: "a page that the answer leans on",
  asks: hi,
  answer: { text: "It will rain in Zürich.", page },
  ...everywhere((_, wire) => ({ pages: citing.includes(wire) ? [page] : [] })),
};

const matrix = testMatrix([cut, filtered, refused, counted, cited], {
  tried: 240,
  wordless: 0,
  elsewhere: 0,
});

const rain = { text: "It will rain in Zürich.", page };

test.each([...citing])(
  "where %s leans on a page is told in characters of the text",
  async (wire) => {
    for (const streamed of [false, true]) {
      matrix().answers(rain);
      const chat = await askIn(
        matrix(),
        { client: "OpenAI chat", wire, streamed },
        hi["OpenAI chat"],
      );
      const [cited] = listAt(chat.answer, "choices.0.message.annotations");
      const stretch = { ...page, start_index: 0, end_index: rain.text.length };
      expect(cited).toEqual({ type: "url_citation", url_citation: stretch });
      const told = await askIn(matrix(), { client: "Responses", wire, streamed }, hi.Responses);
      const [message] = listAt(told.answer, "output");
      expect(listAt(message, "content.0.annotations")).toEqual([
        { type: "url_citation", ...stretch },
      ]);
    }
  },
);

test("a citation that we wrote is left out where the conversation goes on at Claude", async () => {
  matrix().answers({ ...rain, reasoning: { text: "Clouds", proof: "x" } });
  const from = { client: "Anthropic Messages", wire: "gemini", streamed: false } as const;
  const { answer } = await askIn(matrix(), from, hi["Anthropic Messages"]);
  const content = listAt(answer, "content");
  expect(JSON.stringify(content)).toContain("web_search_result_location");
  const messages = [
    { role: "user", content: "Rain?" },
    { role: "assistant", content },
    { role: "user", content: "Sure?" },
  ];
  const asked = JSON.parse(JSON.stringify({ messages }));
  const told = await askIn(matrix(), { ...from, wire: "anthropic-messages" }, asked);
  const sent = matrix().sent();
  expect(told.status).toBe(200);
  expect(at(sent, "messages.1.content")).toEqual([{ type: "text", text: rain.text }]);
  expect(faultsOf("anthropic-messages", sent ?? {}, true)).toEqual([]);
});
