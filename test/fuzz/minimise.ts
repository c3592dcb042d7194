/** The input without all that is not needed for `fails`, as far as there is time. */
export function minimise(
  input: Uint8Array,
  { forMs, fails }: { forMs: number; fails: (input: Uint8Array) => boolean },
): Uint8Array {
  const end = performance.now() + forMs;
  let least = new Uint8Array(input);
  for (let size = Math.ceil(least.length / 2); size >= 1;) {
    let isShorter = false;
    for (let at = 0; at < least.length && performance.now() < end;) {
      const without = new Uint8Array([...least.subarray(0, at), ...least.subarray(at + size)]);
      if (fails(without)) {
        least = without;
        isShorter = true;
      } else at += size;
    }
    if (performance.now() >= end) break;
    if (!isShorter || size > least.length) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return least;
}
