/** A unit vector that depends on the text only. */
export function vectorOf(text: string, dimensions: number): number[] {
  let state = Number(Bun.hash(text) % 0xff_ff_ff_fbn) + 1;
  const values = Array.from({ length: dimensions }, () => {
    // xorshift32: enough for vectors that differ.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}
