import { randomBytes } from "node:crypto";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { type Role, roleOf } from "#src/account/people/person.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { numberIn, textOf, type Row, type Store } from "#src/store/store.ts";

export type Purpose = "invitation" | "setup" | "reset";

/** A link that works once. Its token exists only where it is made. */
export interface Link {
  /** `inv_…` */
  id: string;
  purpose: Purpose;
  /** The only address that may join. */
  email: string | undefined;
  /** The account to join, with the role there; neither where only a personal account is opened. */
  accountId: string | undefined;
  role: Role | undefined;
  operator: boolean;
  /** Credit for the personal account of somebody new. */
  credit: NanoUnits;
  /** Whose password a reset is for. */
  personId: string | undefined;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  usedAt: number | undefined;
  usedBy: string | undefined;
  revokedAt: number | undefined;
  /** Whether its maker may still give what it promises; else it does not work. */
  isBacked: boolean;
}

/** What the maker of a link decides. */
export type NewLink = Pick<Link, "purpose" | "createdBy"> &
  Partial<Pick<Link, "email" | "accountId" | "role" | "operator" | "credit" | "personId">> & {
    /** How long it works. */
    seconds: number;
    /** Network address of its maker. */
    address?: string;
  };

const isUnused = "used_at IS NULL AND revoked_at IS NULL AND expires_at > ?";

/**
 * Whether a person who made a link may still give what it promises: operators all of it, others a role in an account up to
 * their own there, and everybody a new password of their own.
 */
const isBacked = `(one_use_link.created_by NOT LIKE 'per\\_%' ESCAPE '\\' OR EXISTS (
  SELECT 1 FROM person AS maker WHERE maker.id = one_use_link.created_by AND maker.disabled = 0 AND (maker.operator = 1
    OR (one_use_link.purpose = 'reset' AND one_use_link.person_id = maker.id)
    OR (one_use_link.purpose = 'invitation' AND one_use_link.operator = 0 AND one_use_link.credit_nano = 0 AND EXISTS (
      SELECT 1 FROM membership AS own WHERE own.person_id = maker.id AND own.account_id = one_use_link.account_id
        AND own.role <> 'member'
        AND instr('owner admin member', own.role) <= instr('owner admin member', one_use_link.role))))))`;

/** A condition on a row that still works; takes the time. */
export const linkIsOpen = `${isUnused} AND ${isBacked}`;

const selectLink = `SELECT *, ${isBacked} AS backed FROM one_use_link`;

/** The id under which a token is kept. */
export function linkHash(token: string): string {
  return sha256Hex(token);
}

