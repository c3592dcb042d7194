import { expect, test } from "bun:test";
import { anthropicClient } from "#src/dialect/anthropic/anthropic-client.ts";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { ClientDialect } from "#src/dialect/dialect.ts";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { responsesClient, responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import { withExactSchemas } from "#src/dialect/schema-exact.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

const big = "18446744073709551615";
const url = "http://x/v1beta/models/m:generateContent";
/** A schema with a number that no double holds, and text of several bytes a character. */
const schema = `{"type":"object","properties":{"n":{"type":"integer","description":"größer 🌦","maximum":${big}}},"required":["n"]}`;
const long = "ä".repeat(100_000);

/** Bodies of each client that hold the schema twice where they can: in a tool and in the answer's format. */
const bodies: [name: string, client: ClientDialect, body: (text: string) => string][] = [
  [
    "chat",
    openaiChatClient,
    (text) =>
      `{"model":"m","messages":[{"role":"user","content":"${text}"}],"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`,
  ],
  [
    "chat, an older form",
    openaiChatClient,
    (text) =>
      `{"model":"m","messages":[{"role":"user","content":"${text}"}],"functions":[{"name":"f","parameters":${schema}}]}`,
  ],
  [
    "chat, of an answer",
    openaiChatClient,
    (text) =>
      `{"model":"m","messages":[{"role":"user","content":"${text}"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":${schema}}}}`,
  ],
  [
    "Responses",
    responsesClient,
    (text) =>
      `{"model":"m","input":"${text}","tools":[{"type":"function","name":"f","parameters":${schema}}]}`,
  ],
  [
    "Responses, of an answer",
    responsesClient,
    (text) =>
      `{"model":"m","input":"${text}","text":{"format":{"type":"json_schema","name":"a","schema":${schema}}}}`,
  ],
  [
    "Messages",
    anthropicClient,
    (text) =>
      `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"${text}"}],"tools":[{"name":"f","input_schema":${schema}}]}`,
  ],
  [
    "Messages, of an answer",
    anthropicClient,
    (text) =>
      `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"${text}"}],"output_config":{"format":{"type":"json_schema","schema":${schema}}}}`,
  ],
  [
    "Gemini",
    geminiClient,
    (text) =>
      `{"contents":[{"parts":[{"text":"${text}"}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":${schema}}]}]}`,
  ],
  [
    "Gemini, of an answer",
    geminiClient,
    (text) =>
      `{"contents":[{"parts":[{"text":"${text}"}]}],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":${schema}}}`,
  ],
];
const upstreams = [
  openaiChatUpstream,
  responsesUpstream,
  anthropicMessagesUpstream,
  geminiUpstream,
];

test.each(bodies)(
  "numbers and text of a schema reach every wire from %s",
  (_name, client, bodyOf) => {
    for (const text of ["Hi", "Grüezi", long]) {
      const body = encode(bodyOf(text));
      const ask = client.peek(body, url);
      const turn = client.readRequest(withExactSchemas(body, ask));
      for (const upstream of upstreams) {
        for (const overrides of [undefined, { metadata: { a: "b" } }]) {
          const request = upstream.writeRequest(turn, targetOf({ overrides }));
          const sent = decode(request.body);
          expect([upstream.id, sent.includes(`"maximum":${big}`)]).toEqual([upstream.id, true]);
          expect([upstream.id, sent.includes("größer 🌦")]).toEqual([upstream.id, true]);
          expect(sent.includes(text)).toBe(true);
        }
      }
    }
  },
);

test("a Gemini count beyond 2^53, which is written as text, is a number as it was", () => {
  const body = encode(
    `{"contents":[{"parts":[{"text":"Hi"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"STRING"},"maxItems":"9223372036854775807"}}}}]}]}`,
  );
  const turn = geminiClient.readRequest(geminiClient.peek(body, url));
  const { body: sent } = openaiChatUpstream.writeRequest(turn, targetOf());
  expect(decode(sent)).toContain('"maxItems":9223372036854775807');
});

test("a request is read once where all its numbers are exact, and elsewhere than in schemas they are numbers", () => {
  const read = (text: string) => {
    const body = encode(text);
    const ask = openaiChatClient.peek(body, "");
    return { ask, exact: withExactSchemas(body, ask) };
  };
  const tools = '"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":9}}}]';
  const plain = read(
    `{"model":"m","seed":${big},"messages":[{"role":"user","content":"Hi"}],${tools}}`,
  );
  expect(plain.exact).toBe(plain.ask);
  const other = read(
    `{"model":"m","seed":${big},"messages":[{"role":"user","content":"Hi"}],${tools.replace("9", big)}}`,
  );
  expect(other.exact.parsed.seed).toBe(Number(big));
  expect(other.exact.parsed.messages).toBe(other.ask.parsed.messages);
});
