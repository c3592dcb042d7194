import type { KeyPlace } from "#src/account/master-key.ts";
import { VaultError } from "#src/account/vault.ts";
import { openWebhook, type WebhookSecrets } from "#src/account/webhook-envelope.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Random } from "#src/lib/id.ts";
import type { Log } from "#src/observe/log.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";
import { type Delivery, deliveryOf, triesKept } from "#src/webhook/deliveries.ts";
import {
  claimDeliveries,
  claimDestination,
  dueSql,
  endDelivery,
  endDestination,
  expire,
  giveBack,
} from "#src/webhook/queue-sql.ts";
import { isDelivered, type Road, send, type Try } from "#src/webhook/send.ts";
import { signatureHeaders } from "#src/webhook/signature.ts";
import { backoffMs, longestPauseMs, pauseAfter, waitOf } from "#src/webhook/wait.ts";

/*
 * The queue is the database: what waits there is sent by whichever process claims it. A destination is claimed first, then
 * some of its deliveries, each by moving its time on; a process that dies lets go by the time passing, so that everything is
 * sent at least once, and nothing twice at a time. A destination that fails is asked ever more seldom, by one delivery.
 */

/** How long a claim holds: longer than a try can take. */
export const claimMs = 30_000;
/** What waited so long for a destination that never answered has failed. */
export const expiryMs = 3 * 86_400_000;
/** Deliveries at a time to a destination that is well, and destinations at a time. */
const atOnce = 10;
const destinationsAtOnce = 16;
/** Milliseconds after which a database that failed is asked again. */
const troubleMs = 5_000;
/** What is due later than this is looked for again. */
const longestSleepMs = 60_000;

export interface QueueOptions {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  place: KeyPlace;
  road: Road;
  /** How long closing waits for what is on its way. */
  drainMs?: number;
}

/** Sends what waits. */
export interface Queue {
  /** Something may be due: looks soon. */
  wake(): void;
  /** Sends everything that is due, and resolves when that is done. */
  run(): Promise<void>;
  /** Sends one delivery that was made for this process alone, once, and resolves with what came of it. */
  sendOnce(delivery: Delivery): Promise<Delivery>;
  /** Lets what is on its way end, gives the rest back, and sends nothing more. */
  close(): Promise<void>;
}

/** A destination that this process may send to, until the claim ends. */
interface Claim {
  id: string;
  url: string;
  secrets: WebhookSecrets;
  failures: number;
  /** When the claim ends, which is what the row says meanwhile. */
  until: number;
}

/** A delivery and what came of trying; undefined where it was broken off. */
interface Tried {
  delivery: Delivery;
  outcome: Try | undefined;
}

