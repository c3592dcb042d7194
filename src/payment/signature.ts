import { createHmac, timingSafeEqual } from "node:crypto";

/** Why a body is not taken for Stripe's. */
export type SignatureFault = "no_signature" | "wrong_signature" | "wrong_time";

/** How far the time of a signature may be from ours. */
const toleranceSeconds = 300;

/**
 * Judges a `Stripe-Signature` header, `t=TIME,v1=HEX`, over the bytes that came. Several `v1` are there while a secret is
 * changed: one has to be right. `now`: Unix milliseconds. Undefined where it is Stripe's.
 */
export function signatureFault(
  body: Uint8Array,
  header: string | null,
  secret: string,
  now: number,
): SignatureFault | undefined {
  const pairs = (header ?? "").split(",").map((pair) => pair.trim().split("="));
  const time = pairs.find(([name]) => name === "t")?.[1] ?? "";
  const given = pairs.flatMap(([name, value]) => (name === "v1" && value ? [value] : []));
  if (!/^\d{1,12}$/.test(time) || given.length === 0) return "no_signature";
  const expected = createHmac("sha256", secret).update(`${time}.`).update(body).digest();
  const isRight = given
    .map((text) => Buffer.from(text, "hex"))
    .some((found) => found.length === expected.length && timingSafeEqual(found, expected));
  if (!isRight) return "wrong_signature";
  // Last: whoever cannot sign is told nothing about our clock.
  return Math.abs(now / 1000 - Number(time)) > toleranceSeconds ? "wrong_time" : undefined;
}
