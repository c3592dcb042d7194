import { expect, test } from "bun:test";
import { windowOf, type Reset } from "#src/allowance/window.ts";

const rows: [Reset, string, string, string][] = [
  ["minute", "2026-01-15T10:30:59.999Z", "2026-01-15T10:30:00Z", "2026-01-15T10:31:00Z"],
  ["minute", "2026-01-15T10:31:00.000Z", "2026-01-15T10:31:00Z", "2026-01-15T10:32:00Z"],
  ["daily", "2026-03-29T23:59:59.999Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"],
  ["weekly", "2026-01-18T23:59:59.999Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"],
  ["weekly", "2026-01-19T00:00:00.000Z", "2026-01-19T00:00:00Z", "2026-01-26T00:00:00Z"],
  ["monthly", "2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ["monthly", "2028-02-29T12:00:00.000Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
];

for (const [reset, now, start, end] of rows) {
  test(`the ${reset} window of ${now} starts at ${start}`, () => {
    expect(windowOf(reset, Date.parse(now))).toEqual({
      windowStart: Date.parse(start),
      windowEnd: Date.parse(end),
    });
  });
}

test("a window that never resets starts at 0 and has no end", () => {
  expect(windowOf("never", 1)).toEqual({ windowStart: 0 });
});