/** Makes a link. Its token, 256 bits, is handed out this once. Throws `invalid_value` where who is invited is a member already. */
export async function createLink(kit: Kit, asked: NewLink): Promise<{ link: Link; token: string }> {
  const { store, clock, ids } = kit;
  await refuseMember(store, asked);
  const token = randomBytes(32).toString("base64url");
  const now = clock.now();
  const link: Link = {
    id: ids.next("inv"),
    purpose: asked.purpose,
    email: asked.email?.toLowerCase(),
    accountId: asked.accountId,
    role: asked.accountId === undefined ? undefined : (asked.role ?? "member"),
    operator: asked.operator ?? false,
    credit: asked.credit ?? nano(0),
    personId: asked.personId,
    createdAt: now,
    createdBy: asked.createdBy,
    expiresAt: now + asked.seconds * 1000,
    usedAt: undefined,
    usedBy: undefined,
    revokedAt: undefined,
    isBacked: true,
  };
  // Of the links that set up or reset, the newest alone works.
  const replaced = {
    sql: `UPDATE one_use_link SET revoked_at = ? WHERE purpose = ? AND purpose <> 'invitation'
      AND person_id IS ? AND ${isUnused}`,
    args: [now, link.purpose, link.personId ?? null, now],
  };
  await store.write([
    replaced,
    {
      sql: `INSERT INTO one_use_link (id, hash, purpose, email, account_id, role, operator, credit_nano, person_id,
        created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      args: [
        link.id,
        linkHash(token),
        link.purpose,
        link.email ?? null,
        link.accountId ?? null,
        link.role ?? null,
        link.operator ? 1 : 0,
        link.credit,
        link.personId ?? null,
        now,
        link.createdBy,
        link.expiresAt,
      ],
    },
    auditing(kit, {
      action: `${link.purpose}.created`,
      actor: link.createdBy,
      target: link.personId ?? link.id,
      accountId: link.accountId,
      address: asked.address,
      detail: {
        ...(link.role === undefined ? {} : { role: link.role }),
        ...(link.operator ? { operator: true } : {}),
        ...(link.credit === 0 ? {} : { credit_nano: link.credit }),
      },
    }),
  ]);
  return { link, token };
}

/** A link that could not be taken: its holder would join twice. */
async function refuseMember(store: Store, { email, accountId }: NewLink): Promise<void> {
  if (email === undefined || accountId === undefined) return;
  const found = await store.read(
    `SELECT 1 FROM membership JOIN person ON person.id = membership.person_id
      WHERE membership.account_id = ? AND person.email = ?`,
    [accountId, email.toLowerCase()],
  );
  if (found.length === 0) return;
  throw new AppError(
    "invalid_value",
    `Cannot invite ${email}: they are a member of this account already. Change their role instead`,
    { param: "email" },
  );
}

/** The link of a token, while it still works. */
export async function openLink(
  { store, clock }: Pick<Kit, "store" | "clock">,
  token: string,
): Promise<Link | undefined> {
  const [row] = await store.read(`${selectLink} WHERE hash = ? AND ${linkIsOpen}`, [
    linkHash(token),
    clock.now(),
  ]);
  return row && linkOf(row);
}

/** Invitations, newest first: those into one account, or all. */
export async function listInvitations(store: Store, accountId?: string): Promise<Link[]> {
  const rows = await store.read(
    `${selectLink} WHERE purpose = 'invitation' AND account_id IS coalesce(?, account_id)
      ORDER BY id DESC LIMIT 1000`,
    [accountId ?? null],
  );
  return rows.map(linkOf);
}

/** Links of every purpose and for all accounts, newest first. */
export async function listLinks(
  store: Store,
  { before, most }: { before: string | undefined; most: number },
): Promise<Link[]> {
  const rows = await store.read(`${selectLink} WHERE id < ? ORDER BY id DESC LIMIT ?`, [
    before ?? "~",
    most,
  ]);
  return rows.map(linkOf);
}

/** Ends a link of any purpose before it is used. False where there is none of that id that could be. */
export async function revokeLink(
  kit: Kit,
  id: string,
  by: { actor: string; address?: string | undefined },
): Promise<boolean> {
  const { store, clock } = kit;
  const now = clock.now();
  const [row] = await store.read(`${selectLink} WHERE id = ? AND ${isUnused}`, [id, now]);
  if (row === undefined) return false;
  const { purpose, accountId } = linkOf(row);
  try {
    await store.write([
      {
        sql: `UPDATE one_use_link SET revoked_at = ? WHERE id = ? AND ${isUnused}`,
        args: [now, id, now],
      },
      // Somebody may take it at the same moment.
      {
        sql: unless("EXISTS (SELECT 1 FROM one_use_link WHERE id = ? AND revoked_at = ?)"),
        args: [id, now],
      },
      auditing(kit, { action: `${purpose}.revoked`, target: id, accountId, ...by }),
    ]);
  } catch (thrown) {
    if (isRefused(thrown)) return false;
    throw thrown;
  }
  return true;
}

/** Ends an invitation before it is used. False where there is none of that id in the account, or in any. */
export async function revokeInvitation(
  kit: Kit,
  id: string,
  by: { actor: string; accountId?: string; address?: string },
): Promise<boolean> {
  const { store, clock } = kit;
  const now = clock.now();
  const [rows = []] = await store.write([
    {
      sql: `UPDATE one_use_link SET revoked_at = ? WHERE id = ? AND purpose = 'invitation'
        AND account_id IS coalesce(?, account_id) AND ${isUnused} RETURNING id`,
      args: [now, id, by.accountId ?? null, now],
    },
  ]);
  if (rows.length === 0) return false;
  await store.write([auditing(kit, { action: "invitation.revoked", target: id, ...by })]);
  return true;
}

/** What became of a link; `void` where its maker may no longer give what it promises. */
export function stateOf(link: Link, now: number): "open" | "void" | "used" | "revoked" | "expired" {
  if (link.usedAt !== undefined) return "used";
  if (link.revokedAt !== undefined) return "revoked";
  if (link.expiresAt <= now) return "expired";
  return link.isBacked ? "open" : "void";
}

function linkOf(row: Row): Link {
  const purpose = textOf(row, "purpose");
  return {
    id: textOf(row, "id") ?? "",
    purpose: purpose === "setup" || purpose === "reset" ? purpose : "invitation",
    email: textOf(row, "email"),
    accountId: textOf(row, "account_id"),
    role: roleOf(textOf(row, "role")),
    operator: numberIn(row, "operator") === 1,
    credit: nano(numberIn(row, "credit_nano") ?? 0),
    personId: textOf(row, "person_id"),
    createdAt: numberIn(row, "created_at") ?? 0,
    createdBy: textOf(row, "created_by") ?? "",
    expiresAt: numberIn(row, "expires_at") ?? 0,
    usedAt: numberIn(row, "used_at"),
    usedBy: textOf(row, "used_by"),
    revokedAt: numberIn(row, "revoked_at"),
    isBacked: numberIn(row, "backed") === 1,
  };
}
