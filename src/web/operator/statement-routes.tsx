import type { AnyElysia } from "elysia";
import { removedUntil } from "#src/ledger/removed-usage.ts";
import { dayOf } from "#src/lib/clock.ts";
import { type Month, monthsOf } from "#src/report/months.ts";
import { createUsageReader } from "#src/report/usage.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import { statementAnswer } from "#src/web/dashboard/statement-page.tsx";
import { monthSheet } from "#src/web/dashboard/statements-routes.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";
import { Formats, type Sheet, sheetAnswer, SheetTable } from "#src/web/sheet.tsx";

const path = "/operator/statements";

/** Footprint statements of the whole gateway. */
export function operatorStatementsRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const reader = createUsageReader({ store: services.store, clock: app.clock });
  const list = async (guest: Guest): Promise<Response> => {
    const today = dayOf(app.clock.now());
    const months = await monthsOf(reader, undefined, today);
    const sheet = monthSheet(months, {
      running: today.slice(0, 7),
      until: await removedUntil(services.store, undefined),
      addressOf: (month) => `${path}/${month}`,
    });
    return (
      sheetAnswer(sheet, guest.url.searchParams) ??
      page(<GatewayStatements guest={guest} sheet={sheet} />, { personal: true })
    );
  };
  return createRoom(desk, "operator statements", "operator")
    .get(path, list, "Statements")
    .get(`${path}/:month`, (guest) =>
      statementAnswer(guest, {
        account: undefined,
        path,
        shelf: services.statements,
        now: app.clock.now(),
      }),
    ).routes;
}

function GatewayStatements({ guest, sheet }: { guest: Guest; sheet: Sheet<Month> }) {
  return (
    <Desktop
      guest={guest}
      title="Statements"
      lead="Energy and carbon of every account together, by month."
    >
      {sheet.rows.length === 0 ? (
        <p>No request was made yet: a month stands here with its first one.</p>
      ) : (
        <SheetTable caption="Months with requests, the newest first" sheet={sheet} />
      )}
      <Formats path={path} />
      <p class="small soft">
        The statement of one account is made by its administrators, or with{" "}
        <code>lowrouter report footprint --account</code>.
      </p>
    </Desktop>
  );
}
