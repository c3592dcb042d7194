import { expect, test } from "bun:test";
import { amount, share } from "#src/web/dashboard/usage-words.tsx";

test("share() rounds no part to nothing, and none but the whole to all of it", () => {
  expect(share(1, 8)).toBe("12.5 %");
  expect(share(0, 8)).toBe("0 %");
  expect(share(8, 8)).toBe("100 %");
  expect(share(1, 1_000_000)).toBe("< 0.1 %");
  expect(share(999_999, 1_000_000)).toBe("> 99.9 %");
  expect(share(0, 0)).toBe("—");
});

test("amount() shows what is less than a millionth, and not as nothing", () => {
  expect(amount(1)).toBe("0.000000001");
  expect(amount(-1234)).toBe("-0.000001");
  expect(amount(0)).toBe("0.00");
  expect(amount(1_234_567_891)).toBe("1.234568");
});
