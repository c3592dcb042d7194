import type { App } from "#src/gateway/context.ts";
import type { SpoolState } from "#src/ledger/spool-check.ts";
import { version } from "#src/lib/version.ts";
import type { Sights, SpoolSight } from "#src/observe/sights.ts";

/** Looks at a gateway for whoever reads its metrics; `spool` is what waits in the process, where its database is elsewhere. */
export function lookAt(app: App, spool: (() => SpoolState) | undefined): () => Sights {
  // Once: the clock is set now and then, and a time that moved would look like a restart.
  const now = app.clock.now();
  const startedAt = Math.round(now / 1000 - process.uptime());
  return () => ({
    ...sightsOf(app),
    startedAt,
    spool: spool && spoolSight(spool(), { since: now, now: app.clock.now() }),
  });
}

function sightsOf({ config, open, inFlight, routes, health }: App): Omit<Sights, "startedAt"> {
  const providers = new Set(routes.deployments.map(({ provider }) => provider.id));
  const { user, system } = process.cpuUsage();
  return {
    version,
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: { user: user / 1e6, system: system / 1e6 },
    inFlight: open.size,
    currency: config.billing.currency,
    providers: [...providers].map((provider) => {
      const crowd = inFlight.crowd(provider);
      return { provider, inFlight: crowd.inFlight, waiting: crowd.waiting };
    }),
    circuits: health.all(),
  };
}

function spoolSight(
  { oldest, ...state }: SpoolState,
  { since, now }: { since: number; now: number },
): SpoolSight {
  const oldestSeconds = oldest === undefined ? 0 : Math.max(0, now - oldest) / 1000;
  return { ...state, since, oldestSeconds };
}