/** The queue of one process. */
export function createQueue({ store, clock, log, place, road, ...options }: QueueOptions): Queue {
  const { random, drainMs = 5_000 } = options;
  const busy = new Map<string, Promise<void>>();
  const single = new Set<Promise<unknown>>();
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function wakeIn(milliseconds: number): void {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
      look().catch((cause: unknown) => log.write("warn", "webhook_queue_unread", {}, cause));
    }, milliseconds);
    timer.unref();
  }

  /** Begins with what is due, and sleeps until something is. */
  async function look(): Promise<void> {
    if (isClosed) return;
    const now = clock.now();
    let next: number | undefined;
    for (const row of await store.read(dueSql, [])) {
      const [id, due] = [textOf(row, "id") ?? "", numberIn(row, "due") ?? 0];
      if (busy.has(id)) continue;
      if (due > now) {
        next = due;
        break;
      }
      // Whoever ends first looks again.
      if (busy.size >= destinationsAtOnce) break;
      begin(id);
    }
    if (next !== undefined) wakeIn(Math.min(longestSleepMs, next - now));
  }

  function begin(id: string): void {
    const work = rounds(id)
      .then(() => 1)
      .catch((cause: unknown) => {
        log.write("warn", "webhook_unsent", { webhook: id }, cause);
        // The database does not take it now: not again at once.
        return troubleMs;
      })
      .then((pause) => {
        busy.delete(id);
        wakeIn(pause);
      });
    busy.set(id, work);
  }

  async function rounds(id: string): Promise<void> {
    while (!isClosed && (await round(id)));
  }

  /** Sends some of what waits for a destination. Whether it took any, so that more may follow. */
  async function round(id: string): Promise<boolean> {
    const now = clock.now();
    const claim = await claimOf(id, now);
    if (claim === undefined) return false;
    const [, rows = []] = await store.write([
      { sql: expire, args: [id, now, now - expiryMs] },
      {
        sql: claimDeliveries,
        args: [claim.until, id, now, claim.failures > 0 ? 1 : atOnce],
      },
    ]);
    if (rows.length === 0) {
      await store.write([{ sql: endDestination, args: [id, 0, claim.failures, claim.until] }]);
      return false;
    }
    const tried = await Promise.all(rows.map(deliveryOf).map((one) => tryOnce(one, claim)));
    return record(claim, tried);
  }

  async function claimOf(id: string, now: number): Promise<Claim | undefined> {
    const until = now + claimMs;
    const [[row] = []] = await store.write([{ sql: claimDestination, args: [until, id, now] }]);
    if (row === undefined) return undefined;
    try {
      return { ...opened(row), failures: numberIn(row, "failures") ?? 0, until };
    } catch (cause) {
      // Its claim passes by itself; until then nobody tries to open it again.
      log.write("error", "webhook_secret_unread", { webhook: id }, cause);
      return undefined;
    }
  }

  function opened(row: Row): Pick<Claim, "id" | "url" | "secrets"> {
    const seat = { id: textOf(row, "id") ?? "", accountId: textOf(row, "account_id") };
    const secrets = openWebhook(textOf(row, "envelope") ?? "", seat, place);
    return { id: seat.id, url: textOf(row, "url") ?? "", secrets };
  }

  async function tryOnce(
    delivery: Delivery,
    { url, secrets }: Pick<Claim, "url" | "secrets">,
  ): Promise<Tried> {
    const { eventId, payload } = delivery;
    const headers = signatureHeaders(eventId, clock.now(), payload, secrets);
    try {
      const outcome = await send({ url, headers, body: payload }, road, ending.signal);
      return { delivery, outcome };
    } catch (cause) {
      if (!ending.signal.aborted) throw cause;
      return { delivery, outcome: undefined };
    }
  }

  /** Writes what came of it. Whether the destination took any, and takes more. */
  async function record(claim: Claim, tried: readonly Tried[]): Promise<boolean> {
    const now = clock.now();
    const outcomes = tried.flatMap(({ outcome }) => outcome ?? []);
    const isWell = outcomes.some(isDelivered);
    const isIll = outcomes.length > 0 && !isWell;
    const failures = isWell ? 0 : claim.failures + (isIll ? 1 : 0);
    const pause = isIll ? Math.min(longestPauseMs, pauseAfter(failures, random)) : 0;
    // One that takes some and asks for time all the same is given it, by all that waits for it.
    const rest = Math.max(pause, ...outcomes.map(waitOf));
    const nextAt = rest === 0 ? 0 : now + rest;
    await store.write([
      ...tried.map((one) => ended(one, claim.until, now)),
      { sql: endDestination, args: [claim.id, nextAt, failures, claim.until] },
    ]);
    return isWell && rest === 0;
  }

  function ended({ delivery, outcome }: Tried, until: number, now: number): Statement {
    if (outcome === undefined) return { sql: giveBack, args: [delivery.id, now, until] };
    const attempts = delivery.attempts + 1;
    const tries = JSON.stringify([...delivery.tries, outcome].slice(-triesKept));
    if (isDelivered(outcome))
      return { sql: endDelivery, args: [delivery.id, "delivered", attempts, now, tries, now] };
    const isLast = attempts > backoffMs.length;
    const nextAt = isLast ? now : now + Math.max(pauseAfter(attempts, random), waitOf(outcome));
    const state = isLast ? "failed" : "waiting";
    return { sql: endDelivery, args: [delivery.id, state, attempts, nextAt, tries, null] };
  }

  async function tryAlone(delivery: Delivery, row: Row): Promise<Try | undefined> {
    try {
      return (await tryOnce(delivery, opened(row))).outcome;
    } catch (cause) {
      if (!(cause instanceof VaultError)) throw cause;
      log.write("error", "webhook_secret_unread", { webhook: delivery.webhookId }, cause);
      return { at: clock.now(), reason: "secret_unreadable", ms: 0 };
    }
  }

  async function sendAlone(delivery: Delivery): Promise<Delivery> {
    const [row] = await store.read("SELECT * FROM webhook WHERE id = ?", [delivery.webhookId]);
    if (row === undefined) return delivery;
    const outcome = await tryAlone(delivery, row);
    const now = clock.now();
    const isWell = outcome !== undefined && isDelivered(outcome);
    const done: Delivery = {
      ...delivery,
      state: isWell ? "delivered" : "failed",
      attempts: 1,
      nextAt: now,
      tries: outcome === undefined ? [] : [outcome],
      deliveredAt: isWell ? now : undefined,
    };
    await store.write([
      {
        sql: endDelivery,
        args: [done.id, done.state, 1, now, JSON.stringify(done.tries), done.deliveredAt ?? null],
      },
      // It is well again: what waits need not wait any longer.
      ...(isWell
        ? [
            {
              sql: "UPDATE webhook SET next_at = min(next_at, ?), failures = 0 WHERE id = ?",
              args: [now, delivery.webhookId],
            },
          ]
        : []),
    ]);
    if (isWell) wakeIn(1);
    return done;
  }

  return {
    wake: () => wakeIn(1),
    async run() {
      for (;;) {
        await look();
        if (busy.size === 0) return;
        await Promise.all(busy.values());
      }
    },
    async sendOnce(delivery) {
      const sending = sendAlone(delivery);
      single.add(sending);
      try {
        return await sending;
      } finally {
        single.delete(sending);
      }
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const late = setTimeout(
        () => ending.abort(new Error("The gateway is shutting down")),
        drainMs,
      );
      await Promise.allSettled([...busy.values(), ...single]);
      clearTimeout(late);
    },
  };
}
