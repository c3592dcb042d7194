import { expect, test } from "bun:test";
import fc from "fast-check";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { type SseEvent, SseParser } from "#src/dialect/sse.ts";
import { encode } from "#src/lib/bytes.ts";
import { byteByByte, cut } from "#test/dialect/upstream-kit.ts";

function parse(chunks: Uint8Array[]): SseEvent[] {
  const parser = new SseParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.finish()];
}

test("an event may have a name, several data lines, comments and any line break", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const lines = [
      "\uFEFF: hello",
      "event: ping",
      "data: a",
      "data:b",
      "data",
      "id: 1",
      "",
      "data: ü🌦",
      "",
      "",
    ];
    const bytes = encode(lines.join(end));
    const events = [{ event: "ping", data: "a\nb\n" }, { data: "ü🌦" }];
    expect(parse([bytes])).toEqual(events);
    expect(parse(byteByByte(bytes))).toEqual(events);
  }
});

test("the last event may lack its blank line, and even its line break", () => {
  expect(parse([encode("data: one\n\ndata: two")])).toEqual([{ data: "one" }, { data: "two" }]);
  expect(parse([encode("data: two\n")])).toEqual([{ data: "two" }]);
});

test("an event that ends in CR is told at once", () => {
  expect(new SseParser().push(encode("data: x\r\r"))).toEqual([{ data: "x" }]);
});

test("events without data are no events", () => {
  expect(parse([encode("event: ping\n\n\n\ndata:\n\n: x\n\n")])).toEqual([]);
});

test("one leading space belongs to the field, a second one to the value", () => {
  expect(parse([encode("data:  x \n\n")])).toEqual([{ data: " x " }]);
});

test("however a stream is cut, its events are the same", () => {
  const line = fc.constantFrom(
    "data: é🌦",
    "data: {}",
    "event: x",
    ": c",
    "",
    "",
    "data:",
    "retry: 1",
  );
  const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")));
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200)), (lines, places) => {
      const bytes = encode(lines.flat().join(""));
      const within = places.map((place) => place % (bytes.length + 1));
      expect(parse(cut(bytes, within))).toEqual(parse([bytes]));
    }),
  );
});

test("an event beyond 8 MB is refused, in one line, in many, and in many empty ones", () => {
  const endless = (text: string) => {
    const parser = new SseParser();
    const chunk = encode(text.repeat(2 ** 20 / text.length));
    for (let mb = 0; mb < 20; mb++) parser.push(chunk);
  };
  expect(() => endless("x")).toThrow(UpstreamStreamError);
  expect(() => endless("data: 123456789\n")).toThrow(UpstreamStreamError);
  expect(() => endless("data\ndata:\ndata\n")).toThrow(UpstreamStreamError);
});

test("many events in one chunk take time in proportion", () => {
  const chunk = encode("data: {}\n\n".repeat(200_000));
  const began = performance.now();
  expect(new SseParser().push(chunk)).toHaveLength(200_000);
  expect(performance.now() - began).toBeLessThan(2000);
});

test("a BOM is one at the very beginning alone", () => {
  const events = new SseParser().push(encode("data: a\n\n\uFEFFdata: b\n\ndata: c\n\n"));
  expect(events).toEqual([{ data: "a" }, { data: "c" }]);
});
