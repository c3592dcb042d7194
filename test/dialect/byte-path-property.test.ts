import { expect, test } from "bun:test";
import fc from "fast-check";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { plainIds } from "#src/dialect/carrier.ts";
import { largeBytes } from "#src/dialect/shell.ts";
import { AppError } from "#src/lib/error.ts";
import { encode } from "#src/lib/bytes.ts";
import { bytesOf } from "#test/dialect/payload.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

/*
 * The byte path by random bodies: whatever nobody knows of them arrives as it was written, small and large, and what is
 * read of a large one, of which pictures are cut out, is what a plain parser reads.
 */

const space = fc.constantFrom("", " ", "\n\t", "\r\n ");
const character = fc.constantFrom(
  ...[
    "a",
    "é",
    "日",
    "🦊",
    "\\u00e9",
    "\\/",
    '\\"',
    "\\\\",
    "\\ud83d",
    "\\uDD8A",
    "\\u0000",
    "\\n",
  ],
  ...["\ue000", "\\ue000", "\\uE000", "\\ue0000", "\\\\ue000", "0", "model", "-lr1-"],
);
const string = fc.array(character, { maxLength: 6 }).map((all) => `"${all.join("")}"`);
const base64 = fc
  .tuple(fc.constantFrom("", "data:image/png;base64,"), fc.integer({ min: 0, max: 3 }))
  .map(([begin, more]) => `"${begin}${"Ab0+/_-9".repeat(2100)}${"A".repeat(more)}="`);
const number = fc.constantFrom(
  ...[
    "0",
    "-0",
    "1.0",
    "1e400",
    "98765432109876543210",
    "0.1000000000000000055511151231257827",
    "1E-7",
  ],
);
const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    string,
    number,
    fc.constantFrom("true", "false", "null"),
    base64,
    tie("list"),
    tie("object"),
  ),
  list: fc
    .array(fc.tuple(space, tie("value"), space), { maxLength: 4 })
    .map((all) => `[${all.map((one) => one.join("")).join(",")}]`),
  object: fc
    .array(fc.tuple(space, string, space, tie("value")), { maxLength: 4 })
    .map((all) => `{${all.map(([a, key, b, told]) => `${a}${key}${b}:${told}`).join(",")}}`),
}));

const bodies = fc
  .tuple(fc.array(fc.tuple(space, value), { maxLength: 4 }), fc.boolean(), space)
  .map(([members, isLarge, end]) => {
    const told = members.map(([gap, one], at) => `${gap}"x${at}"${gap}:${one}`);
    const large = isLarge ? [`"large":"${"QUJD".repeat(20_000)}"`] : [];
    const before = told.slice(0, 2);
    const after = told.slice(2);
    return {
      before,
      after: [...after, ...large],
      of: (model: string, middle: string[]) =>
        `{${[...before, `"model":"${model}"`, ...middle, ...after, ...large].join(",")}${end}}`,
    };
  });

const messages = '"messages":[{"role":"user","content":"Hi \\ud83e\\udd8a"}]';

test("a body of any JSON arrives byte for byte but for the members that are the gateway's", () => {
  let larges = 0;
  fc.assert(
    fc.property(bodies, ({ of }) => {
      const bytes = encode(of("openai/gpt-4o-mini", ['"route":{"region":"eu"}', messages]));
      if (bytes.length > largeBytes) larges++;
      const ask = openaiChatClient.peek(bytes, "http://gateway/v1/chat/completions");
      const plain = plainIds(bytes, ask);
      const { body } = openaiChatSplice.retarget(plain.body, plain.ask, targetOf());
      const sent = Buffer.from(bytesOf(body));
      expect(sent.equals(encode(of("model-x", [messages])))).toBe(true);
    }),
    { numRuns: 400 },
  );
  expect(larges).toBeGreaterThan(100);
});

test("what is read of a body is what a plain parser reads", () => {
  fc.assert(
    fc.property(bodies, ({ of }) => {
      const text = of("openai/gpt-4o-mini", [messages]);
      const { parsed } = openaiChatClient.peek(encode(text), "http://gateway/v1/chat/completions");
      expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 400 },
  );
});

test("bytes that are no UTF-8, nesting without end and text cut anywhere are refused or pass as they are", () => {
  const long = "QUJD".repeat(20_000);
  const base = Buffer.from(`{"model":"openai/gpt-4o-mini",${messages},"a":"${long}","é":["é"]}`);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: base.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (at, byte, isCut) => {
        const bytes = new Uint8Array(isCut ? base.subarray(0, at) : base);
        if (!isCut) bytes[at] = byte;
        let read: unknown;
        try {
          read = openaiChatClient.peek(bytes, "http://gateway/v1/chat/completions").parsed;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError);
          return;
        }
        expect(JSON.stringify(read)).toBe(
          JSON.stringify(JSON.parse(new TextDecoder().decode(bytes))),
        );
      },
    ),
    { numRuns: 1500 },
  );
  const deep = encode(`{"a":"${long}","b":${"[".repeat(300)}${"]".repeat(300)}}`);
  expect(() => openaiChatClient.peek(deep, "http://gateway")).toThrow(AppError);
});
