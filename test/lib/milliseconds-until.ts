/** A turn that takes longer was one in which this whole process stood still. */
const longestTurnMs = 5;

/**
 * Milliseconds until something holds, looked at each millisecond; `most` where it does not come to hold. Where this whole
 * process stands still meanwhile, as its collector goes through thousands of tests, five of these count: the rest says
 * nothing about what is tested.
 */
export async function millisecondsUntil(holds: () => boolean, most = 1000): Promise<number> {
  let passed = 0;
  while (passed < most && !holds()) {
    const from = performance.now();
    await Bun.sleep(1);
    passed += Math.min(longestTurnMs, performance.now() - from);
  }
  return passed;
}
