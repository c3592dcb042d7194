import type { KeyPlace } from "#src/account/master-key.ts";
import { type AuditEntry, auditingChange } from "#src/account/people/audit.ts";
import { VaultError } from "#src/account/vault.ts";
import {
  mintWebhookSecret,
  openWebhook,
  type SealedWebhook,
  sealWebhook,
  type WebhookSecrets,
  type WebhookSeat,
} from "#src/account/webhook-envelope.ts";
import type { Clock } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import type { Ids } from "#src/lib/id.ts";
import { numberIn, type Row, type Statement, type Store, textOf } from "#src/store/store.ts";
import { deleteDeliveries } from "#src/webhook/deliveries.ts";
import { addressFault, type Road } from "#src/webhook/send.ts";
import { overlapMs } from "#src/webhook/signature.ts";
import {
  ownerColumn,
  type Webhook,
  webhookColumns,
  webhookOf,
  type WebhookOwner,
  type WebhookPolicy,
} from "#src/webhook/webhook.ts";

/** What changes of webhooks need. */
export interface WebhookKit {
  store: Store;
  clock: Clock;
  ids: Ids;
  place: KeyPlace;
  road: Road;
}

/** Who changes something, for the audit log. */
export interface Actor {
  /** Id of a person, or the hash of a key. */
  actor: string;
  /** Network address, where it is known. */
  address?: string | undefined;
}

/** Webhooks that one owner may have. */
export const most = 50;
const attempts = 5;

/** Part of every change: all processes hear of it. */
const countVersion: Statement = {
  sql: `INSERT INTO setting (key, value) VALUES ('webhook_version', '1')
    ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1`,
  args: [],
};

/** Reads what counts the changes. */
export const readVersion = "SELECT value FROM setting WHERE key = 'webhook_version'";

/** An owner's webhooks, oldest first. */
export async function listWebhooks(store: Store, owner: WebhookOwner): Promise<Webhook[]> {
  const rows = await store.read(
    `SELECT ${webhookColumns} FROM webhook WHERE account_id IS ? ORDER BY id`,
    [ownerColumn(owner)],
  );
  return rows.map(webhookOf);
}

/** One webhook of an owner; undefined also where it is another's. */
export async function getWebhook(
  store: Store,
  id: string,
  owner: WebhookOwner,
): Promise<Webhook | undefined> {
  const row = await rowOf(store, id, owner);
  return row && webhookOf(row);
}

async function rowOf(store: Store, id: string, owner: WebhookOwner): Promise<Row | undefined> {
  const [row] = await store.read("SELECT * FROM webhook WHERE id = ? AND account_id IS ?", [
    id,
    ownerColumn(owner),
  ]);
  return row;
}

/** Makes a webhook. Throws `invalid_value` for an address that may not be, or one too many. The secret is never shown again. */
export async function createWebhook(
  kit: WebhookKit,
  owner: WebhookOwner,
  policy: WebhookPolicy,
  by: Actor,
): Promise<{ webhook: Webhook; secret: string }> {
  const { store, clock, ids } = kit;
  await checkAddress(policy.url, kit);
  const accountId = ownerColumn(owner);
  const webhook: Webhook = {
    ...policy,
    id: ids.next("whk"),
    accountId: accountId ?? undefined,
    failures: 0,
    nextAt: 0,
    createdAt: clock.now(),
  };
  const secret = mintWebhookSecret();
  for (let left = attempts; left > 0; left--) {
    const sealed = await sealedFor(kit, { current: secret }, webhook);
    const [[counted] = [], made = []] = await store.write([
      { sql: "SELECT count(*) AS count FROM webhook WHERE account_id IS ?", args: [accountId] },
      {
        sql: `INSERT INTO webhook (id, account_id, name, url, event_types, api_key_hashes, disabled, created_at, envelope)
          SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE ${sealed.condition}
          AND (SELECT count(*) FROM webhook WHERE account_id IS ?) < ${most} RETURNING id`,
        args: [
          webhook.id,
          accountId,
          policy.name,
          policy.url,
          JSON.stringify(policy.eventTypes),
          JSON.stringify(policy.apiKeyHashes),
          policy.disabled ? 1 : 0,
          webhook.createdAt,
          sealed.envelope,
          sealed.arg,
          accountId,
        ],
      },
      auditingChange(kit, entry("webhook.created", webhook, by)),
      countVersion,
    ]);
    if ((numberIn(counted, "count") ?? 0) >= most)
      throw new AppError(
        "invalid_value",
        `Cannot make another webhook: ${most} are there, delete one`,
      );
    if (made.length > 0) return { webhook, secret };
  }
  throw rotating();
}

