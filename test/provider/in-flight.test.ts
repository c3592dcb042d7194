import { expect, test } from "bun:test";
import { createInFlight, type Seat } from "#src/provider/in-flight.ts";

test("a lower limit ends nobody: those that wait get a place when there are fewer than it says", async () => {
  const inFlight = createInFlight(() => 3);
  const seats = [1, 2, 3].map(() => inFlight.take("openai"));
  const got: (Seat | undefined)[] = [];
  const waiting = [1, 2].map(async () => {
    got.push(await inFlight.wait("openai", 0, new AbortController().signal));
  });
  inFlight.limitBy(() => 2);
  expect(inFlight.crowd("openai")).toMatchObject({ limit: 2, inFlight: 3, waiting: 2 });
  seats[0]?.leave();
  expect(inFlight.crowd("openai")).toMatchObject({ inFlight: 2, waiting: 2 });
  seats[1]?.leave();
  expect(inFlight.crowd("openai")).toMatchObject({ inFlight: 2, waiting: 1 });
  expect(inFlight.take("openai")).toBeUndefined();
  inFlight.limitBy(() => undefined);
  await Promise.all(waiting);
  expect(got.every((seat) => seat !== undefined)).toBe(true);
  for (const seat of [seats[2], ...got]) seat?.leave();
  expect(inFlight.crowd("openai")).toMatchObject({ inFlight: 0, waiting: 0, refused: 0 });
});
