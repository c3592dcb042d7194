import { type AuditEntry, auditing } from "#src/account/people/audit.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import type { Statement } from "#src/store/store.ts";

const ids = createIds(systemClock);

/** What the command line did, as the audit log has it: a statement for the transaction of the change itself. */
export function noted(entry: Omit<AuditEntry, "actor" | "address">): Statement {
  return auditing({ clock: systemClock, ids }, { ...entry, actor: "cli" });
}
