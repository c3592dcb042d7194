import { beforeEach, describe, expect, test } from "bun:test";
import { Lent } from "#src/provider/lent.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";

const minute = 60_000;

interface Token {
  name: string;
  expiresAt: number;
}

let clock: FakeClock;
let fetches: PromiseWithResolvers<Token>[];
let source: Lent<Token>;
beforeEach(() => {
  clock = createFakeClock();
  fetches = [];
  source = new Lent(() => {
    const fetch = Promise.withResolvers<Token>();
    fetches.push(fetch);
    return fetch.promise;
  }, clock);
});

/** Ends the last fetch with a token that holds for an hour. */
async function lend(name: string): Promise<void> {
  fetches.at(-1)?.resolve({ name, expiresAt: clock.now() + 60 * minute });
  await settled();
}
async function refuse(message: string): Promise<void> {
  fetches.at(-1)?.reject(new Error(message));
  await settled();
}
/** Lets every promise that can settle do so. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
/** What is there at once; "waits" where there is only a promise. */
function now(): string {
  const value = source.get();
  if (!(value instanceof Promise)) return value.name;
  value.catch(() => {});
  return "waits";
}
const told = () =>
  Promise.resolve(source.get()).then(
    ({ name }) => name,
    (cause: unknown) => (cause instanceof Error ? cause.message : "?"),
  );

describe("Lent", () => {
  test("fetches nothing before it is asked, then once for all that wait", async () => {
    expect(fetches.length).toBe(0);
    const waiting = [told(), told(), told()];
    await lend("a");
    expect(await Promise.all(waiting)).toEqual(["a", "a", "a"]);
    expect(now()).toBe("a");
    expect(fetches.length).toBe(1);
  });

  test("renews in the last five minutes, once, while what there is goes on", async () => {
    now();
    await lend("a");
    clock.advance(55 * minute - 1);
    now();
    expect(fetches.length).toBe(1);
    clock.advance(1);
    expect([now(), now(), now()]).toEqual(["a", "a", "a"]);
    expect(fetches.length).toBe(2);
    await lend("b");
    expect(now()).toBe("b");
    expect(fetches.length).toBe(2);
  });

  test("never gives what is over, or will be when it arrives", async () => {
    now();
    await lend("a");
    clock.advance(60 * minute - 10_001);
    expect(now()).toBe("a");
    clock.advance(1);
    expect(now()).toBe("waits");
    expect(fetches.length).toBe(2);
  });

  test("forgets what was dropped, and nothing that came in its place", async () => {
    now();
    await lend("a");
    const first = source.get();
    if (first instanceof Promise) throw new Error("waits");
    source.drop(first);
    expect(now()).toBe("waits");
    await lend("b");
    source.drop(first);
    expect(now()).toBe("b");
  });

  test("outlives a renewal that fails, and tries again after a pause", async () => {
    now();
    await lend("a");
    clock.advance(56 * minute);
    expect(now()).toBe("a");
    await refuse("no");
    expect(now()).toBe("a");
    expect(fetches.length).toBe(2);
    clock.advance(5_000);
    expect(now()).toBe("a");
    expect(fetches.length).toBe(3);
    await lend("b");
    expect(now()).toBe("b");
  });

  test("tells a failure to all that wait, and for a pause to those that come, without asking again", async () => {
    const waiting = [told(), told()];
    await refuse("no");
    expect(await Promise.all(waiting)).toEqual(["no", "no"]);
    clock.advance(4_999);
    expect(await told()).toBe("no");
    expect(fetches.length).toBe(1);
    clock.advance(1);
    const next = told();
    await lend("a");
    expect(await next).toBe("a");
  });
});
