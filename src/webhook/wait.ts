import type { Random } from "#src/lib/id.ts";
import type { Try } from "#src/webhook/send.ts";

/** Pauses after each try that failed, milliseconds; after as many tries and one, a delivery has failed. */
export const backoffMs: readonly number[] = [
  5_000, 30_000, 120_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
];
/** A destination that fails is not left alone for longer than this by itself: what else waits for it would come too late. */
export const longestPauseMs = 900_000;
/** What a destination asks for by `Retry-After` holds up to this: beyond, it forgot about us. */
export const longestWaitMs = 3_600_000;

/** Milliseconds that a destination wants to be left alone. */
export function waitOf({ wait = 0 }: Pick<Try, "wait">): number {
  return Math.min(longestWaitMs, wait * 1000);
}

/** The pause after so many tries, up to a tenth more or less: what failed together does not come back together. */
export function pauseAfter(tries: number, random: Random): number {
  const pause = backoffMs[Math.min(tries, backoffMs.length) - 1] ?? 0;
  return Math.round(pause * (0.9 + 0.2 * random()));
}
