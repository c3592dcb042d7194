import type { KeyPlace } from "#src/account/master-key.ts";
import type { Config } from "#src/config/load.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids, Random } from "#src/lib/id.ts";
import type { Log } from "#src/observe/log.ts";
import type { Standing } from "#src/provider/health.ts";
import type { RemoteRules } from "#src/provider/remote-rules.ts";
import type { Entry } from "#src/ledger/commit.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { deleteDeliveries, firstIdAt, retentionMs } from "#src/webhook/deliveries.ts";
import { createEvents, type Events } from "#src/webhook/events.ts";
import { createQueue, type Queue } from "#src/webhook/queue.ts";
import { roadOf } from "#src/webhook/send.ts";
import { watch } from "#src/webhook/watch.ts";
import type { WebhookKit } from "#src/webhook/webhooks.ts";

/** The webhooks of a gateway: who hears of what, and the queue that tells them. */
export interface Webhooks {
  kit: WebhookKit;
  events: Events;
  queue: Queue;
  /** Reads what changed, looks for what is to be told, and sends what is due. Every few seconds by itself. */
  tick(): Promise<void>;
  /** What belongs into the transaction of these rows. */
  beside(entries: readonly Entry[]): readonly Statement[];
  /** Such a transaction was committed. */
  committed(): void;
  /** Lets what is on its way end, and sends nothing more. */
  close(): Promise<void>;
}

export interface WebhookOptions {
  store: Store;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Log;
  place: KeyPlace;
  config: Config;
  standings(): readonly Standing[];
  /** What may be reached, where a test says so. */
  rules?: Partial<RemoteRules> | undefined;
}

/** Milliseconds after which every process on a database knows of a change. */
export const tickMs = { file: 2_000, remote: 5_000 } as const;
const nothing: readonly Statement[] = [];
const sweepMs = 3_600_000;
/** Notices are forgotten after the longest window and some. */
const noticeMs = 62 * 86_400_000;
const forgetNotices = `DELETE FROM notice WHERE at < ?
AND kind IN ('key.limit_reached', 'carbon_budget.reached', 'provider.unavailable') AND (window_start > 0 OR kind = 'provider.unavailable')`;

/** Opens the webhooks of a gateway. Nothing is sent before the first tick. */
export async function openWebhooks(options: WebhookOptions): Promise<Webhooks> {
  const { store, clock, ids, random, log, place, config, standings } = options;
  const road = roadOf(config, clock, options.rules);
  const queue = createQueue({ store, clock, random, log, place, road });
  const { currency, lowBalance } = config.billing;
  const { carbonAlerts } = config.eco;
  let isQueued = false;
  const events = createEvents({
    store,
    clock,
    ids,
    log,
    currency,
    onQueued: () => queue.wake(),
  });
  let sweptAt = Number.NEGATIVE_INFINITY;

  async function sweep(): Promise<void> {
    if (clock.monotonic() - sweptAt < sweepMs) return;
    sweptAt = clock.monotonic();
    await deleteDeliveries(store, "id < ?", [firstIdAt(clock.now() - retentionMs)]);
    await store.write([{ sql: forgetNotices, args: [clock.now() - noticeMs] }]);
  }
  async function tick(): Promise<void> {
    await events.refresh();
    await watch({ store, clock, events, lowBalance, currency, carbonAlerts, standings });
    if (events.isAny) queue.wake();
    await sweep();
  }
  await events.refresh();
  let ticking: Promise<void> | undefined;
  const timer = setInterval(() => {
    // One that takes long is not followed by another meanwhile.
    ticking ??= tick()
      .catch((cause: unknown) => log.write("warn", "webhooks_not_read", {}, cause))
      .finally(() => {
        ticking = undefined;
      });
  }, tickMs[store.kind]);
  timer.unref();
  return {
    kit: { store, clock, ids, place, road },
    events,
    queue,
    tick,
    beside(entries) {
      if (!events.isAny) return nothing;
      const statements = events.completed(entries.map(({ generation }) => generation));
      if (statements.length > 0) isQueued = true;
      return statements;
    },
    committed() {
      if (!isQueued) return;
      isQueued = false;
      queue.wake();
    },
    async close() {
      clearInterval(timer);
      await ticking;
      await events.settled();
      await queue.close();
    },
  };
}
