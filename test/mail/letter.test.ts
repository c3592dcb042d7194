import { expect, test } from "bun:test";
import fc from "fast-check";
import { invitationLetter, lowBalanceLetter, plainName, resetLetter } from "#src/mail/letter.ts";

const url = "https://us.example/x?token=T";

test("each letter names what it is for, with its link on a line of its own", () => {
  const letters = [
    resetLetter("ada@example.org", { url, minutes: 60 }),
    invitationLetter("ada@example.org", { url, by: "Bob", into: "Acme", until: "tomorrow" }),
    lowBalanceLetter("ada@example.org", {
      account: "Acme",
      balance: 4.2,
      threshold: 5,
      currency: "EUR",
      url,
    }),
  ];
  for (const { text } of letters) expect(text.split("\n")).toContain(url);
  expect(letters.map(({ subject }) => subject)).toEqual([
    "Choose a new password",
    'Invitation to "Acme" on LowRouter',
    'Credit of "Acme" is low',
  ]);
  expect(letters[1]?.text).toContain('Bob invites you to "Acme" on LowRouter.');
  expect(letters[2]?.text).toContain("has 4.20 EUR of credit left, less than 5.00 EUR.");
});

test("a name that somebody chose adds no line, no link and no mark-up to mail to others", () => {
  expect(plainName("Acme Inc. & Söhne (2026)")).toBe("Acme Inc. & Söhne (2026)");
  expect(plainName("Win at https://evil.example/now")).toBe("Win at https evil. example now");
  expect(plainName("a\r\nBcc: b@c.d")).toBe("a Bcc b c. d");
  expect(plainName("x".repeat(200))).toHaveLength(60);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const plain = plainName(name);
      expect(plain).not.toMatch(/[\r\n<>:/@\\"]|\.\S|\p{C}/u);
      expect(plain.length).toBeLessThanOrEqual(60);
    }),
  );
});
