import { expect, test } from "bun:test";
import { traceContextOf } from "#src/observe/trace-context.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test("traceContextOf() reads a traceparent with its flag and its state", () => {
  expect(traceContextOf(`00-${trace}-${parent}-01`, "a=1,b=2")).toEqual({
    traceId: trace,
    parentId: parent,
    isSampled: true,
    state: "a=1,b=2",
  });
  expect(traceContextOf(`00-${trace}-${parent}-02`, null)?.isSampled).toBe(false);
  // A later version may say more behind its four parts.
  expect(traceContextOf(`01-${trace}-${parent}-01-more`, null)?.traceId).toBe(trace);
});

test.each([
  [null],
  [""],
  ["nonsense"],
  [`00-${trace}-${parent}`],
  [`00-${trace.toUpperCase()}-${parent}-01`],
  [`00-${"0".repeat(32)}-${parent}-01`],
  [`00-${trace}-${"0".repeat(16)}-01`],
  [`ff-${trace}-${parent}-01`],
  [`00-${trace}-${parent}-01-more`],
  [`01-${trace}-${parent}-01${"-x".repeat(200)}`],
])("traceContextOf() takes %p for none", (text) => {
  expect(traceContextOf(text, null)).toBeUndefined();
});

test("traceContextOf() drops a state that is too long or no text", () => {
  const header = `00-${trace}-${parent}-01`;
  expect(traceContextOf(header, "x".repeat(513))?.state).toBeUndefined();
  expect(traceContextOf(header, "a=\u0001")?.state).toBeUndefined();
});
