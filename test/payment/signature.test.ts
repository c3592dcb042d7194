import { expect, test } from "bun:test";
import { signatureFault } from "#src/payment/signature.ts";
import { signed, webhookSecret } from "#test/payment/stripe.ts";

const now = Date.UTC(2026, 0, 15, 10, 30);
const { body, signature } = signed({ id: "evt_1" }, { at: now });
const bytes = new TextEncoder().encode(body);
const judge = (header: string | null, at = now, of: Uint8Array = bytes) =>
  signatureFault(of, header, webhookSecret, at);
const [time = "", right = ""] = signature.split(",");
const wrong = `v1=${"0".repeat(64)}`;

test("a body that Stripe signed within five minutes is taken, whichever clock is ahead", () => {
  expect(judge(signature)).toBeUndefined();
  expect(judge(signature, now + 300_000)).toBeUndefined();
  expect(judge(signature, now - 300_000)).toBeUndefined();
  expect(judge(signature, now + 301_000)).toBe("wrong_time");
  expect(judge(signature, now - 301_000)).toBe("wrong_time");
});

test("a known signature, computed elsewhere, is what is expected", () => {
  // printf '%s' '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_fixed
  const hex = "1ea71455e51291820430ed7fe35ff5f4c9f070501cab7cf67d315e6322eab42a";
  const header = `t=1700000000,v1=${hex}`;
  const given = new TextEncoder().encode('{"id":"evt_1"}');
  expect(signatureFault(given, header, "whsec_fixed", 1_700_000_000_000)).toBeUndefined();
});

test("one right signature among several is enough, in any order", () => {
  expect(judge([time, wrong, right].join(","))).toBeUndefined();
  expect(judge([right, wrong, time].join(","))).toBeUndefined();
  expect(judge([time, wrong, "v1=short", "v1=zz"].join(","))).toBe("wrong_signature");
});

test("every changed byte, another secret and another time are refused", () => {
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(judge(signature, now, changed)).toBe("wrong_signature");
  }
  const other = signed({ id: "evt_1" }, { at: now, secret: "whsec_other" });
  expect(judge(other.signature)).toBe("wrong_signature");
  const later = Number(time.slice(2)) + 1;
  expect(judge(`t=${later},${right}`)).toBe("wrong_signature");
});

test("only the scheme v1 counts, and a header without its parts is none", () => {
  const hex = right.slice("v1=".length);
  for (const header of [null, "", "t=1", right, `${time},v0=${hex}`, `t=x,${right}`, `t=,${right}`])
    expect(judge(header)).toBe("no_signature");
});
