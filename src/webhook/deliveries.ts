import * as v from "valibot";
import type { Clock } from "#src/lib/clock.ts";
import { type Ids, ulidStart } from "#src/lib/id.ts";
import { type Page, type PageRequest, pageOf } from "#src/ledger/transactions.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";
import type { Try } from "#src/webhook/send.ts";

/** An event on its way to one destination. */
export interface Delivery {
  /** `dlv_…`, in the order of time. */
  id: string;
  webhookId: string;
  /** `evt_…`: the same for every destination, every try and every replay. */
  eventId: string;
  type: string;
  /** JSON text, as it is sent. */
  payload: string;
  state: "waiting" | "delivered" | "failed";
  attempts: number;
  /** Unix milliseconds of the next try; of the claim while one is on its way. */
  nextAt: number;
  /** The last ten, oldest first. */
  tries: Try[];
  createdAt: number;
  deliveredAt?: number | undefined;
}

/** An event for one destination, not kept yet. */
export interface NewDelivery {
  webhookId: string;
  eventId: string;
  type: string;
  payload: string;
}

/** Tries that a delivery remembers. */
export const triesKept = 10;
export const retentionMs = 30 * 86_400_000;

// A webhook that was deleted or switched off in between gets nothing.
const insert = `INSERT INTO webhook_delivery (id, webhook_id, event_id, type, payload, state, next_at, created_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 'waiting', ?2, ?2 FROM json_each(?1)
WHERE EXISTS (SELECT 1 FROM webhook WHERE webhook.id = value ->> 1 AND disabled = 0)`;

/** The statement that queues deliveries, for the transaction of what they tell of. */
export function queueing(
  { clock, ids }: { clock: Clock; ids: Ids },
  deliveries: readonly NewDelivery[],
): Statement {
  const rows = deliveries.map(({ webhookId, eventId, type, payload }) => [
    ids.next("dlv"),
    webhookId,
    eventId,
    type,
    payload,
  ]);
  return { sql: insert, args: [JSON.stringify(rows), clock.now()] };
}

/** Deliveries of a webhook, newest first. */
export async function listDeliveries(
  store: Store,
  webhookId: string,
  { pageSize, pageToken = "~" }: PageRequest,
): Promise<Page<Delivery>> {
  const rows = await store.read(
    "SELECT * FROM webhook_delivery WHERE webhook_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
    [webhookId, pageToken, pageSize + 1],
  );
  return pageOf(rows.map(deliveryOf), pageSize);
}

/** One delivery of a webhook. */
export async function getDelivery(
  store: Store,
  webhookId: string,
  id: string,
): Promise<Delivery | undefined> {
  const [row] = await store.read("SELECT * FROM webhook_delivery WHERE webhook_id = ? AND id = ?", [
    webhookId,
    id,
  ]);
  return row && deliveryOf(row);
}

const triesSchema = v.array(
  v.object({
    at: v.number(),
    status: v.optional(v.number()),
    reason: v.optional(v.string()),
    wait: v.optional(v.number()),
    ms: v.number(),
  }),
);

/** A delivery from its row. */
export function deliveryOf(row: Row): Delivery {
  const state = textOf(row, "state");
  return {
    id: textOf(row, "id") ?? "",
    webhookId: textOf(row, "webhook_id") ?? "",
    eventId: textOf(row, "event_id") ?? "",
    type: textOf(row, "type") ?? "",
    payload: textOf(row, "payload") ?? "{}",
    state: state === "delivered" || state === "failed" ? state : "waiting",
    attempts: numberIn(row, "attempts") ?? 0,
    nextAt: numberIn(row, "next_at") ?? 0,
    tries: v.parse(triesSchema, JSON.parse(textOf(row, "tries") ?? "[]")),
    createdAt: numberIn(row, "created_at") ?? 0,
    deliveredAt: numberIn(row, "delivered_at"),
  };
}

/** Rows that one statement deletes: more would hold everybody else up. */
const deletedAtOnce = 500;

/** Deletes in small steps what a condition picks; the requests in between go on. */
export async function deleteDeliveries(
  store: Store,
  condition: string,
  args: readonly (string | number)[],
): Promise<number> {
  const sql = `DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE ${condition}
    LIMIT ${deletedAtOnce}) RETURNING id`;
  for (let deleted = 0; ;) {
    const [rows = []] = await store.write([{ sql, args }]);
    deleted += rows.length;
    if (rows.length < deletedAtOnce) return deleted;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The id that a delivery made at a time would have at least: ids are in the order of time. */
export function firstIdAt(time: number): string {
  return `dlv_${ulidStart(time)}`;
}
