import type { App } from "#src/gateway/context.ts";
import { toAppError } from "#src/lib/error.ts";
import { beginning } from "#src/web/ahead.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { Notes } from "#src/web/people/form.tsx";
import { page } from "#src/web/respond.ts";

/** How long a page may take before its frame is sent ahead: most are there before. */
const patienceMs = 4;
const headingEnd = "</h1>";

/**
 * A page that may have to add up a year: where that takes its time, the frame with its heading is sent at once, and the
 * rest follows. What breaks after that stands in the frame, under the status that was sent.
 */
export async function withFrameAhead(
  guest: Guest,
  title: string,
  made: Promise<Response>,
  log: App["log"],
): Promise<Response> {
  const isHere = await Promise.race([
    made.then(
      () => true,
      () => true,
    ),
    Bun.sleep(patienceMs).then(() => false),
  ]);
  if (isHere) return made;
  const [frame = ""] = split(await textOf(guest, title, undefined));
  const rest = made.then(restOf).catch(async (thrown: unknown) => {
    const error = toAppError(thrown);
    if (error.code === "internal_error") log.write("error", error.code, {}, error.cause);
    const [, after] = split(await textOf(guest, title, error.message));
    return after;
  });
  const headers = new Headers(page("", { personal: true }).headers);
  return beginning(frame, rest, headers);
}

/** What of a page follows its frame. */
async function restOf(response: Response): Promise<string> {
  const [frame, rest] = split(await response.text());
  if (frame === "" || response.status !== 200)
    throw new Error("It is no page that can follow its frame");
  return rest;
}

/** The frame with what went wrong in it, or with nothing. */
function textOf(guest: Guest, title: string, fault: string | undefined): Promise<string> {
  return page(
    <Desktop guest={guest} title={title}>
      <Notes fault={fault} done={undefined} />
    </Desktop>,
  ).text();
}

/** A page, up to the end of its heading and from there; nothing and all of it where there is none. */
function split(text: string): [string, string] {
  const at = text.indexOf(headingEnd);
  if (at < 0) return ["", text];
  const end = at + headingEnd.length;
  return [text.slice(0, end), text.slice(end)];
}
