import { expect, test } from "bun:test";
import fc from "fast-check";
import { Recent } from "#src/lib/recent.ts";

test("the last used are kept, as a map in the order of use would", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(7)), (size, uses) => {
      const recent = new Recent<number>(size);
      const map = new Map<string, number>();
      for (const [at, use] of uses.entries()) {
        const key = String(use);
        recent.use(key, at);
        map.delete(key);
        map.set(key, at);
        const [oldest] = map.keys();
        if (map.size > size && oldest !== undefined) map.delete(oldest);
        for (let other = 0; other < 8; other++)
          expect(recent.get(String(other))).toBe(map.get(String(other)));
      }
    }),
  );
});
