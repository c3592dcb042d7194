import type { AnyElysia } from "elysia";
import { auditChoices } from "#src/account/people/audit.ts";
import { auditAskOf, auditFile, auditPage, filterOf } from "#src/web/dashboard/audit-ask.ts";
import { auditNames } from "#src/web/dashboard/audit-names.ts";
import { auditColumns, AuditTable } from "#src/web/dashboard/audit-table.tsx";
import { fileAnswer, formatOf } from "#src/web/dashboard/file.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { createRoom } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

const path = "/dashboard/audit";
const pageSize = 100;

/** Who did what in an account, from where, when. */
export function auditRoom(desk: Desk): AnyElysia {
  const { store } = desk.services;
  const columns = auditColumns(desk.app.config.billing.currency);
  return createRoom(desk, "audit", "admin").get(path, async (guest) => {
    const { searchParams } = guest.url;
    const { id } = guest.visitor.account;
    const ask = auditAskOf(searchParams);
    const filter = filterOf(ask, id);
    const format = formatOf(searchParams);
    if (format !== undefined) {
      const file = await auditFile(store, filter, ask.before);
      return fileAnswer({ format, name: "audit", columns, ...file });
    }
    const [{ rows, next }, choices] = await Promise.all([
      auditPage(store, filter, { before: ask.before, pageSize }),
      auditChoices(store, id),
    ]);
    return page(
      <Desktop
        guest={guest}
        title="Audit log"
        lead="Who did what in this account, from where, when. Nothing in it can be changed or removed."
      >
        <AuditTable
          path={path}
          ask={ask}
          keep={{ account: id }}
          choices={choices}
          names={await auditNames(store, choices.actors, id)}
          rows={rows}
          columns={columns}
          next={next}
        />
      </Desktop>,
      { personal: true },
    );
  }).routes;
}
