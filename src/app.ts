/** Over 300 lines: every room is wired here, and nowhere else. */
import { headSigner } from "#src/account/head-signer.ts";
import { auditing } from "#src/account/people/audit.ts";
import { createKeyCache } from "#src/account/key-cache.ts";
import { createKeySpend } from "#src/account/key-usage.ts";
import { createPeople } from "#src/account/people/people.ts";
import { createAllowances } from "#src/allowance/allowances.ts";
import { windowOf } from "#src/allowance/window.ts";
import { priceAtMost, priceUsage } from "#src/catalog/price.ts";
import type { Config } from "#src/config/load.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { estimate } from "#src/eco/estimate.ts";
import type { App, RouteTable } from "#src/gateway/context.ts";
import { createSticky } from "#src/gateway/routing/sticky.ts";
import type { Services } from "#src/http/services.ts";
import { createUnsent } from "#src/http/unsent.ts";
import { headsFile, publishedHeads, startHeads } from "#src/ledger/heads.ts";
import { keepLedger } from "#src/kept-ledger.ts";
import { createKin, type Legacy, legacyOf } from "#src/kin.ts";
import { nano } from "#src/ledger/money.ts";
import { createRetention, type Retention } from "#src/ledger/retention.ts";
import { createWatch } from "#src/ledger/watch.ts";
import { Share } from "#src/lib/bag.ts";
import { type Clock, dayOf, rfc3339, systemClock } from "#src/lib/clock.ts";
import { createDeadlines } from "#src/lib/deadline.ts";
import { createIds, systemRandom } from "#src/lib/id.ts";
import { tellLowBalance } from "#src/mail/low-balance.ts";
import { createPost, type Post } from "#src/mail/post.ts";
import { createSend, type Send } from "#src/mail/transport.ts";
import type { Log } from "#src/observe/log.ts";
import type { Sights } from "#src/observe/sights.ts";
import { createPayments } from "#src/payment/payments.ts";
import { gridsAt } from "#src/imported-grids.ts";
import { openLiveGrid } from "#src/open-live-grid.ts";
import type { Route } from "#src/provider/deployment.ts";
import { createHealth } from "#src/provider/health.ts";
import { inherit } from "#src/provider/inherit.ts";
import { createInFlight, type LimitOf, shareOf } from "#src/provider/in-flight.ts";
import { createRemoteDocuments, type RemoteDocuments } from "#src/provider/remote-document.ts";
import { shareKeys } from "#src/shared-keys.ts";
import { shareHealth } from "#src/shared-health.ts";
import { lookAt } from "#src/sights.ts";
import { telemetryOf } from "#src/telemetry.ts";
import type { RemoteRules } from "#src/provider/remote-rules.ts";
import { createShelf } from "#src/statement/open.ts";
import { migrate } from "#src/store/migrate.ts";
import type { Store } from "#src/store/store.ts";
import { openWebhooks, type Webhooks } from "#src/webhook/open.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/** The gateway with everything it runs on. */
export interface Gateway {
  app: App;
  services: Services;
  store: Store;
  /** Removes old usage by itself, an hour after the last time it looked. */
  retention: Retention;
  /** What one goes on with that takes its place. */
  legacy(): Legacy;
  /** Resolves when the database has every row that was recorded until now. */
  flush(): Promise<void>;
  /** Gives back what it leased and holds for no request, and tells of no circuits: it gets no more requests. */
  spare(): Promise<void>;
  /** Gives leases back and writes what is left. The store stays open. */
  close(): Promise<void>;
}

/** How long closing waits for requests that are still being settled. */
const settleMs = 5000;
/** How often leases are renewed. */
export const tickMs = 10_000;

interface GatewayOptions {
  config: Config;
  store: Store;
  log: Log;
  clock?: Clock;
  demo?: boolean;
  /** Where documents by address come from; tests bring one of their own. */
  remote?: RemoteDocuments;
  /** What webhooks may reach; tests bring rules of their own. */
  webhookRules?: Partial<RemoteRules>;
  /** Who takes mail, instead of the server that is configured. */
  sendMail?: Send;
  /** The other processes of the gateway on this machine. */
  siblings?: Siblings | undefined;
  /** Of the gateway of this process whose place it takes. */
  legacy?: Legacy | undefined;
}

