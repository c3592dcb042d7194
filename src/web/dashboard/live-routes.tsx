import type { AnyElysia } from "elysia";
import type { Visitor } from "#src/account/people/person.ts";
import { otherProcesses } from "#src/ledger/processes.ts";
import { AppError } from "#src/lib/error.ts";
import { createLive } from "#src/web/dashboard/live.ts";
import type { Sight } from "#src/web/dashboard/live-here.ts";
import { LivePage, livePath } from "#src/web/dashboard/live-page.tsx";
import { endedColumns, endedRow, openColumns } from "#src/web/dashboard/live-rows.ts";
import { type Reach, reachOf } from "#src/web/dashboard/requests-filter.ts";
import { findRequests } from "#src/web/dashboard/requests-find.ts";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

/** How far back the page looks for what just ended, and over how many rows: it is loaded again every few seconds. */
const recentMs = 3_600_000;
const mostRecent = 25;
const mostLooked = 2000;

/** Requests as they happen: a page, and the events that keep it fresh. */
export function liveRoom(desk: Desk): AnyElysia {
  const { app, services, people } = desk;
  const { store, watch } = services;
  const { currency } = app.config.billing;
  const live = createLive(app, watch, services);

  async function show(guest: Guest): Promise<Response> {
    const { visitor, url } = guest;
    const reach = await reachOf(store, visitor);
    const now = app.clock.now();
    const search = {
      accountId: visitor.account.id,
      from: now - recentMs,
      to: now + 1,
      ...(reach.only === undefined ? {} : { keyIds: reach.only }),
    };
    const { items } = await findRequests(store, search, undefined, {
      rows: mostRecent,
      looked: mostLooked,
    });
    const open = await live.open(sightOf(visitor, reach));
    const watched = [services.processId, ...open.processes];
    const others = await otherProcesses(store, watched, now);
    return page(
      <LivePage
        guest={guest}
        isOwnOnly={reach.only !== undefined}
        isStill={url.searchParams.get("still") === "1"}
        workers={services.siblings && { watched: watched.length, all: app.config.workers }}
        processId={services.processId}
        others={others}
        total={open.total}
        open={{
          title: "Under way",
          none: "Nothing is under way.",
          columns: openColumns,
          rows: open.rows,
        }}
        ended={{
          title: "Just ended",
          none: "Nothing ended within the last hour.",
          columns: endedColumns(currency),
          rows: items.map(endedRow),
        }}
      />,
      { personal: true },
    );
  }

  async function events({ visitor, knock, request }: Guest): Promise<Response> {
    const { id } = visitor.account;
    const stream = live.events({
      personId: visitor.person.id,
      sight: sightOf(visitor, await reachOf(store, visitor)),
      signal: request.signal,
      async check() {
        const still = await stillThere(() => people.visitorOf(knock, id));
        return still && sightOf(still, await reachOf(store, still));
      },
    });
    return new Response(stream, {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        // A proxy in front must not gather what is to arrive at once.
        "x-accel-buffering": "no",
      },
    });
  }

  return createRoom(desk, "live", "member").get(livePath, show).get(`${livePath}/events`, events)
    .routes;
}

function sightOf({ account }: Visitor, { only }: Reach): Sight {
  return { accountId: account.id, only: only && new Set(only) };
}

/** Whoever is signed in and still belongs to the account; nobody where that ended. */
async function stillThere(
  visitor: () => Promise<Visitor | undefined>,
): Promise<Visitor | undefined> {
  try {
    return await visitor();
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "not_found") return undefined;
    throw thrown;
  }
}
