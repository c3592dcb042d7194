/** A mail to one address, in plain text. */
export interface Letter {
  to: string;
  subject: string;
  text: string;
}

/** Whether mail can go to an address: one of the plain form, which no mail program reads as several. */
export function isAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s<>()[\]\\,;:"@\p{C}]+@[^\s<>()[\]\\,;:"@\p{C}]+$/u.test(text);
}

/** A link to choose a new password. */
export function resetLetter(
  to: string,
  { url, minutes }: { url: string; minutes: number },
): Letter {
  return {
    to,
    subject: "Choose a new password",
    text: written(
      "Somebody, we think you, asked for a new password for this address.",
      `This link works once, for ${minutes} minutes:`,
      url,
      "Did you not ask? Then nothing has changed, and there is nothing to do.",
    ),
  };
}

/** An invitation into an account, or to open one's own. */
export function invitationLetter(
  to: string,
  { url, by, into, until }: { url: string; by: string; into: string | undefined; until: string },
): Letter {
  const what = into === undefined ? "LowRouter" : `"${plainName(into)}" on LowRouter`;
  return {
    to,
    subject: `Invitation to ${what}`,
    text: written(
      `${plainName(by)} invites you to ${what}.`,
      `This link works once, until ${until}:`,
      url,
      "Were you not expecting this? Then leave it: nothing happens without you.",
    ),
  };
}

/** Credit that runs low. `balance` and `threshold` in the currency. */
export function lowBalanceLetter(
  to: string,
  facts: {
    account: string;
    balance: number;
    threshold: number;
    currency: string;
    url: string;
  },
): Letter {
  const { balance, threshold, currency, url } = facts;
  const account = plainName(facts.account);
  const amount = (units: number) => `${units.toFixed(2)} ${currency}`;
  return {
    to,
    subject: `Credit of "${account}" is low`,
    text: written(
      `"${account}" has ${amount(balance)} of credit left, less than ${amount(threshold)}.`,
      "When nothing is left, requests are refused with status 402. Fill it up here:",
      url,
      "You get this once, until it is filled up, because you are an owner or admin of this account.",
    ),
  };
}

/** A name that somebody chose, as it can stand in mail to others: one line, not long, and nothing that becomes a link. */
export function plainName(name: string): string {
  const plain = name
    .replace(/[^\p{L}\p{M}\p{N} .,&'()+-]+/gu, " ")
    .replace(/\.(?=\S)/g, ". ")
    .replace(/\s+/g, " ")
    .trim();
  return plain.length > 60 ? `${plain.slice(0, 59).trimEnd()}…` : plain;
}

function written(...paragraphs: string[]): string {
  return `${paragraphs.join("\n\n")}\n`;
}
