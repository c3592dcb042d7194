import { describe, expect, test } from "bun:test";
import { parseBody } from "#src/dialect/ask.ts";
import { edited, editedRequest } from "#src/dialect/edited.ts";
import { fromRaw, toRaw } from "#src/dialect/raw-text.ts";
import { isPlain, largeBytes, parseShell, shellOf } from "#src/dialect/shell.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import { edit } from "#src/dialect/splice.ts";
import { AppError } from "#src/lib/error.ts";
import { encode } from "#src/lib/bytes.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { bytesOf, decode as textOf } from "#test/dialect/payload.ts";
import type { JsonObject } from "#src/lib/json.ts";

const picture = `data:image/png;base64,iVBORw0KGgo${"Ab0+/".repeat(20_000)}==`;
const other = "Z".repeat(30_000);
const words = "The fox jumps over the dog, again. ".repeat(1_000);

/** Bodies in which a long text stands where it is easily lost or taken for another. */
const bodies: Record<string, string> = {
  "a picture": JSON.stringify({ a: [{ url: picture }], b: 1.5 }),
  "two pictures": JSON.stringify({ a: picture, b: { c: [other, picture] } }),
  words: JSON.stringify({ a: `${words}.`, b: [{ text: `${words}, ${words}` }] }),
  "words with line breaks": JSON.stringify({ a: `${words}\n${words}`, b: words }),
  "a letter beyond ASCII": JSON.stringify({ text: "für 日本 🦊", a: picture }),
  "the same as escapes": `{"text":"f\\u00fcr \\ud83e\\udd8a","a":"${picture}"}`,
  "a long name": JSON.stringify({ [picture]: other, a: [picture] }),
  "a long name and space behind it": `{"${picture}" \n : "${other}"}`,
  "the mark": JSON.stringify({ text: "\ue0000", a: picture }),
  "the mark as an escape": `{"text":"\\uE0000","a":"${picture}"}`,
  "a long text with escapes": `{"a":"${picture.replaceAll("/", "\\/")}","b":"${other}"}`,
  "a long text beyond ASCII": JSON.stringify({ a: `${other}é`, b: picture }),
  "a name of the prototype": `{"__proto__":"${picture}","a":"x"}`,
  "integers beyond 2^53": `{"n":12345678901234567890,"a":"${picture}"}`,
};

describe("a large body", () => {
  test.each(Object.entries(bodies))("says what it says whole: %s", (_, text) => {
    const bytes = encode(text);
    expect(bytes.length).toBeGreaterThan(largeBytes);
    const { parsed, ascii, raw } = parseBody(bytes);
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(text)));
    expect(fromRaw(ascii ?? raw ?? "")).toEqual(Buffer.from(bytes));
  });

  test.each([
    ["a line break within a text", `{"a":"${other}\n${other}${other}"}`],
    ["an end within a text", `{"a":"${other}${other}${other}`],
    ["a text without a comma behind it", `{"a":"${other}" "b":"${other}${other}"}`],
  ])("is refused for %s", (_, text) => {
    expect(() => parseBody(encode(text))).toThrow(AppError);
  });
});

test("shellOf() cuts out words as it does pictures, but none that are written with escapes", () => {
  const raw = JSON.stringify([words, picture, `${words}\n`, `${words}"`, other]);
  expect(shellOf(raw).long).toEqual([words, picture, other]);
});

test("parseShell() leaves what looks like a mark where nothing was cut out", () => {
  const raw = `{"a":"\\ue0000","b":"${other}"}`;
  expect(parseShell(shellOf(raw), JSON.parse)).toEqual({ a: "\ue0000", b: other });
});

test("edited() writes a large text as edit() does", () => {
  const raw = toRaw(encode(`{"model":"a","é":"ü", "user":"u","a":"${picture}"}`));
  const edits = { set: { model: '"b"', user: undefined }, add: { model: '"b"', more: "[1]" } };
  expect(Buffer.from(edited(raw, edits, false))).toEqual(Buffer.from(fromRaw(edit(raw, edits))));
});

test("editedRequest() leaves a large text where it is, and sends what edit() writes", () => {
  const raw = toRaw(encode(`{"model":"a","é":"ü", "user":"u","a":"${picture}"}`));
  const edits = { set: { model: '"b"', user: undefined }, add: { model: '"b"', more: "[1]" } };
  const body = editedRequest(raw, edits, false);
  expect(body).toBeInstanceOf(RawPieces);
  expect(bytesOf(body)).toEqual(fromRaw(edit(raw, edits)));
});

describe("jsonBody()", () => {
  const tools = { schema: { type: "object" } };
  test.each<[string, JsonObject]>([
    ["a picture", { a: [{ url: picture, n: 1 }], z: "ü" }],
    ["the same part twice", { a: [tools, { x: picture }, other, "日"], b: [other] }],
    ["the mark", { a: "\ue0000", b: picture }],
    ["the mark as it is escaped", { a: "\\ue0000", b: picture }],
    ["a long text that is no base64", { a: `${other} ${other}\n"`, b: "é".repeat(20_000) }],
    ["nothing long", { a: [1, null, true, "x"] }],
  ])("writes what JSON.stringify() writes, and leaves the value as it was: %s", (_, value) => {
    const written = JSON.stringify(value);
    expect(textOf(jsonBody(value))).toBe(written);
    expect(JSON.stringify(value)).toBe(written);
  });

  test("writes a picture that is in two places", () => {
    const part = { url: picture };
    const value = { a: part, b: [part] };
    expect(textOf(jsonBody(value))).toBe(JSON.stringify(value));
  });
});

describe("isPlain()", () => {
  test.each(["\n", "\0", "\x1f", "\\", '"', "é", "\u00ff", "日"])(
    "finds a %j in a long text",
    (found) => {
      for (const at of [0, 5, 65_536, 70_001, 99_999])
        expect(isPlain(picture.slice(0, at) + found + picture.slice(at))).toBe(false);
    },
  );

  test.each([
    ["a picture", picture],
    ["words", "It's 5 < 6, he said. ".repeat(4_000)],
    ["what stands in JSON as it is", String.fromCharCode(0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7e, 0x7f)],
    ["nothing", ""],
  ])("takes %s", (_, text) => {
    expect(isPlain(text)).toBe(true);
    expect(JSON.stringify(text)).toBe(`"${text}"`);
  });
});
