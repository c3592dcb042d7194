import type { AnyElysia } from "elysia";
import { whatIfAnswer } from "#src/http/what-if.ts";
import { whatIfKit } from "#src/http/what-if-places.ts";
import { AppError } from "#src/lib/error.ts";
import type { UsageReader } from "#src/report/usage.ts";
import { whatIfReport } from "#src/report/what-if-report.ts";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import { filterOf, usageAskOf } from "#src/web/dashboard/usage-ask.ts";
import { namesOf } from "#src/web/dashboard/usage-names.ts";
import { choicesOf } from "#src/web/dashboard/usage-routes.tsx";
import { WhatIfPage } from "#src/web/dashboard/what-if.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

/** What the recorded traffic would have been elsewhere: `/dashboard/what-if`, with JSON and CSV at the same address. */
export function whatIfRoom(desk: Desk, reader: UsageReader): AnyElysia {
  const room = createRoom(desk, "what if", "member");
  room.get("/dashboard/what-if", (guest) => whatIf(desk, reader, guest), "What if");
  return room.routes;
}

async function whatIf(desk: Desk, reader: UsageReader, guest: Guest): Promise<Response> {
  const { visitor, url } = guest;
  const { app, services } = desk;
  const ask = usageAskOf(url.searchParams, visitor, app.clock.now());
  const format = url.searchParams.get("format");
  if (format !== null && format !== "json" && format !== "csv")
    throw new AppError(
      "invalid_value",
      `Cannot export as "${format.slice(0, 20)}": json or csv is needed`,
      { param: "format" },
    );
  const kit = await whatIfKit(app, services, visitor.account);
  const report = await whatIfReport(reader, filterOf(ask), kit);
  if (format !== null) return whatIfAnswer(report, ask, format);
  const names = await namesOf(services.store, visitor);
  return page(
    <WhatIfPage
      guest={guest}
      ask={ask}
      report={report}
      names={names}
      choices={choicesOf(desk, visitor, names)}
    />,
    { personal: true },
  );
}
