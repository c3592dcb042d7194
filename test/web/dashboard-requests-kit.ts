import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

/** Text that a page must show as text. */
export const hostile = `"><img src=x onerror=alert(1)><script>alert(1)</script>`;

/** Ordinary generations whose ids are of the time at which they came in, kept by a ledger of their own; their ids. */
export async function keep(
  store: Store,
  generations: readonly (Partial<Generation> & Pick<Generation, "createdAt" | "accountId">)[],
): Promise<string[]> {
  const clock = createFakeClock();
  const ids = createIds(clock);
  const ledger = createLedger({ store, clock, processId: ids.next("proc") });
  const made = generations.map((parts) => {
    // A request has its id a moment after it came in.
    clock.set(parts.createdAt + 3);
    const id = ids.next("gen");
    return sampleGeneration({ completedAt: parts.createdAt + 900, ...parts, id });
  });
  for (let at = 0; at < made.length; at += 1000)
    await Promise.all(
      made.slice(at, at + 1000).map((generation) => ledger.record({ generation, movements: [] })),
    );
  await ledger.close();
  return made.map(({ id }) => id);
}
