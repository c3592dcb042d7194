import { type AnyElysia, Elysia } from "elysia";
import { isAtLeast, type Knock, type Role, type Visitor } from "#src/account/people/person.ts";
import { uncountedHeader } from "#src/http/unsent.ts";
import { AppError } from "#src/lib/error.ts";
import { withFrameAhead } from "#src/web/dashboard/frame-ahead.tsx";
import { reachOf } from "#src/web/dashboard/requests-filter.ts";
import type { Visit } from "#src/web/layout.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { knockOf } from "#src/web/people/knock.ts";
import { formOf } from "#src/web/people/respond.ts";
import { requirePerson } from "#src/web/people/session.ts";

/** Somebody who is signed in and may see the page that is asked for. */
export interface Guest {
  request: Request;
  url: URL;
  /** What stands in the path for `:name`. */
  params: Readonly<Record<string, string>>;
  visit: Visit;
  visitor: Visitor;
  knock: Knock;
  /** Requests that lists and totals leave out, because a database elsewhere does not have them yet. */
  uncounted: number;
}

/** A guest who sent a form. */
export interface Sender extends Guest {
  form: URLSearchParams;
}

/** What became of a form, for the page that shows it: why it was refused, or what it did. */
export interface Outcome {
  fault?: string | undefined;
  done?: string | undefined;
  status?: number;
  /** The member at fault, as the API calls it. */
  param?: string | undefined;
  /** What was sent, to be shown again. */
  form?: URLSearchParams;
}

type View = (guest: Guest, outcome: Outcome) => Response | Promise<Response>;

/** Pages of one subject, and their forms. */
export interface Room {
  readonly routes: AnyElysia;
  /**
   * A page. `?done=NAME` on its address becomes `outcome.done`, in the words given to the room. `slow`: the heading of one that
   * may take long, whose frame is sent ahead then.
   */
  get(path: string, view: View, slow?: string): Room;
  /** A form. Where it cannot be done, `view` shows the page that it was sent from again, with the reason. */
  post(path: string, act: (sender: Sender) => Response | Promise<Response>, view: View): Room;
}

/**
 * Makes a room. `least`: who may enter; for everyone else it does not exist. Every page and form of it acts for the account
 * of the session, or for that of `?account=acc_…` on its address.
 */
export function createRoom(
  desk: Desk,
  name: string,
  least: Role | "operator",
  words: Readonly<Record<string, string>> = {},
): Room {
  const routes: AnyElysia = new Elysia({ name: `room ${name}` });
  type Peers = Parameters<typeof knockOf>[1];
  const enter = async (
    request: Request,
    server: Peers,
    params: Guest["params"],
  ): Promise<Guest | Response> => {
    const visitor = await requirePerson(request, desk.people, least);
    if (visitor instanceof Response) return visitor;
    // Before anything else is read: what is sent meanwhile is counted, and said not to be.
    const uncounted = await uncountedFor(desk, visitor, least);
    return {
      request,
      url: new URL(request.url),
      params,
      visit: desk.visitOf(request),
      visitor,
      knock: knockOf(request, server),
      uncounted,
    };
  };
  const room: Room = {
    routes,
    get(path, view, slow) {
      routes.get(path, async ({ request, server, params }) => {
        const guest = await enter(request, server, params);
        if (guest instanceof Response) return guest;
        const said = guest.url.searchParams.get("done") ?? "";
        const done = Object.hasOwn(words, said) ? words[said] : undefined;
        const made = view(guest, { done });
        // A file has no frame.
        const isFramed = slow !== undefined && !guest.url.searchParams.has("format");
        const answer =
          isFramed && made instanceof Promise
            ? withFrameAhead(guest, slow, made, desk.app.log)
            : made;
        return unkept(await answer, guest);
      });
      return room;
    },
    post(path, act, view) {
      routes.post(
        path,
        async ({ request, server, params }) => {
          const guest = await enter(request, server, params);
          if (guest instanceof Response) return guest;
          const form = await formOf(request);
          try {
            return unkept(await act({ ...guest, form }), guest);
          } catch (thrown) {
            if (!(thrown instanceof AppError) || thrown.code === "internal_error") throw thrown;
            const { message: fault, status, detail } = thrown;
            return unkept(await view(guest, { fault, status, param: detail.param, form }), guest);
          }
        },
        { parse: "none" },
      );
      return room;
    },
  };
  return room;
}

/** What a room answers is about one account, as a page and as a file alike: no cache keeps it. */
function unkept(response: Response, { uncounted }: Guest): Response {
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  if (uncounted > 0) response.headers.set(uncountedHeader, String(uncounted));
  return response;
}

/** Of the account that the pages are about, as far as the visitor may know of its requests; for an operator, of all. */
async function uncountedFor(
  { services: { store, unsent } }: Desk,
  visitor: Visitor,
  least: Role | "operator",
): Promise<number> {
  if (unsent === undefined) return 0;
  if (least === "operator") return unsent.count({});
  const accountId = visitor.account.id;
  const count = await unsent.count({ accountId });
  if (count === 0 || isAtLeast(visitor.role, "admin")) return count;
  const { only: keyIds } = await reachOf(store, visitor);
  return unsent.count({ accountId, keyIds });
}
