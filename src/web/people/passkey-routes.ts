import { type AnyElysia, Elysia } from "elysia";
import * as v from "valibot";
import {
  addPasskey,
  askForPasskey,
  offerPasskey,
  signInByPasskey,
} from "#src/account/people/passkeys.ts";
import { json, readBody } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { isFromUs, knockOf, type Peers } from "#src/web/people/knock.ts";
import { withCookies } from "#src/web/people/respond.ts";
import { sessionOf } from "#src/web/people/session.ts";
import { ownPath } from "#src/web/theme.ts";

const longestAnswer = 65_536;

/** What the script sends at a sign-in: the browser's own answer, with the fields of the form. */
const signInAnswer = v.looseObject({
  next: v.optional(v.string()),
  response: v.object({
    id: v.string(),
    rawId: v.string(),
    type: v.literal("public-key"),
    response: v.object({
      clientDataJSON: v.string(),
      authenticatorData: v.string(),
      signature: v.string(),
      userHandle: v.optional(v.string()),
    }),
  }),
});

/** What it sends for a new passkey. */
const newAnswer = v.looseObject({
  name: v.optional(v.pipe(v.string(), v.maxLength(100))),
  response: v.record(v.string(), v.unknown()),
});

/** Passkeys, for the script of the sign-in page and of the account's page. */
export function passkeyRoutes(desk: Desk): AnyElysia {
  const { people, throttles } = desk;
  return new Elysia({ name: "passkeys" })
    .post(
      "/login/passkey/options",
      ({ request, server }) =>
        guarded(request, async () => {
          const knock = knockOf(request, server);
          if (throttles.address.take(knock.address) > 0) return refused(429);
          const { options, cookies } = await askForPasskey(people, knock);
          return withCookies(noStore(options), cookies);
        }),
      { parse: "none" },
    )
    .post(
      "/login/passkey",
      ({ request, server }) =>
        guarded(request, async () => {
          const { response, next } = await answerOf(request, signInAnswer);
          const cookies = await signInByPasskey(people, knockOf(request, server), {
            ...response,
            clientExtensionResults: {},
          });
          if (cookies === undefined) return refused(401);
          return withCookies(noStore({ to: next ? ownPath(next) : "/account" }), cookies);
        }),
      { parse: "none" },
    )
    .post(
      "/account/passkeys/options",
      ({ request, server }) =>
        signedIn(request, server, async (knock) => {
          const offered = await offerPasskey(people, knock);
          if (offered === undefined) return stale();
          return withCookies(noStore(offered.options), offered.cookies);
        }),
      { parse: "none" },
    )
    .post(
      "/account/passkeys",
      ({ request, server }) =>
        signedIn(request, server, async (knock, visitor) => {
          const { response, name } = await answerOf(request, newAnswer);
          const isAdded = await addPasskey(people, visitor, knock, {
            response,
            name: name?.trim() || "passkey",
          });
          return isAdded ? noStore({ to: "/account?done=passkey#passkeys" }) : stale();
        }),
      { parse: "none" },
    );

  async function signedIn(
    request: Request,
    server: Peers | null,
    work: (
      knock: ReturnType<typeof knockOf>,
      visitor: NonNullable<Awaited<ReturnType<typeof sessionOf>>>,
    ) => Promise<Response>,
  ): Promise<Response> {
    return guarded(request, async () => {
      const visitor = await sessionOf(request, people);
      return visitor === undefined ? refused(401) : work(knockOf(request, server), visitor);
    });
  }
}

async function guarded(request: Request, work: () => Promise<Response>): Promise<Response> {
  return isFromUs(request) ? work() : refused(403);
}

async function answerOf<T>(request: Request, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const body = await readBody(request, longestAnswer);
  const parsed = v.safeParse(schema, parsedJson(body.toString()));
  if (!parsed.success)
    throw new AppError("invalid_value", "Cannot read the passkey: its answer is not whole");
  return parsed.output;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Refused by the schema.
    return undefined;
  }
}

function refused(status: 401 | 403 | 429): Response {
  return noStore({ message: "This passkey is not known here, or it took too long" }, status);
}

function stale(): Response {
  return noStore({ message: "Sign in again first: a passkey is added within a day of that" }, 403);
}

function noStore(value: unknown, status = 200): Response {
  return json(value, { status, headers: { "cache-control": "no-store" } });
}
