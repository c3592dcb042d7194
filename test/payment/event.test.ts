import { expect, test } from "bun:test";
import { eventOf } from "#src/payment/event.ts";

test("an event whose type every object knows as a member is one that does not concern us", () => {
  const object = { id: "cs_1", payment_status: "paid" };
  const told = JSON.stringify({ id: "evt_1", type: "constructor", data: { object } });
  expect(eventOf(told)?.about).toBe("other");
});
