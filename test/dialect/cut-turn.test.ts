import { describe, expect, test } from "bun:test";
import { writeCut } from "#src/dialect/cut-turn.ts";
import { writeChatRequest } from "#src/dialect/openai/openai-chat-request.ts";
import { writeResponsesRequest } from "#src/dialect/responses/responses-request.ts";
import { mark } from "#src/dialect/shell.ts";
import type { FilePart, ImagePart, Message } from "#src/dialect/turn.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { decode } from "#test/dialect/payload.ts";
import { callOf, targetOf, turnOf } from "#test/dialect/upstream-kit.ts";

const first = `iVBORw0KGgo${"Ab0+/".repeat(4_000)}A`;
const second = `/9j/${"cd1/+".repeat(4_000)}`;
const third = `JVBERi0${"ef2+/".repeat(4_000)}A`;
const broken = `${first}\n"`;

function image(base64: string): ImagePart {
  return { type: "image", source: { mediaType: "image/png", base64 } };
}

const file: FilePart = {
  type: "file",
  filename: "a.pdf",
  source: { mediaType: "application/pdf", base64: third },
};

/** A conversation with a picture, a document, and a picture in the result of a call. */
function conversation(said: string, base64 = first): Message[] {
  return [
    { role: "user", content: [{ type: "text", text: said }, image(base64), file] },
    { role: "assistant", content: [callOf("c1", "look")] },
    { role: "tool", results: [{ callId: "c1", content: [image(second)] }] },
  ];
}

describe.each([
  ["chat completions", writeChatRequest],
  ["Responses", writeResponsesRequest],
])("a request of %s", (_, write) => {
  const uris = [
    `data:image/png;base64,${first}`,
    `data:application/pdf;base64,${third}`,
    `data:image/png;base64,${second}`,
  ];

  test.each(["Look", "ü 日本 🦊", `"\\`])(
    "says pictures and documents whole, beside %j",
    (said) => {
      const turn = turnOf({ messages: conversation(said) });
      const before = JSON.stringify(turn);
      const { body } = write(turn, targetOf());
      expect(strings(body).filter((text) => text.startsWith("data:"))).toEqual(uris);
      expect(strings(body)).toContain(said);
      expect(JSON.stringify(turn)).toBe(before);
    },
  );

  test("joins a picture with nothing", () => {
    const { body } = write(turnOf({ messages: conversation("Look") }), targetOf());
    const texts = body instanceof RawPieces ? body.texts : [];
    for (const base64 of [first, second, third]) expect(texts).toContain(base64);
  });

  test.each([`${mark}0`, mark, `${mark}0"`, "\\ue0000"])(
    "is whole where somebody says what our marks say: %j",
    (said) => {
      const { body } = write(turnOf({ messages: conversation(said) }), targetOf());
      expect(strings(body).filter((text) => text.startsWith("data:"))).toEqual(uris);
      expect(strings(body)).toContain(said);
    },
  );

  test("has bytes that are no plain base64 as they came", () => {
    const { body } = write(turnOf({ messages: conversation("Look", broken) }), targetOf());
    expect(strings(body)).toContain(`data:image/png;base64,${broken}`);
  });
});

test("a picture and a long sound are not taken for each other", () => {
  const content = [{ type: "audio" as const, format: "wav", base64: second }, image(first)];
  const { body } = writeChatRequest(turnOf({ messages: [{ role: "user", content }] }), targetOf());
  const found = strings(body).filter((text) => text.length > 1_000);
  expect(found).toEqual([second, `data:image/png;base64,${first}`]);
});

test("writeCut() hands out a turn without anything long as it is", () => {
  const turn = turnOf({ messages: [{ role: "user", content: [image("AAAA")] }] });
  expect(writeCut(turn, (given, long) => given === turn && long.length === 0)).toBe(true);
});

test("writeCut() throws what is thrown", () => {
  const turn = turnOf({ messages: conversation("Look") });
  expect(() =>
    writeCut(turn, () => {
      throw new RangeError("No");
    }),
  ).toThrow(RangeError);
});

/** Every string in the body, in the order in which it is said. */
function strings(body: Parameters<typeof decode>[0]): string[] {
  const found: string[] = [];
  JSON.parse(decode(body), (_, value: unknown) => {
    if (typeof value === "string") found.push(value);
    return value;
  });
  return found;
}
