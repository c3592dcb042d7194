import type { Child } from "hono/jsx";
import { isFormat, signed, statementFile, unknownFormat } from "#src/http/statements.ts";
import { AppError } from "#src/lib/error.ts";
import { isPartial, type Month, monthOf } from "#src/statement/month.ts";
import type { Issued, StatementShelf } from "#src/statement/open.ts";
import { titleOf } from "#src/statement/show.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest } from "#src/web/dashboard/room.ts";
import { StatementBody } from "#src/web/dashboard/statement-body.tsx";
import { page } from "#src/web/respond.ts";

/** What a statement's page is about. */
export interface StatementPlace {
  /** Undefined: the whole gateway. */
  account: { id: string; name: string } | undefined;
  /** Path of the list of months. */
  path: string;
  shelf: StatementShelf;
  now: number;
}

/** Rows of a table on the page; files have all. */
const most = 25;

/** The statement of the month in the path: a page, or the file that `?format=` asks for. */
export async function statementAnswer(guest: Guest, place: StatementPlace): Promise<Response> {
  const { account, path, shelf, now } = place;
  const month = monthOf(guest.params["month"] ?? "");
  if (month === undefined || now < month.from)
    throw new AppError("not_found", "There is no statement of this month");
  const allowPartial = guest.url.searchParams.get("partial") === "yes";
  if (now < month.to && !allowPartial)
    return page(<RunningPage guest={guest} month={month} path={path} />, { personal: true });
  isPartial(month, now, allowPartial);
  const format = guest.url.searchParams.get("format");
  if (format !== null && !isFormat(format)) throw unknownFormat(format);
  const issued = await signed(() => shelf.of({ account, month, allowPartial }));
  if (format !== null) return statementFile(shelf, issued, format);
  return page(<StatementPage guest={guest} issued={issued} path={path} />, { personal: true });
}

function StatementPage(props: { guest: Guest; issued: Issued; path: string }) {
  const { guest, issued, path } = props;
  const { statement } = issued;
  const { month, partial } = statement;
  const at = (format: string, words: string): Child => (
    <a href={pageAt(guest, `${path}/${month}`, { ...(partial ? { partial: "yes" } : {}), format })}>
      {words}
    </a>
  );
  return (
    <Desktop
      guest={guest}
      title={titleOf(statement)}
      lead="Energy and carbon of the month, with everything that they were made from and a signature."
    >
      <p class="formats">
        Signed files: {at("pdf", "PDF")}, {at("html", "HTML")}, {at("json", "JSON")},{" "}
        {at("csv", "CSV")} and {at("csv.sig", "its signature")}.{" "}
        <a href={pageAt(guest, path)}>Other months</a>
      </p>
      <StatementBody signed={issued} most={most} />
    </Desktop>
  );
}

function RunningPage({ guest, month, path }: { guest: Guest; month: Month; path: string }) {
  return (
    <Desktop guest={guest} title={`Footprint statement ${month.name}`}>
      <p>
        The month is not over: it ends with {new Date(month.to - 1).toISOString().slice(0, 10)},
        UTC.
      </p>
      <p>
        <a href={pageAt(guest, `${path}/${month.name}`, { partial: "yes" })}>
          Make a partial statement of what there is so far
        </a>
        , which says that it is one, or <a href={pageAt(guest, path)}>see other months</a>.
      </p>
    </Desktop>
  );
}
