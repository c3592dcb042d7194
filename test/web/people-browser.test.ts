import { describe, expect, test } from "bun:test";
import { press, startBrowser } from "#test/browser/browser.ts";
import { password, startPeople } from "#test/web/people-kit.ts";

describe("in a real browser", () => {
  test("somebody registers, adds a passkey, and signs in with it instead of the password", async () => {
    await using house = await startPeople();
    const chromium = await startBrowser();
    try {
      // Passkeys belong to a name, and an address of numbers is none.
      const home = house.url.replace("127.0.0.1", "localhost");
      const page = await chromium.open({ width: 1280, scheme: "light" });
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("WebAuthn.enable");
      const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
        options: {
          protocol: "ctap2",
          transport: "internal",
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      });
      await page.goto(home + (await house.setup()));
      expect(page.url()).toBe(`${home}/register`);
      await page.getByLabel("Name").fill("Ada");
      await page.getByLabel("Email").fill("ada@example.org");
      await page.getByLabel("New password").fill(password);
      await press(page.getByRole("button", { name: "Set up" }));
      await page.waitForURL("**/operator/welcome");
      await page.goto(`${home}/account`);
      await page.getByLabel("Name of a new passkey").fill("laptop");
      await press(page.getByRole("button", { name: "Add a passkey" }));
      await page.waitForURL("**done=passkey*");
      const signOut = page.getByRole("button", { name: "Sign out" });
      const byPasskey = page.getByRole("button", { name: "Sign in with a passkey" });
      await press(signOut);
      await page.waitForURL("**/login?out=1");
      await press(byPasskey);
      await page.waitForURL("**/account");
      await press(signOut);
      await page.waitForURL("**/login?out=1");
      // A device that does not ask who holds it is no second step.
      await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
      await press(byPasskey);
      // Not by a script: where it has to look twice, the page's policy refuses it.
      await page.locator("form[data-passkey] [role=status]").filter({ hasText: /\S/ }).waitFor();
      expect(page.url()).toEndWith("/login?out=1");
      expect(await house.audit()).toEqual([
        "setup.created",
        "person.joined",
        "sign_in.done",
        "passkey.added",
        "sign_in.ended",
        "sign_in.done",
        "sign_in.ended",
      ]);
    } finally {
      await chromium.close();
    }
  }, 30_000);
});
