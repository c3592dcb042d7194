import { expect, test } from "bun:test";
import fc from "fast-check";
import { PieceReader, RawPieces } from "#src/lib/raw-pieces.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "é", "\0", "\u00ff") });
const texts = fc.array(letters, { maxLength: 8 });

test("pieces are sent byte for byte and in order, however little is taken each time", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat(9)), (...given) => {
      const [all, room, takes] = given;
      const reader = new PieceReader(all);
      const part = Buffer.alloc(room);
      const sent: number[] = [];
      for (const take of takes) {
        const size = reader.peek(part);
        expect(size).toBe(Math.min(room, all.join("").length - sent.length));
        if (size === 0) break;
        const taken = Math.min(size, take);
        sent.push(...part.subarray(0, taken));
        reader.skip(taken);
      }
      expect(Buffer.from(sent).toString("latin1")).toBe(all.join(""));
    }),
  );
});

test("pieces are as long as all their bytes, and join to them", () => {
  const pieces = new RawPieces(["a", "", "é\u00ff", "b"]);
  expect(pieces.length).toBe(4);
  expect([...pieces.joined()]).toEqual([0x61, 0xe9, 0xff, 0x62]);
});
