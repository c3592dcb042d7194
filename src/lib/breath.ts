/** How long a piece of work may be: nobody notices. */
const pieceMs = 5;

/**
 * Long work in pieces: awaited between them, it lets whoever waits for an answer have their turn, where enough time went by
 * since the last one. Undefined: it did not.
 */
export type Breath = () => Promise<void> | undefined;

/** For one work, in pieces of so many milliseconds. */
export function createBreath(milliseconds = pieceMs): Breath {
  let since = performance.now();
  return () => {
    if (performance.now() - since < milliseconds) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        since = performance.now();
        resolve();
      }),
    );
  };
}

/** What each item becomes, with pauses. */
export async function mapInPieces<T, U>(
  items: Iterable<T>,
  breathe: Breath,
  of: (item: T) => U,
): Promise<U[]> {
  const made: U[] = [];
  for (const item of items) {
    const pause = breathe();
    if (pause !== undefined) await pause;
    made.push(of(item));
  }
  return made;
}
