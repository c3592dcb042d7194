import * as v from "valibot";
import type { Throttle } from "#src/account/people/throttle.ts";
import type { Throttles } from "#src/account/people/throttles.ts";
import type { Siblings } from "#src/workers/siblings.ts";

const topic = "tries";
const noteSchema = v.strictTuple([
  v.picklist(["pair", "person", "address"]),
  v.picklist(["take", "forgive"]),
  v.string(),
]);
type Kind = keyof Throttles;

/** Throttles that count what was tried at the other workers, too: else who guesses would have as many tries at each. */
export function shareThrottles(throttles: Throttles, siblings: Siblings | undefined): Throttles {
  if (siblings === undefined) return throttles;
  siblings.hear(topic, (note) => {
    const [kind, what, name] = v.parse(noteSchema, JSON.parse(note));
    throttles[kind][what](name);
  });
  const tell = (...note: v.InferOutput<typeof noteSchema>) =>
    siblings.tell(topic, JSON.stringify(note));
  const shared = (kind: Kind): Throttle => ({
    take(name) {
      tell(kind, "take", name);
      return throttles[kind].take(name);
    },
    forgive(name) {
      tell(kind, "forgive", name);
      throttles[kind].forgive(name);
    },
  });
  return { pair: shared("pair"), person: shared("person"), address: shared("address") };
}
