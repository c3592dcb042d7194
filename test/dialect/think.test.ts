import { expect, test } from "bun:test";
import { peekMessages } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import type { Ask, ReasoningControl } from "#src/dialect/dialect.ts";
import { peekContent } from "#src/dialect/gemini/gemini-client-peek.ts";
import { peekChat } from "#src/dialect/openai/openai-chat-peek.ts";
import { readChatRequest } from "#src/dialect/openai/openai-chat-read.ts";
import { peekResponses } from "#src/dialect/responses/responses-peek.ts";
import { rawOf } from "#src/dialect/raw-text.ts";
import { askToThink } from "#src/dialect/think.ts";

const chat = '"messages":[{"role":"user","content":"caf\u00e9 12345678901234567890"}]';
const contents = '"contents":[{"parts":[{"text":"Hello"}]}]';
const gemini = (body: Uint8Array) => peekContent(body, "http://x/v1beta/models/m:generateContent");

const cases: [string, (body: Uint8Array) => Ask, ReasoningControl, string, string][] = [
  ["chat", peekChat, {}, `{${chat}}`, `{${chat},"reasoning":{"enabled":true}}`],
  [
    "chat that hides its reasoning",
    peekChat,
    {},
    `{"reasoning":{"exclude":true},${chat}}`,
    `{"reasoning":{"exclude":true,"enabled":true},${chat}}`,
  ],
  [
    "responses",
    peekResponses,
    {},
    '{"input":"Hi"}',
    '{"input":"Hi","reasoning":{"effort":"medium"}}',
  ],
  [
    "messages",
    peekMessages,
    { budget: { min: 1024 } },
    `{"max_tokens":20000,${chat}}`,
    `{"max_tokens":20000,${chat},"thinking":{"type":"enabled","budget_tokens":10000}}`,
  ],
  [
    "messages with little room",
    peekMessages,
    { budget: { min: 1024 } },
    `{"max_tokens":2000,${chat}}`,
    `{"max_tokens":2000,${chat},"thinking":{"type":"enabled","budget_tokens":1024}}`,
  ],
  [
    "messages of a model that decides itself",
    peekMessages,
    { efforts: ["low", "high"] },
    `{"max_tokens":2000,${chat}}`,
    `{"max_tokens":2000,${chat},"thinking":{"type":"adaptive"}}`,
  ],
  [
    "gemini",
    gemini,
    { budget: {} },
    `{${contents}}`,
    `{${contents},"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}}`,
  ],
  [
    "gemini with a configuration, by level",
    gemini,
    { efforts: ["low", "high"] },
    `{${contents},"generation_config":{"topP":0.5000,"thinkingConfig":{"includeThoughts":true}}}`,
    `{${contents},"generation_config":{"topP":0.5000,"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"low"}}}`,
  ],
];

test.each(cases.map(([name, ...row]) => ({ name, row })))(
  "askToThink() turns reasoning on in $name, and leaves all other bytes",
  ({ row: [peek, control, before, after] }) => {
    const body = Buffer.from(before);
    const ask = peek(body);
    // What was read before for another route does not reason.
    ask.turn = readChatRequest(peekChat(Buffer.from(`{${chat}}`)));
    const asked = askToThink(body, ask, control);
    expect(asked.ask.turn).toBeUndefined();
    expect(Buffer.from(asked.body).toString()).toBe(after);
    // What was read before is what is read from the new bytes.
    const again = peek(Buffer.from(after));
    expect(asked.ask.parsed).toEqual(again.parsed);
    expect(asked.ask.ascii).toBe(again.ascii);
    expect(asked.ask.needs.reasoning).toBe(true);
  },
);

test.each<[string, (body: Uint8Array) => Ask, string]>([
  ["an effort", peekChat, `{"reasoning_effort":"low",${chat}}`],
  ["no reasoning", peekChat, `{"reasoning":{"enabled":false},${chat}}`],
  ["a budget", peekChat, `{"reasoning":{"max_tokens":2000},${chat}}`],
  ["an effort", peekResponses, '{"input":"Hi","reasoning":{"effort":"none"}}'],
  ["no thinking", peekMessages, `{"max_tokens":9000,"thinking":{"type":"disabled"},${chat}}`],
  ["no room", peekMessages, `{"max_tokens":1000,${chat}}`],
  ["a budget", gemini, `{${contents},"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}`],
])("askToThink() leaves a request that says %s itself", (_, peek, text) => {
  const body = Buffer.from(text);
  const ask = peek(body);
  expect(askToThink(body, ask, { budget: {} })).toEqual({ body, ask });
});

test.each([
  ["ASCII", "x".repeat(100_000)],
  ["what goes beyond ASCII", "ü".repeat(100_000)],
])(
  "askToThink() reads a long body of %s from its text, where its bytes were let go of",
  (_, long) => {
    const messages = JSON.stringify([{ role: "user", content: long }]);
    const [before, after] = ["", ',"thinking":{"type":"adaptive"}'].map(
      (more) => `{"max_tokens":2000,"messages":${messages}${more}}`,
    );
    const ask = peekMessages(Buffer.from(before ?? ""));
    const asked = askToThink(new Uint8Array(), ask, { efforts: ["low"] });
    // No matcher of texts: what it would show of these is too long.
    expect(Buffer.from(rawOf(new Uint8Array(), asked.ask), "latin1").toString() === after).toBe(
      true,
    );
  },
);
