import type { Knock } from "#src/account/people/person.ts";
import { createThrottle, type Throttle } from "#src/account/people/throttle.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { Clock } from "#src/lib/clock.ts";

/** Tries by whoever they are for, by where they come from, and by both. */
export interface Throttles {
  pair: Throttle;
  person: Throttle;
  address: Throttle;
}

const windowSeconds = 900;

/** Throttles of the sign-in: 5 tries for a name from one address, 50 for a name, 60 from an address, in 15 minutes. */
export function createThrottles(clock: Clock): Throttles {
  return {
    pair: createThrottle({ clock, windowSeconds, most: 5 }),
    // Wide, so that nobody can lock another out by guessing.
    person: createThrottle({ clock, windowSeconds, most: 50 }),
    address: createThrottle({ clock, windowSeconds, most: 60 }),
  };
}

/** Counts a try; seconds to wait where there were too many. Names that nobody has are counted alike. */
export function throttled(
  { pair, person, address }: Throttles,
  name: string,
  knock: Pick<Knock, "address">,
): number {
  return Math.max(
    pair.take(tryOf(name, knock)),
    person.take(sha256Hex(name)),
    address.take(knock.address),
  );
}

/** What a throttle knows a name from an address by. */
export function tryOf(name: string, { address }: Pick<Knock, "address">): string {
  return `${sha256Hex(name)} ${address}`;
}