/** Closes a part of a gateway. */
type Ending = () => Promise<unknown> | void;

/** Wires the rooms together, once. The only place that does. Where that fails, what was begun is ended. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const endings: Ending[] = [];
  try {
    return await wire(options, endings);
  } catch (thrown) {
    await endAll(endings.toReversed(), options.log);
    throw thrown;
  }
}

async function endAll(endings: readonly Ending[], log: Log): Promise<void> {
  for (const end of endings) {
    try {
      await end();
    } catch (cause) {
      // A database that is away must not keep the process from ending.
      log.write("warn", "not_closed", {}, cause);
    }
  }
}

/** `begun` gets what ends each part that is there, as long as there is no whole. */
async function wire(options: GatewayOptions, begun: Ending[]): Promise<Gateway> {
  const { store, log, legacy, clock = systemClock, demo = false } = options;
  const { remote = createRemoteDocuments() } = options;
  await migrate(store, clock);
  const grids = await gridsAt(store, options.config, clock);
  const { methodology } = grids;
  const config =
    methodology === options.config.eco.methodology
      ? options.config
      : { ...options.config, eco: { ...options.config.eco, methodology } };
  const ids = createIds(clock);
  const processId = ids.next("proc");
  const catalogue = createCatalogue(config, clock, grids);
  const { tables, services } = catalogue;
  const stored = await shareKeys({ config, store, clock, log, catalogue });
  const { keyring } = stored;

  const kin = legacy?.kin ?? createKin(clock);
  kin.living.add(processId);
  begun.push(() => void kin.living.delete(processId));
  const isKin = (id: string) => kin.living.has(id);
  const watch = createWatch(kin.listeners);
  const known = new Set(catalogue.services.models.map(({ id }) => id));
  const isKnownModel = (model: string) => known.has(model);
  let look: (() => Sights) | undefined;
  const telemetry = telemetryOf({
    ...{ config, clock, log, processId, isKnownModel },
    look: () => look?.(),
    isLatest: () => [...kin.living].at(-1) === processId,
    before: legacy?.counted,
  });
  begun.push(() => telemetry?.close());
  const webhooks = await openWebhooks({
    store,
    clock,
    ids,
    random: systemRandom,
    log,
    place: stored.place,
    config,
    standings: () => app.health.all(),
    rules: options.webhookRules,
  });
  begun.push(() => webhooks.close());
  const kept = keepLedger({
    config,
    ids,
    log,
    trouble: kin.trouble,
    isKin,
    onWritten: (movements) => allowances.written(movements),
    ledger: {
      store,
      clock,
      processId,
      watch,
      beside: (group) => webhooks.beside(group),
      onCommit(rows, milliseconds) {
        telemetry?.committed(rows, milliseconds);
        webhooks.committed();
      },
      onFault(error, attempt, rows) {
        telemetry?.commitFailed();
        log.write("error", "commit_failed", { attempt, rows }, error);
      },
    },
  });
  const { ledger } = kept;
  begun.push(kept.closeLeft, () => ledger.close());
  // What a process left that died here was spent: only then is what it had leased free.
  await kept.sendLeft();
  const allowances = createAllowances({
    store,
    clock,
    processId,
    pid: process.pid,
    isKin,
    ...kept.allowances,
  });
  begun.push(() => allowances.giveBack());
  await allowances.start();
  const heads = startHeads({
    store,
    clock,
    processId,
    file: headsFile(config.dataDir),
    signer: () => headSigner(store, stored.place, clock),
    onFault: (cause) => log.write("warn", "heads_unpublished", {}, cause),
  });
  begun.push(() => heads.close());
  const { usageDays } = config.retention;
  const retention = createRetention({
    ...{ store, clock, processId, usageDays },
    signer: () => headSigner(store, stored.place, clock),
    heads: () => publishedHeads(headsFile(config.dataDir)),
    beside({ rows, until }) {
      const detail = { rows, until: rfc3339(until), usage_days: usageDays };
      return [auditing({ clock, ids }, { action: "usage.removed", actor: "retention", detail })];
    },
    onRemoved: ({ rows, until }) =>
      log.write("info", "old_usage_removed", { rows, until: rfc3339(until), usageDays }),
    onStopped: (message) => log.write("error", "old_usage_not_removed", { message }),
  });
  begun.push(() => retention.close());
  const keys = createKeyCache({ store, clock, onChange: stored.refresh });
  const deadlines = createDeadlines(clock);
  begun.push(() => deadlines.stop());
  const ticking = setInterval(() => {
    // What cannot be read or sent must not cost us our own leases.
    kept.sendLeft().catch((cause: unknown) => log.write("warn", "spool_not_sent", {}, cause));
    allowances
      .tick()
      .catch((cause: unknown) => log.write("error", "lease_renewal_failed", {}, cause));
    keys.tick().catch((cause: unknown) => log.write("warn", "key_uses_unwritten", {}, cause));
    stored.tick().catch((cause: unknown) => log.write("warn", "key_uses_unwritten", {}, cause));
    retention
      .tick()
      .catch((cause: unknown) => log.write("warn", "old_usage_not_removed", {}, cause));
  }, tickMs);
  ticking.unref();
  begun.push(() => clearInterval(ticking));

  const billing = {
    usdRate: config.billing.usdRate,
    platformFeePer1k: config.billing.platformFeePer1k,
  };
  const liveGrid = openLiveGrid({
    config,
    tables,
    routes: () => keyring.operators,
    clock,
    log,
    siblings: options.siblings,
    told: legacy?.grids,
  });
  begun.push(() => liveGrid?.close());
  const limitOf = limitsOf(config, options.siblings?.worker);
  const app: App = {
    config,
    clock,
    ids,
    random: systemRandom,
    log,
    deadlines,
    findCaller: (token) => keys.find(token),
    get routes() {
      return keyring.operators;
    },
    seenBy: (caller) => keyring.seenBy(caller, app),
    keyUsed: keyring.used,
    health: createHealth(clock, legacy && inherit(legacy.slots, everyRoute(keyring.operators))),
    inFlight: legacy?.inFlight ?? createInFlight(limitOf),
    sticky: legacy?.sticky ?? createSticky(clock),
    remote,
    allowances,
    refused: webhooks.events.refused,
    telemetry,
    ledger,
    price(route, usage, now) {
      const priced = priceUsage(route.endpoint, usage, dayOf(now), billing);
      return (
        priced && {
          total: nano(isOwn(route) ? feeOf(priced.total, config) : priced.total),
          prompt: nano(priced.prompt),
          completion: nano(priced.completion),
          upstream: nano(priced.upstream),
        }
      );
    },
    priceAtMost(route, inputs, outputs, now) {
      // Without a fee, nothing is charged whatever the price.
      if (isOwn(route) && config.billing.byokFeePct === 0) return nano(0);
      const most = priceAtMost(route.endpoint, inputs, outputs, dayOf(now), billing);
      return most === undefined ? undefined : nano(isOwn(route) ? feeOf(most, config) : most);
    },
    upstreamAtMost(route, inputs, outputs, now) {
      const most = priceAtMost(route.endpoint, inputs, outputs, dayOf(now), {
        ...billing,
        platformFeePer1k: 0,
      });
      return most === undefined ? undefined : nano(most);
    },
    estimate(route, usage) {
      const grid = catalogue.gridAt(route.deployment);
      const { measured, deployment, model } = route;
      const provider = deployment.provider.id;
      const made =
        grid && estimate(tables, methodology, { model: model.id, usage, grid, provider, measured });
      return made && { ...made, gridGPerKwh: grid.gPerKwh, gridZone: grid.zone, measured };
    },
    liveGrid,
    windowStart: (reset) => windowOf(reset, clock.now()).windowStart,
    windowEnd: (reset) => windowOf(reset, clock.now()).windowEnd ?? 0,
    open: new Share(kin.open),
    demo,
  };
  look = lookAt(app, kept.spool?.state);
  const { health, inFlight } = app;
  const sharing = shareHealth({ store, clock, log, health, inFlight, processId });
  begun.push(() => sharing.close());
  const { server } = config.mail;
  const send = options.sendMail ?? (server && createSend(config.mail, server));
  const post =
    send &&
    createPost({ store, clock, ids, log, random: systemRandom, origin: config.publicUrl, send });
  begun.push(() => post?.close());
  if (post !== undefined) mailNotices(post, webhooks, store, config);
  const payments = createPayments({
    store,
    clock,
    ids,
    log,
    config,
    onChange: (accountId) => allowances.refresh(accountId),
  });
  const people = createPeople({
    store,
    clock,
    ids,
    place: stored.place,
    oidc: config.oidc,
    onFault: (message) => log.write("error", "sign_in_fault", { message }),
  });
  // Only where nothing can fail any more: the gateway before goes by them, too.
  inFlight.limitBy(limitOf);
  return {
    app,
    store,
    retention,
    legacy: () => legacyOf(app, kin),
    services: {
      ...services,
      store,
      keys,
      keySpend: createKeySpend({ store, clock }),
      providerKeys: stored,
      people,
      tables,
      statements: createShelf({
        store,
        tables,
        hasGrid: (provider, region) => services.gridOf(provider, region) !== undefined,
        place: stored.place,
        clock,
        origin: config.publicUrl,
        // Only who wants a page loads what writes one.
        async html(issued) {
          const { statementHtml } = await import("#src/web/dashboard/statement-file.tsx");
          return statementHtml(issued);
        },
      }),
      processId,
      unsent: kept.spool && createUnsent({ processId, siblings: options.siblings, ...kept.spool }),
      siblings: options.siblings,
      throttles: kin.throttles,
      watch,
      webhooks,
      payments,
      post,
    },
    flush: () => ledger.flush(),
    spare: async () => void (await Promise.all([allowances.giveBack(), sharing.close()])),
    async close() {
      clearInterval(ticking);
      // Clients that hung up in the last moment are still being settled.
      for (let waited = 0; app.open.own > 0 && waited < settleMs; waited += 10) await Bun.sleep(10);
      deadlines.stop();
      await endAll(
        [
          () => liveGrid?.close(),
          () => sharing.close(),
          () => retention.close(),
          () => ledger.close(),
          kept.closeLeft,
          () => telemetry?.close(),
          () => heads.close(),
          () => webhooks.close(),
          () => post?.close(),
          () => allowances.giveBack(),
          () => keys.tick(),
          () => stored.tick(),
        ],
        log,
      );
      // Only now: of one that is not there, others take back what it had leased.
      kin.living.delete(processId);
    },
  };
}

function everyRoute(table: RouteTable): Route[] {
  return table.models.flatMap((model) => table.of(model));
}

/** How many requests at a time each provider gets from one of so many processes. Holds nothing else, since it outlives its gateway. */
function limitsOf({ providers, workers }: Config, worker: number | undefined): LimitOf {
  return (provider) => {
    const most = providers[provider]?.max_in_flight;
    return most && worker ? shareOf(most, worker, workers) : most;
  };
}

/** Tells by mail what an account has to know even without a webhook. */
function mailNotices(
  post: Post,
  { events }: Webhooks,
  store: Store,
  { billing: { currency, lowBalance: threshold } }: Config,
): void {
  events.onNotice(["credits.low"], ({ accountId = "", data }) => {
    post.wake();
    return tellLowBalance(store, post, accountId, {
      balance: Number(data["balance"]),
      threshold,
      currency,
    });
  });
}

/** What is charged for a request on an account's own credential: a share of what it would have cost, rounded up. */
function feeOf(price: number, { billing }: Config): number {
  return Math.ceil((price * billing.byokFeePct) / 100);
}
