import { passkey } from "@better-auth/passkey";
import { APIError, betterAuth } from "better-auth";
import { createAuthMiddleware } from "better-auth/api";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { genericOAuth } from "better-auth/plugins/generic-oauth";
import { twoFactor } from "better-auth/plugins/two-factor";
import {
  person,
  personLogin,
  personPasskey,
  personSession,
  personTwoFactor,
  personVerification,
} from "#db/schema.ts";
import { passwordLength } from "#src/account/people/password.ts";
import { addressHeader, type IdentityProvider } from "#src/account/people/person.ts";
import { notingFaults } from "#src/account/people/told-faults.ts";
import { takeCode } from "#src/account/people/take-code.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { type Store, textOf } from "#src/store/store.ts";

/** Longest that a sign-in lasts. It is not renewed: whoever stole a session loses it with its day. */
export const sessionDays = 14;

const ids = {
  user: "per",
  session: "ses",
  account: "log",
  verification: "ver",
  twoFactor: "tfa",
  passkey: "pky",
} as const;

/** Sessions, passwords, second steps and passkeys for one address that browsers see. The only place that wires the library. */
export function createAuth(options: {
  store: Store;
  clock: Clock;
  ids: Ids;
  secret: string;
  /** Such as https://gateway.example */
  origin: string;
  oidc: readonly IdentityProvider[];
  onFault: (message: string) => void;
}) {
  const { store, origin, secret, onFault } = options;
  const { hostname, protocol } = new URL(origin);
  const isSecure = protocol === "https:";
  const prefixOf = new Map<string, string>(Object.entries(ids));
  return betterAuth({
    appName: "LowRouter",
    baseURL: origin,
    basePath: "/login/api",
    trustedOrigins: [origin],
    secret,
    telemetry: { enabled: false },
    logger: {
      log: (level, message) => {
        // Wrong passwords and unknown names are warnings there, and no fault: the audit log has them.
        if (level === "error") onFault(message);
      },
    },
    // No transactions across turns of the event loop: what else is written in between would be of them, or wait for them.
    database: notingFaults(
      drizzleAdapter(store.db, {
        provider: "sqlite",
        transaction: false,
        schema: {
          user: person,
          session: personSession,
          account: personLogin,
          verification: personVerification,
          twoFactor: personTwoFactor,
          passkey: personPasskey,
        },
      }),
    ),
    emailAndPassword: {
      enabled: true,
      // Nobody signs up here: join() is by link.
      disableSignUp: true,
      minPasswordLength: passwordLength.least,
      maxPasswordLength: passwordLength.most,
    },
    user: {
      additionalFields: {
        operator: { type: "boolean", input: false, defaultValue: false },
        disabled: { type: "boolean", input: false, defaultValue: false },
        accountId: { type: "string", input: false, required: true },
      },
    },
    account: {
      encryptOAuthTokens: true,
      // An identity is known by an address only where the operator invited that very address: see join().
      accountLinking: { allowDifferentEmails: true },
    },
    session: {
      expiresIn: sessionDays * 86_400,
      disableSessionRefresh: true,
      additionalFields: { accountId: { type: "string", input: false, required: false } },
    },
    verification: { storeIdentifier: "hashed" },
    rateLimit: { enabled: false },
    plugins: [
      genericOAuth({
        config: options.oidc.map(({ id, name, issuer, clientId, clientSecret }) => ({
          providerId: id,
          name,
          discoveryUrl: `${issuer}/.well-known/openid-configuration`,
          clientId,
          ...(clientSecret === undefined ? {} : { clientSecret }),
          scopes: ["openid", "email", "profile"],
          requireIdTokenVerification: true,
          // The library would take who has no id token at the word of the address that tells about people, bound to no nonce.
          accountSubject: ({ tokens, profile }) =>
            tokens.idToken === undefined ? "" : String(profile["sub"] ?? ""),
          // Whoever is not invited is nobody here, whatever another house says.
          disableSignUp: true,
        })),
      }),
      twoFactor({ issuer: hostname, accountLockout: { enabled: true } }),
      passkey({
        rpID: hostname,
        rpName: "LowRouter",
        origin,
        authentication: {
          // It stands in place of the second step too: whoever holds the device has to show that it is theirs.
          afterVerification: ({ verification }) => {
            if (!verification.authenticationInfo.userVerified)
              throw new APIError("UNAUTHORIZED", { message: "The device did not ask who you are" });
          },
        },
      }),
    ],
    advanced: {
      // The prefix __Host- binds a cookie to this host and to https; the library's own switch would name it __Secure-.
      useSecureCookies: false,
      cookiePrefix: isSecure ? "__Host-lowrouter" : "lowrouter",
      defaultCookieAttributes: {
        httpOnly: true,
        sameSite: "lax",
        path: "/",
        secure: isSecure,
      },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      database: {
        generateId: ({ model }) => options.ids.next(prefixOf.get(model) ?? "row"),
      },
    },
    hooks: {
      // The library would let a code in as often as it comes while its minute lasts.
      before: createAuthMiddleware(async (ctx) => {
        if (ctx.path !== "/two-factor/verify-totp") return;
        const { name } = ctx.context.createAuthCookie("two_factor");
        const step = await ctx.getSignedCookie(name, ctx.context.secret);
        if (!step) return;
        const found = await ctx.context.internalAdapter.findVerificationValue(step);
        if (found && !(await takeCode(options, found.value, String(ctx.body.code))))
          throw new APIError("UNAUTHORIZED", { message: "This code was tried before" });
      }),
    },
    databaseHooks: {
      session: {
        create: {
          // Whatever the way in.
          before: async (session) => {
            const [found] = await store.read(
              "SELECT disabled, chosen_account_id FROM person WHERE id = ?",
              [session.userId],
            );
            if (found?.["disabled"] !== 0) return false;
            // Where they were when they last switched; whether they still belong there, visitorOf() sees.
            const accountId = textOf(found, "chosen_account_id");
            return accountId === undefined ? undefined : { data: { ...session, accountId } };
          },
        },
      },
    },
  });
}

export type Auth = ReturnType<typeof createAuth>;
