import { auditing } from "#src/account/people/audit.ts";
import { AppError } from "#src/lib/error.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Statement } from "#src/store/store.ts";
import { type Delivery, getDelivery } from "#src/webhook/deliveries.ts";
import type { Queue } from "#src/webhook/queue.ts";
import { claimMs } from "#src/webhook/queue.ts";
import type { Webhook } from "#src/webhook/webhook.ts";
import type { Actor, WebhookKit } from "#src/webhook/webhooks.ts";

const insert = `INSERT INTO webhook_delivery (id, webhook_id, event_id, type, payload, state, next_at, created_at)
SELECT ?, ?, ?, ?, ?, 'waiting', ?, ? WHERE EXISTS (SELECT 1 FROM webhook WHERE id = ?)`;

/** Sends the event of a delivery again, as a delivery of its own. Undefined where the webhook has no such delivery. */
export async function replay(
  kit: WebhookKit,
  queue: Queue,
  webhook: Webhook,
  deliveryId: string,
  by: Actor,
): Promise<Delivery | undefined> {
  const { store, clock } = kit;
  const before = await getDelivery(store, webhook.id, deliveryId);
  if (before === undefined) return undefined;
  if (webhook.disabled)
    throw new AppError("invalid_value", "Cannot replay to a disabled webhook: enable it first", {
      param: "id",
    });
  const delivery = newDelivery(kit, before);
  await store.write([
    inserting(delivery),
    // Somebody waits for it: what went wrong before holds it up no longer.
    {
      sql: "UPDATE webhook SET next_at = min(next_at, ?) WHERE id = ?",
      args: [clock.now(), webhook.id],
    },
    auditing(kit, {
      action: "webhook.replayed",
      actor: by.actor,
      address: by.address,
      target: webhook.id,
      accountId: webhook.accountId,
      detail: { delivery: deliveryId, event: before.eventId },
    }),
  ]);
  queue.wake();
  return delivery;
}

const testing = new Set<string>();

/** Sends a test event at once, to a disabled webhook too, and says what came of it. It is not tried again. */
export async function sendTest(
  kit: WebhookKit,
  queue: Queue,
  webhook: Webhook,
  by: Actor,
): Promise<Delivery> {
  if (testing.has(webhook.id))
    throw new AppError("rate_limit_exceeded", "Cannot test again yet: a test is on its way", {
      retryAfterSeconds: 10,
    });
  testing.add(webhook.id);
  try {
    const { store, clock, ids } = kit;
    const eventId = ids.next("evt");
    const type = "webhook.test";
    const payload = JSON.stringify({
      id: eventId,
      type,
      timestamp: rfc3339(clock.now()),
      ...(webhook.accountId === undefined ? {} : { account_id: webhook.accountId }),
      data: { webhook_id: webhook.id, name: webhook.name },
    });
    const made = newDelivery(kit, { webhookId: webhook.id, eventId, type, payload });
    // Claimed as it is made: the queue leaves it alone.
    const delivery: Delivery = { ...made, nextAt: clock.now() + claimMs };
    await store.write([
      inserting(delivery),
      auditing(kit, {
        action: "webhook.tested",
        actor: by.actor,
        address: by.address,
        target: webhook.id,
        accountId: webhook.accountId,
        detail: { name: webhook.name, event: eventId },
      }),
    ]);
    return await queue.sendOnce(delivery);
  } finally {
    testing.delete(webhook.id);
  }
}

function newDelivery(
  { clock, ids }: WebhookKit,
  event: Pick<Delivery, "webhookId" | "eventId" | "type" | "payload">,
): Delivery {
  const { webhookId, eventId, type, payload } = event;
  const now = clock.now();
  return {
    id: ids.next("dlv"),
    webhookId,
    eventId,
    type,
    payload,
    state: "waiting",
    attempts: 0,
    nextAt: now,
    tries: [],
    createdAt: now,
  };
}

function inserting({ webhookId, ...delivery }: Delivery): Statement {
  const { id, eventId, type, payload, nextAt, createdAt } = delivery;
  return {
    sql: insert,
    args: [id, webhookId, eventId, type, payload, nextAt, createdAt, webhookId],
  };
}
