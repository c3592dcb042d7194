import { createKeyCache } from "#src/account/key-cache.ts";
import { createAllowances } from "#src/allowance/allowances.ts";
import { windowOf } from "#src/allowance/window.ts";
import { priceAtMost, priceUsage } from "#src/catalog/price.ts";
import type { Config } from "#src/config/load.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { estimate } from "#src/eco/estimate.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { type Clock, dayOf, systemClock } from "#src/lib/clock.ts";
import { createDeadlines } from "#src/lib/deadline.ts";
import { createIds, systemRandom } from "#src/lib/id.ts";
import type { Log } from "#src/observe/log.ts";
import { createHealth } from "#src/provider/health.ts";
import { createRemoteDocuments, type RemoteDocuments } from "#src/provider/remote-document.ts";
import { migrate } from "#src/store/migrate.ts";
import type { Store } from "#src/store/store.ts";

/** The gateway with everything it runs on. */
export interface Gateway {
  app: App;
  services: Services;
  store: Store;
  /** Gives leases back and writes what is left. The store stays open. */
  close(): Promise<void>;
}

/** How long closing waits for requests that are still being settled. */
const settleMs = 5000;
/** How often leases are renewed. */
const tickMs = 10_000;

/** Wires the rooms together, once. The only place that does. */
export async function createGateway(options: {
  config: Config;
  store: Store;
  log: Log;
  clock?: Clock;
  demo?: boolean;
  /** Where documents by address come from; tests bring one of their own. */
  remote?: RemoteDocuments;
}): Promise<Gateway> {
  const { config, store, log, clock = systemClock, demo = false } = options;
  const { remote = createRemoteDocuments() } = options;
  await migrate(store, clock);
  const ids = createIds(clock);
  const processId = ids.next("proc");
  const { routes, tables, grids, services } = createCatalogue(config, clock);
  const { methodology } = config.eco;

  const allowances = createAllowances({ store, clock, processId, pid: process.pid });
  await allowances.start();
  const ledger = createLedger({
    store,
    clock,
    processId,
    onFault: (error, attempt, rows) =>
      log.write("error", "commit_failed", { attempt, rows }, error),
  });
  const keys = createKeyCache({ store, clock });
  const deadlines = createDeadlines(clock);
  const ticking = setInterval(() => {
    allowances
      .tick()
      .catch((cause: unknown) => log.write("error", "lease_renewal_failed", {}, cause));
  }, tickMs);
  ticking.unref();

  const billing = {
    usdRate: config.billing.usdRate,
    platformFeePer1k: config.billing.platformFeePer1k,
  };
  const app: App = {
    config,
    clock,
    ids,
    random: systemRandom,
    log,
    deadlines,
    findCaller: (token) => keys.find(token),
    routes,
    health: createHealth(clock),
    remote,
    allowances,
    ledger,
    price(route, usage, now) {
      const priced = priceUsage(route.endpoint, usage, dayOf(now), billing);
      return (
        priced && {
          total: nano(priced.total),
          prompt: nano(priced.prompt),
          completion: nano(priced.completion),
          upstream: nano(priced.upstream),
        }
      );
    },
    priceAtMost(route, inputs, outputs, now) {
      const most = priceAtMost(route.endpoint, inputs, outputs, dayOf(now), billing);
      return most === undefined ? undefined : nano(most);
    },
    estimate(route, usage) {
      const grid = grids.get(route.deployment);
      const made = grid && estimate(tables, methodology, { model: route.model.id, usage, grid });
      return made && { ...made, gridGPerKwh: grid.gPerKwh, gridZone: grid.zone };
    },
    windowStart: (reset) => windowOf(reset, clock.now()).windowStart,
    windowEnd: (reset) => windowOf(reset, clock.now()).windowEnd ?? 0,
    open: new Set(),
    demo,
  };
  return {
    app,
    store,
    services: { ...services, store, keys, tables, processId },
    async close() {
      clearInterval(ticking);
      // Clients that hung up in the last moment are still being settled.
      for (let waited = 0; app.open.size > 0 && waited < settleMs; waited += 10)
        await Bun.sleep(10);
      deadlines.stop();
      await ledger.close();
      await allowances.giveBack();
      await keys.tick();
    },
  };
}
