import type { Clock } from "#src/lib/clock.ts";
import type { Log } from "#src/observe/log.ts";
import {
  type Health,
  type HealthReason,
  type HealthState,
  type Hearsay,
  slotKeyOf,
  type Standing,
} from "#src/provider/health.ts";
import type { InFlight } from "#src/provider/in-flight.ts";
import { numberIn, type Row, type Store, textOf, type Value } from "#src/store/store.ts";

/*
 * Processes on one database tell each other which circuits are open, at a low rate and aside of every request. Nothing
 * depends on it: a process that hears nothing finds out by its own requests. The command line reads the same rows.
 */

export const tickMs = 5_000;
/** Figures that change with every request are written this seldom. */
export const figuresMs = 30_000;
/** Rows of processes that went without a word. */
const forgottenMs = 600_000;

const put = `INSERT INTO provider_health (process, provider, region, model, state, reason, since, open_until, cool_until,
latency_p50_ms, latency_p95_ms, throughput_p50, in_flight, updated_at)
SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
value ->> 8, value ->> 9, value ->> 10, value ->> 11, ?3 FROM json_each(?2) WHERE true
ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, since = excluded.since,
open_until = excluded.open_until, cool_until = excluded.cool_until, latency_p50_ms = excluded.latency_p50_ms,
latency_p95_ms = excluded.latency_p95_ms, throughput_p50 = excluded.throughput_p50, in_flight = excluded.in_flight,
updated_at = excluded.updated_at`;
const forget = "DELETE FROM provider_health WHERE updated_at < ? OR process = ?";
const others = `SELECT provider, region, model, reason, open_until, cool_until FROM provider_health
WHERE process <> ?1 AND (open_until > ?2 OR cool_until > ?2)`;

export interface Sharing {
  /** Tells what changed, and hears what others found. Every few seconds by itself. */
  tick(): Promise<void>;
  /** Ends it, and takes back what this process told. */
  close(): Promise<void>;
}

/** Shares a process's health with the others on its database. */
export function shareHealth(options: {
  store: Store;
  clock: Clock;
  log: Log;
  health: Health;
  inFlight: InFlight;
  processId: string;
}): Sharing {
  const { store, clock, log, health, inFlight, processId } = options;
  /** States as they were told last, and when. */
  let told = "[]";
  let toldAt = clock.monotonic();

  async function tell(now: number): Promise<void> {
    const standings = health.all();
    const shut = new Map(health.tell().map((one) => [one.key, one]));
    const states = JSON.stringify(
      standings.map(({ state, reason, since }) => [state, reason, since]),
    );
    const isDue = clock.monotonic() - toldAt >= figuresMs;
    if (states === told && !(isDue && standings.length > 0)) return;
    told = states;
    toldAt = clock.monotonic();
    const rows = standings.map((one): Value[] => {
      const { openMs = 0, coolMs = 0 } = shut.get(slotKeyOf(one)) ?? {};
      return [
        one.provider,
        one.region,
        one.model,
        one.state,
        one.reason ?? null,
        one.since ?? null,
        openMs > 0 ? Math.round(now + openMs) : 0,
        coolMs > 0 ? Math.round(now + coolMs) : 0,
        one.latency?.p50 ?? null,
        one.latency?.p95 ?? null,
        one.throughput?.p50 ?? null,
        inFlight.crowd(one.provider).inFlight,
      ];
    });
    await store.write([
      { sql: forget, args: [now - forgottenMs, ""] },
      { sql: put, args: [processId, JSON.stringify(rows), now] },
    ]);
  }
  async function tick(): Promise<void> {
    const now = clock.now();
    await tell(now);
    const rows = await store.read(others, [processId, now]);
    if (rows.length > 0) health.hear(rows.map((row) => heard(row, now)));
  }
  const ticking = setInterval(() => {
    tick().catch((cause: unknown) => log.write("warn", "health_not_shared", {}, cause));
  }, tickMs);
  ticking.unref();
  return {
    tick,
    async close() {
      clearInterval(ticking);
      await store.write([{ sql: forget, args: [clock.now() - forgottenMs, processId] }]);
    },
  };
}

function heard(row: Row, now: number): Hearsay {
  const reason = textOf(row, "reason");
  return {
    key: slotKeyOf(slotIn(row)),
    openMs: Math.max(0, (numberIn(row, "open_until") ?? 0) - now),
    coolMs: Math.max(0, (numberIn(row, "cool_until") ?? 0) - now),
    refused: reason === "credential_refused" || reason === "account_refused" ? reason : undefined,
  };
}

function slotIn(row: Row): Pick<Standing, "provider" | "region" | "model"> {
  return {
    provider: textOf(row, "provider") ?? "",
    region: textOf(row, "region") ?? "",
    model: textOf(row, "model") ?? "",
  };
}

/** What running gateways told, for the command line: of each slot the worst that any of them found. */
export interface ToldHealth {
  standings: Standing[];
  /** Requests at each provider, over all processes. */
  inFlight: ReadonlyMap<string, number>;
}

const severity: Readonly<Record<HealthState, number>> = { ok: 0, degraded: 1, unavailable: 2 };
const reasons: readonly HealthReason[] = [
  "failing",
  "circuit_open",
  "probing",
  "cooling",
  "credential_refused",
  "account_refused",
];

/** Reads it. Nothing where no gateway wrote in the last minutes. */
export async function toldHealth(store: Store, now: number): Promise<ToldHealth> {
  const rows = await store.read(
    "SELECT * FROM provider_health WHERE updated_at > ? ORDER BY provider, region, model",
    [now - forgottenMs],
  );
  const worst = new Map<string, Standing>();
  const perProcess = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const standing = standingIn(row, now);
    const key = slotKeyOf(standing);
    const known = worst.get(key);
    if (known === undefined || severity[standing.state] > severity[known.state])
      worst.set(key, standing);
    const counts = perProcess.get(standing.provider) ?? new Map<string, number>();
    counts.set(textOf(row, "process") ?? "", numberIn(row, "in_flight") ?? 0);
    perProcess.set(standing.provider, counts);
  }
  const inFlight = new Map<string, number>();
  for (const [provider, counts] of perProcess)
    inFlight.set(
      provider,
      [...counts.values()].reduce((sum, count) => sum + count, 0),
    );
  return { standings: [...worst.values()], inFlight };
}

function standingIn(row: Row, now: number): Standing {
  const [told, why] = [textOf(row, "state"), textOf(row, "reason")];
  const until = Math.max(numberIn(row, "open_until") ?? 0, numberIn(row, "cool_until") ?? 0);
  const [p50, p95] = [numberIn(row, "latency_p50_ms"), numberIn(row, "latency_p95_ms")];
  const tokens = numberIn(row, "throughput_p50");
  return {
    ...slotIn(row),
    state: told === "unavailable" || told === "degraded" ? told : "ok",
    reason: reasons.find((one) => one === why),
    since: numberIn(row, "since"),
    wait: Math.max(0, until - now),
    latency: p50 === undefined || p95 === undefined ? undefined : { p50, p95 },
    throughput: tokens === undefined ? undefined : { p50: tokens },
  };
}
