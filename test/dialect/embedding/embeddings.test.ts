import { expect, test } from "bun:test";
import { normalised, toBase64, toFloats } from "#src/dialect/embedding/embedding.ts";

/** Numbers that differ in every bit, the same in every run. */
function* bitPatterns(count: number): Generator<number> {
  let state = 0x9e3779b9;
  for (let made = 0; made < count; made++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

/** The float32 of a bit pattern. */
function floatOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits, true);
  return view.getFloat32(0, true);
}

const edges = [0, 0x80000000, 1, 0x80000001, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x007fffff];
const floats = [...edges, ...bitPatterns(50_000)].map(floatOf).filter(Number.isFinite);

test("float32 survives the way into base64 and back, and through JSON, bit by bit", () => {
  const back = toFloats(toBase64(floats));
  expect(back).toHaveLength(floats.length);
  expect(back.findIndex((value, at) => !Object.is(value, floats[at]))).toBe(-1);
  const kept = floats.filter((value) => !Object.is(value, -0));
  const written: number[] = JSON.parse(JSON.stringify(kept));
  expect(toBase64(written)).toBe(toBase64(kept));
});

test("base64 is little-endian float32, as a DataView writes it", () => {
  const view = new DataView(new ArrayBuffer(floats.length * 4));
  for (const [at, value] of floats.entries()) view.setFloat32(at * 4, value, true);
  const expected = Buffer.from(view.buffer).toString("base64");
  expect(toBase64(floats)).toBe(expected);
  expect(toBase64(toFloats(expected))).toBe(expected);
  expect(toBase64([0.5, -0.25])).toBe("AAAAPwAAgL4=");
});

test("base64 of every length of vector comes back", () => {
  for (let length = 1; length <= 70; length++) {
    const vector = floats.slice(8, 8 + length);
    expect(toFloats(toBase64(vector))).toEqual(vector);
  }
});

test("numbers beyond float32 are rounded to it and not truncated", () => {
  expect(toFloats(toBase64([0.1]))).toEqual([Math.fround(0.1)]);
});

test("normalised() makes the length 1, keeps the direction, and leaves zeros alone", () => {
  expect(normalised([3, 4])).toEqual([0.6, 0.8]);
  expect(normalised([0, 0])).toEqual([0, 0]);
});
