import { expect, test } from "bun:test";
import fc from "fast-check";
import { byteByByte, cut } from "#test/dialect/upstream-kit.ts";

/** The claim of every stream reader: how its bytes are cut on the way makes no difference. */
export function sameHoweverCut(
  name: string,
  load: () => Promise<Uint8Array>,
  read: (chunks: Uint8Array[]) => unknown,
): void {
  test(`${name}: one byte per chunk gives the same as the whole`, async () => {
    const bytes = await load();
    expect(read(byteByByte(bytes))).toEqual(read([bytes]));
  });
  test(`${name}: every split of the bytes gives the same as the whole`, async () => {
    const bytes = await load();
    const whole = read([bytes]);
    const places = fc.array(fc.nat(bytes.length), { maxLength: 12 });
    fc.assert(fc.property(places, (at) => expect(read(cut(bytes, at))).toEqual(whole)));
  });
}
