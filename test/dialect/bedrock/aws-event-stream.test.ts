import { expect, test } from "bun:test";
import fc from "fast-check";
import { type EventFrame, EventStreamDecoder } from "#src/dialect/bedrock/aws-event-stream.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { eventFrame, frame, rawFrame } from "#test/dialect/bedrock/bedrock-frames.ts";
import { byteByByte, cut } from "#test/dialect/upstream-kit.ts";

interface Read {
  frames: { headers: Record<string, string>; payload: string }[];
  failure: string | undefined;
}

function read(chunks: Uint8Array[]): Read {
  const decoder = new EventStreamDecoder();
  const frames: EventFrame[] = [];
  let failure: string | undefined;
  try {
    for (const chunk of chunks) frames.push(...decoder.push(chunk));
    decoder.finish();
  } catch (thrown) {
    failure = String(thrown);
  }
  const told = frames.map(({ headers, payload }) => ({
    headers: Object.fromEntries(headers),
    payload: decode(payload),
  }));
  return { frames: told, failure };
}

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
/** Messages of the test suite that AWS publishes for its codecs. */
const published = {
  empty: hex("00000010 00000000 05c248eb 7d98c8ff"),
  payload: hex("0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"),
  header: hex(
    "0000003d 00000020 07fd8396 0c 636f6e74656e742d74797065 07 0010 6170706c69636174696f6e2f6a736f6e 7b27666f6f273a27626172277d 8d9c08b1",
  ),
};
const all = joined(...Object.values(published));

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test("the published messages are read, whole and byte by byte", () => {
  const frames: Read["frames"] = [
    { headers: {}, payload: "" },
    { headers: {}, payload: "{'foo':'bar'}" },
    { headers: { "content-type": "application/json" }, payload: "{'foo':'bar'}" },
  ];
  expect(read([all])).toEqual({ frames, failure: undefined });
  expect(read(byteByByte(all))).toEqual({ frames, failure: undefined });
});

test("the frames that tests are made of are those of the published suite", () => {
  const header = frame({ "content-type": "application/json" }, "{'foo':'bar'}");
  expect(header).toEqual(published.header);
});

test("any split of the bytes gives the same frames and the same failure", () => {
  const broken = published.payload.with(20, 0);
  const bytes = joined(all, eventFrame("a", { text: "é🌦" }), broken);
  const whole = read([bytes]);
  expect(whole.frames).toHaveLength(4);
  const places = fc.array(fc.nat(bytes.length), { maxLength: 12 });
  fc.assert(fc.property(places, (at) => expect(read(cut(bytes, at))).toEqual(whole)));
});

test("every single changed byte is found by one of the two checksums", () => {
  for (let at = 0; at < published.header.length; at++) {
    const changed = published.header.with(at, (published.header[at] ?? 0) ^ 1);
    expect(read([changed])).toMatchObject({
      frames: [],
      failure: expect.stringContaining("checksum"),
    });
  }
});

test("headers of every type are stepped over, and only strings are kept", () => {
  const lengths = [0, 0, 1, 2, 4, 8];
  const plain = lengths.map((length, type) => [1, 97, type, ...Array<number>(length).fill(9)]);
  const rest = [
    [1, 98, 6, 0, 3, 1, 2, 3],
    [1, 99, 8, ...Array<number>(8).fill(9)],
    [1, 100, 9, ...Array<number>(16).fill(9)],
    [1, 101, 7, 0, 2, 104, 105],
  ];
  const bytes = rawFrame(Uint8Array.from([...plain, ...rest].flat()), encode("x"));
  expect(read([bytes]).frames).toEqual([{ headers: { e: "hi" }, payload: "x" }]);
});

test("headers of an unknown type or beyond their end are refused", () => {
  for (const headers of [
    [1, 97, 10],
    [1, 97, 7, 0, 9, 1],
    [9, 97],
    [1, 97],
  ]) {
    const bytes = rawFrame(Uint8Array.from(headers), encode("x"));
    expect(read([bytes]).failure).toBe(
      "UpstreamStreamError: The provider sent a frame with unreadable headers",
    );
  }
});

test("lengths that no frame has are refused though their checksum is right", () => {
  const prelude = (total: number, headers: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32BE(total, 0);
    bytes.writeUInt32BE(headers, 4);
    bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, 8)), 8);
    return new Uint8Array(bytes);
  };
  for (const [total, headers] of [
    [15, 0],
    [40, 30],
    [0xffff_ffff, 0],
  ] as const) {
    expect(read([prelude(total, headers)]).failure).toContain("impossible length");
  }
});

test("a frame that is not complete is neither given out nor a failure", () => {
  expect(read([published.header.subarray(0, 40)])).toEqual({ frames: [], failure: undefined });
});

test("a long frame in small pieces is put together once", () => {
  const bytes = frame({ a: "b" }, "x".repeat(400_000));
  expect(read(byteByByte(bytes)).frames[0]?.payload).toHaveLength(400_000);
});
