import { describe, expect, test } from "bun:test";
import { AnswerReader, type Progress } from "#test/bench/answer-reader.ts";

const sized = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-a: b\r\n\r\nabcd";
const empty = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const event = 'd\r\ndata: {"a":1}\r\n';
const whole = `${head}${event}e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n`;
const cut = `${head}${event}0\r\n\r\n`;

const cases: [string, string, boolean, number, Progress][] = [
  ["a sized answer", sized, false, 200, "complete"],
  ["an empty refusal", empty, false, 429, "complete"],
  ["an empty refusal of a stream", empty, true, 429, "complete"],
  ["a chunked answer", cut, false, 200, "complete"],
  ["a stream", whole, true, 200, "complete"],
  ["a stream without its last event", cut, true, 200, "cut"],
];

describe("AnswerReader", () => {
  test.each(cases)("reads %s, whole and one byte at a time", (_, text, stream, status, last) => {
    const reader = new AnswerReader({ stream });
    for (const size of [text.length, 1]) {
      reader.reset();
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length - size; at += size) {
        expect(["head", "body"]).toContain(reader.read(bytes.subarray(at, at + size)));
      }
      expect(reader.read(bytes.subarray(bytes.length - size))).toBe(last);
      expect(reader.status).toBe(status);
    }
  });

  test("reads a stream whose last event stands in two chunks", () => {
    const last = "data: [DONE]\n\n";
    for (let at = 1; at < last.length; at++) {
      const chunks = [last.slice(0, at), last.slice(at)].map(
        (piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`,
      );
      const reader = new AnswerReader({ stream: true });
      const answer = Buffer.from(`${head}${event}${chunks.join("")}0\r\n\r\n`);
      expect([at, reader.read(answer)]).toEqual([at, "complete"]);
    }
  });
});
