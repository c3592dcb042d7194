import { expect, test } from "bun:test";
import fc from "fast-check";
import { Bag, type Placed } from "#src/lib/bag.ts";

interface Thing extends Placed {
  name: number;
}

test("a bag holds what a set would, whatever comes and goes", () => {
  const step = fc.record({ name: fc.nat(9), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bag = new Bag<Thing>();
      const set = new Set<Thing>();
      const things = Array.from({ length: 10 }, (_, name): Thing => ({ name, place: -1 }));
      for (const { name, isAdded } of steps) {
        const thing = things[name];
        if (thing === undefined) continue;
        if (!isAdded) expect(bag.delete(thing)).toBe(set.delete(thing));
        else if (!set.has(thing)) {
          bag.add(thing);
          set.add(thing);
        }
        expect(bag.size).toBe(set.size);
        expect(new Set(bag)).toEqual(set);
      }
    }),
  );
});
