import {
  createLink,
  type Link,
  listInvitations,
  revokeInvitation,
  stateOf,
} from "#src/account/people/links.ts";
import { isEmail, roleOf, roles } from "#src/account/people/person.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import type { Config } from "#src/config/load.ts";
import { fromUnits, toUnits } from "#src/ledger/money.ts";
import { rfc3339, systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { leaveInvitation } from "#src/leave-invitation.ts";
import type { Store } from "#src/store/store.ts";

const resetSeconds = 86_400;
const longestDays = 365;

/** The `invite create` command. */
export async function createInviteCommand(
  options: CommonOptions & {
    account?: string;
    role: string;
    email?: string;
    balance?: number;
    operator?: boolean;
    days: number;
    url?: string;
  },
  output: Output,
): Promise<void> {
  const role = roleOf(options.role);
  if (role === undefined)
    throw new CommandError(`Cannot use the role "${options.role}": give ${roles.join(", ")}`, 2);
  if (options.days < 1 || options.days > longestDays)
    throw new CommandError(
      `Cannot make a link for ${options.days} days: give 1 to ${longestDays}`,
      2,
    );
  const email = options.email?.trim().toLowerCase();
  if (email !== undefined && !isEmail(email))
    throw new CommandError(
      `Cannot invite "${options.email}": nobody can sign in with it. Give an address such as ada@example.org`,
      2,
    );
  await withStore(options, async (store, config) => {
    const kit = kitOf(store);
    const account =
      options.account === undefined ? undefined : await accountBy(store, options.account);
    const { link, token } = await createLink(kit, {
      purpose: "invitation",
      createdBy: "cli",
      seconds: options.days * 86_400,
      ...(account && { accountId: account.id, role }),
      ...(email === undefined ? {} : { email }),
      credit: fromUnits(options.balance ?? 0),
      operator: options.operator === true,
    });
    const url = `${addressOf(config, options.url)}/register?invite=${token}`;
    const by = { name: "The operator of this gateway" };
    const isMailed =
      email !== undefined &&
      (await leaveInvitation(kit, config, { email, url, account, by, link }));
    if (options.json) return printJson(output, { url, data: recordOf(link), mailed: isMailed });
    output.out(`${url}\n`);
    output.err(
      `Invitation ${link.id}, for one person until ${rfc3339(link.expiresAt)}. The link is not shown again\n`,
    );
    if (isMailed) output.err(`The gateway mails it to ${email} too, as soon as it runs\n`);
  });
}

/** The `invite list` command. */
export async function listInvitesCommand(options: CommonOptions, output: Output): Promise<void> {
  await withStore(options, async (store, config) => {
    const records = (await listInvitations(store)).map(recordOf);
    if (options.json) return printJson(output, { data: records });
    if (records.length === 0) {
      output.err('No invitation yet\nRun "lowrouter invite create"\n');
      return;
    }
    printTable(
      output,
      ["id", "state", "email", "account", "role", `credit ${config.billing.currency}`, "expires"],
      records.map((one) => [
        one.id,
        one.state,
        one.email ?? "anybody",
        one.account ?? "personal",
        one.operator ? "operator" : (one.role ?? "owner"),
        one.balance.toFixed(2),
        one.expires_at.slice(0, 16),
      ]),
    );
  });
}

/** The `invite revoke` command. */
export async function revokeInviteCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    if (!(await revokeInvitation(kitOf(store), id, { actor: "cli" })))
      throw new CommandError(
        `Cannot revoke "${id}": there is no such invitation that still works\nRun "lowrouter invite list" to see them`,
      );
    if (options.json) printJson(output, { data: { id, revoked: true } });
    else output.out(`Revoked ${id}\n`);
  });
}

/** The `account reset-link` command. */
export async function resetLinkCommand(
  email: string,
  options: CommonOptions & { url?: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const [row] = await store.read("SELECT id FROM person WHERE email = ?", [
      email.trim().toLowerCase(),
    ]);
    if (row === undefined)
      throw new CommandError(
        `Cannot find a person with the address "${email}"\nRun "lowrouter invite create --email ${email}" to invite them`,
      );
    const { link, token } = await createLink(kitOf(store), {
      purpose: "reset",
      createdBy: "cli",
      seconds: resetSeconds,
      personId: String(row["id"]),
    });
    const url = `${addressOf(config, options.url)}/reset?token=${token}`;
    if (options.json)
      return printJson(output, { url, data: { id: link.id, expires_at: rfc3339(link.expiresAt) } });
    output.out(`${url}\n`);
    output.err(`It works once, until ${rfc3339(link.expiresAt)}, and ends the links before it\n`);
  });
}

function kitOf(store: Store) {
  return { store, clock: systemClock, ids: createIds(systemClock) };
}

/** The address that people open: as given, else as configured, else where the gateway listens. */
function addressOf({ listen, publicUrl }: Config, given: string | undefined): string {
  if (given === undefined) {
    if (publicUrl !== "") return publicUrl;
    const host = listen.hostname === "0.0.0.0" ? "127.0.0.1" : listen.hostname;
    return `http://${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.origin;
  throw new CommandError(
    `Cannot use the address "${given}": give one such as https://gateway.example`,
    2,
  );
}

function recordOf(link: Link) {
  return {
    id: link.id,
    state: stateOf(link, systemClock.now()),
    email: link.email ?? null,
    account: link.accountId ?? null,
    role: link.role ?? null,
    operator: link.operator,
    balance: toUnits(link.credit),
    created_at: rfc3339(link.createdAt),
    created_by: link.createdBy,
    expires_at: rfc3339(link.expiresAt),
  };
}
