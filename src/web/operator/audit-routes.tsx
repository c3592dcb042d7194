import type { AnyElysia } from "elysia";
import { auditChoices, listAudit } from "#src/account/people/audit.ts";
import { auditAskOf, auditFile, filterOf } from "#src/web/dashboard/audit-ask.ts";
import { auditNames, idsIn, readable } from "#src/web/dashboard/audit-names.ts";
import { auditColumns, AuditTable } from "#src/web/dashboard/audit-table.tsx";
import { fileAnswer, formatOf } from "#src/web/dashboard/file.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { createRoom } from "#src/web/dashboard/room.ts";
import { accountPath } from "#src/web/operator/accounts.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { field } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";

const path = "/operator/audit";
const pageSize = 100;

/** Who did what in the whole gateway, or, with `?of=acc_…`, in one account of it. */
export function auditRoom(desk: Desk): AnyElysia {
  const { store } = desk.services;
  const columns = auditColumns(desk.app.config.billing.currency, { accountPath });
  return createRoom(desk, "operator audit", "operator").get(path, async (guest) => {
    const { searchParams } = guest.url;
    const of = field(searchParams, "of", 60);
    const accountId = of === "" ? undefined : of;
    const ask = auditAskOf(searchParams);
    const filter = filterOf(ask, accountId);
    const format = formatOf(searchParams);
    if (format !== undefined) {
      const file = await auditFile(store, filter, ask.before);
      return fileAnswer({ format, name: "audit", columns, ...file });
    }
    const [{ items, nextPageToken }, choices] = await Promise.all([
      listAudit(store, {
        ...filter,
        pageSize,
        ...(ask.before === "" ? {} : { pageToken: ask.before }),
      }),
      auditChoices(store, accountId),
    ]);
    // Not as an account's own people see it: here operators are told the names of operators.
    const names = await auditNames(store, [...idsIn(items), ...choices.actors, of]);
    return page(
      <Desktop
        guest={guest}
        title="Audit log"
        lead="Who did what in the whole gateway, from where, when. Nothing in it can be changed or removed."
      >
        {accountId === undefined ? null : (
          <p class="notice">
            Only what concerns <a href={accountPath(accountId)}>{readable(accountId, names)}</a>.{" "}
            <a href={path}>All accounts</a>
          </p>
        )}
        <AuditTable
          path={path}
          ask={ask}
          keep={accountId === undefined ? {} : { of: accountId }}
          choices={choices}
          names={names}
          rows={items.map((event) => ({ event, names }))}
          columns={columns}
          next={nextPageToken}
        />
      </Desktop>,
      { personal: true },
    );
  }).routes;
}
