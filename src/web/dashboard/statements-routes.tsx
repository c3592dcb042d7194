import type { AnyElysia } from "elysia";
import { removedUntil } from "#src/ledger/removed-usage.ts";
import { dayOf } from "#src/lib/clock.ts";
import { type Month, monthsOf } from "#src/report/months.ts";
import { createUsageReader } from "#src/report/usage.ts";
import { isKept, monthOf } from "#src/statement/month.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import { Estimated, estimated, noEstimate, share } from "#src/web/dashboard/usage-words.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";
import { Formats, type Sheet, sheetAnswer, SheetTable } from "#src/web/sheet.tsx";

const path = "/dashboard/statements";

/** The months of an account, each with what is known of its footprint. */
export function statementsRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const reader = createUsageReader({ store: services.store, clock: app.clock });
  const list = async (guest: Guest): Promise<Response> => {
    const { account } = guest.visitor;
    const today = dayOf(app.clock.now());
    const months = await monthsOf(reader, account.id, today);
    const sheet = monthSheet(months, {
      running: today.slice(0, 7),
      until: await removedUntil(services.store, account.id),
      addressOf: (month) => pageAt(guest, `${path}/${month}`),
    });
    return (
      sheetAnswer(sheet, guest.url.searchParams) ??
      page(<StatementsPage guest={guest} sheet={sheet} />, { personal: true })
    );
  };
  return createRoom(desk, "statements", "admin").get(path, list, "Statements").routes;
}

interface MonthsShown {
  /** The month that is not over. */
  running: string;
  /** When the newest request that was removed came in, Unix milliseconds. */
  until: number | undefined;
  addressOf(month: string): string;
}

/** Months with the way to the statement of each that can be made. */
export function monthSheet(
  rows: readonly Month[],
  { running, until, addressOf }: MonthsShown,
): Sheet<Month> {
  return {
    name: "statements",
    rows,
    columns: [
      {
        name: "month",
        title: "Month, UTC",
        value: ({ month }) => month,
        show: ({ month }) =>
          hasAll(month, until) ? (
            <>
              <a href={addressOf(month)}>{month}</a>
              {month < running ? null : ", not over yet"}
            </>
          ) : (
            `${month}, no statement any more: requests were removed`
          ),
      },
      { name: "is_over", value: ({ month }) => month < running },
      {
        name: "requests",
        title: "Requests",
        kind: "figure",
        value: ({ requests }) => requests,
      },
      {
        name: "energy_wh",
        title: "Energy, Wh",
        kind: "figure",
        why: noEstimate,
        value: (month) => estimated(month, "energyWh") ?? null,
        show: (month) => <Estimated totals={month} name="energyWh" />,
      },
      {
        name: "carbon_g",
        title: "Carbon, g CO2e",
        kind: "figure",
        why: noEstimate,
        value: (month) => estimated(month, "carbonG") ?? null,
        show: (month) => <Estimated totals={month} name="carbonG" />,
      },
      {
        name: "requests_without_estimate",
        title: "Without an estimate",
        kind: "figure",
        value: ({ withoutEco }) => withoutEco,
        show: ({ withoutEco, requests }) => share(withoutEco, requests),
      },
      {
        name: "methodologies",
        title: "Methodology",
        kind: "list",
        why: noEstimate,
        value: ({ methodologies }) => (methodologies.length === 0 ? null : methodologies),
      },
    ],
  };
}

/** Whether all requests of a month are kept. */
function hasAll(name: string, until: number | undefined): boolean {
  const month = monthOf(name);
  return month !== undefined && isKept(month, until);
}

function StatementsPage({ guest, sheet }: { guest: Guest; sheet: Sheet<Month> }) {
  const { account } = guest.visitor;
  return (
    <Desktop
      guest={guest}
      title="Statements"
      lead="Energy and carbon by month, with the share that has no estimate and is in no sum."
    >
      {sheet.rows.length === 0 ? (
        <p>No request was made yet: a month stands here with its first one.</p>
      ) : (
        <SheetTable caption="Months with requests, the newest first" sheet={sheet} />
      )}
      <Formats path={path} query={new URLSearchParams({ account: account.id })} />
      <p class="small soft">
        Estimates with annual averages of the grids. <a href="/methodology">How they are made</a>,
        and what is not measured.
      </p>
    </Desktop>
  );
}
