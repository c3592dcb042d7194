import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { tableText } from "#src/cli/table.ts";

const headings = ["id", "name", "used"];
const long = "a name of many words that goes on and on and on";
const rows = [
  ["key_1", long, "1.5"],
  ["key_22", "short", "10.25"],
];

test("a table is as wide as its texts where nobody says how wide that may be", () => {
  const [first = "", , second] = tableText(headings, rows).split("\n");
  expect(first.indexOf("used")).toBe(8 + long.length + 3);
  expect(second).toBe(`key_1   ${long}    1.5`);
});

test("a long text goes on below in a narrower terminal, and no other column moves", () => {
  expect(tableText(headings, rows, 40)).toBe(
    [
      "id      name                        used",
      "──────  ─────────────────────────  ─────",
      "key_1   a name of many words that    1.5",
      "        goes on and on and on",
      "key_22  short                      10.25",
      "",
    ].join("\n"),
  );
});

test("a word without spaces is broken, wide letters by their width", () => {
  const table = tableText(["id", "name"], [["1", "世".repeat(20)]], 24);
  expect(table.split("\n").every((line) => Bun.stringWidth(line) <= 24)).toBe(true);
  expect(table.replaceAll(/[^世]/g, "")).toBe("世".repeat(20));
});

test("where no table fits, each row is a list of its own, with nothing cut off", () => {
  expect(tableText(headings, rows, 20)).toBe(
    `id    key_1\nname  ${long}\nused  1.5\n\nid    key_22\nname  short\nused  10.25\n`,
  );
});

test("every character of every text is there at every width, and no line of a table is wider", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "世", "é"), maxLength: 60 });
  const table = fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 120 }), (cells, room) => {
      const told = tableText(headings, cells, room);
      const letters = (from: string) => [...from.replaceAll(/[^ab世é]/g, "")].toSorted().join("");
      expect(letters(told.replaceAll(/^(id|name|used)/gm, "").replace(/name/g, ""))).toBe(
        letters(cells.flat().join("")),
      );
      if (told.includes("─"))
        for (const line of told.split("\n"))
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(room);
    }),
  );
});
