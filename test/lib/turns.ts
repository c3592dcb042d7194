/**
 * Milliseconds until something holds, counted in turns of one each; `most` where it does not come to hold. What stops this
 * whole process meanwhile, such as its collector behind thousands of tests, is one turn: it says nothing about what is tested.
 */
export async function turnsUntil(holds: () => boolean, most = 1000): Promise<number> {
  let turns = 0;
  for (; turns < most && !holds(); turns++) await Bun.sleep(1);
  return turns;
}
