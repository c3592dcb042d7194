import type { Page } from "playwright-core";
import { password } from "#test/web/people-kit.ts";

/** What is sent: fields by their labels, then the button that is pressed. */
interface Sending {
  from: string;
  fields?: Record<string, string>;
  button: string;
  /** What the page that answers holds. */
  then: string;
  who?: "nobody";
}

/** Pages that only a form leads to: a secret that is shown once, what was refused, what was found out. */
export const answers: Readonly<Record<string, Sending>> = {
  "a key that was made": {
    from: "/dashboard/keys",
    fields: { Name: "a key with a name that is as long as people make them, for the backend" },
    button: "Make the key",
    then: "#secret",
  },
  "a key that was refused": {
    from: "/dashboard/keys",
    fields: { Name: "refused", "Limit, USD": "much" },
    button: "Make the key",
    then: "[role=alert]",
  },
  "a routing that was refused": {
    from: "/dashboard/routing",
    fields: { Policy: "no-such-policy" },
    button: "Change the routing",
    then: "[role=alert]",
  },
  "a webhook's secret": {
    from: "/dashboard/webhooks",
    fields: { Name: "another", Address: "http://127.0.0.1:9/hook" },
    button: "Add the webhook",
    then: "#secret",
  },
  "a webhook that was refused": {
    from: "/dashboard/webhooks",
    fields: { Name: "another", Address: "https://no host" },
    button: "Add the webhook",
    then: "[role=alert]",
  },
  "an invitation of the account": {
    from: "/dashboard/members",
    fields: { "Email, if it is for one person alone": "zoe@example.org" },
    button: "Make the link",
    then: "#link",
  },
  "the way to where it is paid": {
    from: "/dashboard/credits/buy",
    fields: { "Amount to pay, USD": "7.50" },
    button: "Go on to payment",
    then: "a[href*=checkout]",
  },
  "the code for the app": {
    from: "/account",
    fields: { "#codes-password": password },
    button: "Set up",
    then: "svg.qr",
  },
  "an invitation of the operator": {
    from: "/operator/invitations",
    button: "Make the link",
    then: ".secret",
  },
  "what a provider answered": {
    from: "/operator/providers/openai",
    button: "Ask it now",
    then: "text=What it answered just now",
  },
  "every check of the system": {
    from: "/operator/system",
    button: "Check the rest",
    then: "h1",
  },
  "a sign-in that was refused": {
    from: "/login",
    fields: { Email: "nobody@example.org", Password: "not the password" },
    button: "Sign in",
    then: "[role=alert]",
    who: "nobody",
  },
};

/** Sends a form as somebody would, and waits for the page that answers. */
export async function send(page: Page, url: string, sending: Sending): Promise<void> {
  const { from, fields = {}, button, then } = sending;
  await page.goto(url + from);
  await page.evaluate(
    `document.querySelectorAll("details").forEach((one) => { one.open = true; })`,
  );
  for (const [label, value] of Object.entries(fields)) {
    const field = label.startsWith("#")
      ? page.locator(label)
      : page.getByLabel(label, { exact: true }).first();
    await field.fill(value);
  }
  await Promise.all([
    page.waitForEvent("load"),
    page.getByRole("button", { name: button, exact: true }).first().click(),
  ]);
  await page.locator(then).first().waitFor();
}