/** Changes what is given and leaves the rest. Undefined where the owner has no such webhook. */
export async function updateWebhook(
  kit: WebhookKit,
  id: string,
  owner: WebhookOwner,
  change: Partial<WebhookPolicy>,
  by: Actor,
): Promise<Webhook | undefined> {
  const { store, clock } = kit;
  const before = await getWebhook(store, id, owner);
  if (before === undefined) return undefined;
  const after: Webhook = { ...before, ...change, updatedAt: clock.now() };
  const isElsewhere = after.url !== before.url;
  if (isElsewhere) await checkAddress(after.url, kit);
  const isAnew = isElsewhere || (before.disabled && !after.disabled);
  const [rows = []] = await store.write([
    {
      // What is sent to another address, or again, does not wait for what went wrong before.
      sql: `UPDATE webhook SET name = ?, url = ?, event_types = ?, api_key_hashes = ?, disabled = ?, updated_at = ?
        ${isAnew ? ", failures = 0, next_at = 0" : ""} WHERE id = ? AND account_id IS ? RETURNING id`,
      args: [
        after.name,
        after.url,
        JSON.stringify(after.eventTypes),
        JSON.stringify(after.apiKeyHashes),
        after.disabled ? 1 : 0,
        after.updatedAt ?? null,
        id,
        ownerColumn(owner),
      ],
    },
    auditingChange(
      kit,
      entry("webhook.changed", after, by, { changed: Object.keys(change).join(" ") }),
    ),
    countVersion,
  ]);
  if (rows.length === 0) return undefined;
  return isAnew ? { ...after, failures: 0, nextAt: 0 } : after;
}

/** Makes a new secret; the one before signs too for a day. Undefined where the owner has no such webhook. */
export async function rotateSecret(
  kit: WebhookKit,
  id: string,
  owner: WebhookOwner,
  by: Actor,
): Promise<{ webhook: Webhook; secret: string } | undefined> {
  const { store, clock, place } = kit;
  const secret = mintWebhookSecret();
  for (let left = attempts; left > 0; left--) {
    const row = await rowOf(store, id, owner);
    if (row === undefined) return undefined;
    const webhook = webhookOf(row);
    const envelope = textOf(row, "envelope") ?? "";
    const sealed = await sealedFor(
      kit,
      following(secret, envelope, webhook, place, clock),
      webhook,
    );
    const [rows = []] = await store.write([
      {
        sql: `UPDATE webhook SET envelope = ?, updated_at = ? WHERE id = ? AND envelope = ? AND ${sealed.condition}
          RETURNING id`,
        args: [sealed.envelope, clock.now(), id, envelope, sealed.arg],
      },
      auditingChange(kit, entry("webhook.secret_rotated", webhook, by)),
    ]);
    if (rows.length > 0) return { webhook: { ...webhook, updatedAt: clock.now() }, secret };
  }
  throw rotating();
}

/** The new secret, and beside it the one before where that can still be read. */
function following(
  secret: string,
  envelope: string,
  seat: WebhookSeat,
  place: KeyPlace,
  clock: Clock,
): WebhookSecrets {
  try {
    const { current } = openWebhook(envelope, seat, place);
    return { current: secret, previous: { secret: current, until: clock.now() + overlapMs } };
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    // It signed nothing any more: a new secret is the way out.
    return { current: secret };
  }
}

/** Deletes a webhook for good, with what waits for it. False where the owner has no such webhook. */
export async function removeWebhook(
  kit: WebhookKit,
  id: string,
  owner: WebhookOwner,
  by: Actor,
): Promise<boolean> {
  const webhook = await getWebhook(kit.store, id, owner);
  if (webhook === undefined) return false;
  const [rows = []] = await kit.store.write([
    {
      sql: "DELETE FROM webhook WHERE id = ? AND account_id IS ? RETURNING id",
      args: [id, ownerColumn(owner)],
    },
    auditingChange(kit, entry("webhook.deleted", webhook, by)),
    countVersion,
  ]);
  await deleteDeliveries(kit.store, "webhook_id = ?", [id]);
  return rows.length > 0;
}

function entry(
  action: AuditEntry["action"],
  { id, name, accountId }: Webhook,
  { actor, address }: Actor,
  detail: AuditEntry["detail"] = {},
): AuditEntry {
  // Not the address of the destination: many hold a secret.
  return { action, actor, address, target: id, accountId, detail: { name, ...detail } };
}

async function checkAddress(url: string, { road }: WebhookKit): Promise<void> {
  const fault = await addressFault(url, road);
  if (fault !== undefined)
    throw new AppError("invalid_value", `Cannot use this url: ${fault}`, { param: "url" });
}

/** Throws `service_unavailable` where the operator has to give a master key first. */
async function sealedFor(
  { store, place }: WebhookKit,
  secrets: WebhookSecrets,
  seat: WebhookSeat,
): Promise<SealedWebhook> {
  try {
    return await sealWebhook(store, place, secrets, seat);
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    throw new AppError(
      "service_unavailable",
      "Cannot keep a secret: the operator of this gateway has to set its master key",
      { cause },
    );
  }
}

function rotating(): AppError {
  return new AppError(
    "service_unavailable",
    "Cannot keep a secret: the master key is being changed; send the request again",
    { retryAfterSeconds: 1 },
  );
}
