import { byteByByte, cut } from "#test/dialect/upstream-kit.ts";
import { chanceOf } from "#test/fuzz/target.ts";

/** Longest input that is also read byte by byte. */
const short = 6000;

/** The bytes in pieces, cut in a few ways that are the same for the same bytes. */
export function cuts(input: Uint8Array): Uint8Array[][] {
  const bytes = new Uint8Array(input);
  const chance = chanceOf(input);
  const some = Array.from({ length: 1 + chance.below(8) }, () => chance.below(bytes.length + 1));
  const ways = [cut(bytes, some)];
  if (bytes.length <= short && chance.once(3)) ways.push(byteByByte(bytes));
  return ways;
}
