import type { Clock } from "#src/lib/clock.ts";
import type { Route } from "#src/provider/deployment.ts";

export type HealthState = "ok" | "degraded" | "unavailable";

/** What the gateway has seen of each (provider, region, model). Passive: learns from real requests only. */
export interface Health {
  state(route: Route): HealthState;
  /** State of a provider's region over all models: the worst that most of them share. */
  regionState(provider: string, region: string): HealthState;
  succeeded(route: Route, milliseconds: number): void;
  /** A 5xx, a timeout or a broken connection; never a client error. */
  failed(route: Route): void;
  /** Median milliseconds to the first byte over recent requests; undefined before any. */
  latency(route: Route): number | undefined;
}

interface Slot {
  provider: string;
  region: string;
  failures: number[];
  successes: number;
  windowStart: number;
  openUntil: number;
  opened: number;
  latencies: number[];
}

const failureWindowMs = 30_000;
const failuresToOpen = 3;
const backoffMs = [30_000, 60_000, 120_000];
const errorWindowMs = 300_000;

/** Circuit per slot: opens after 3 failures in 30 s, tries again after 30, 60, 120 s. */
export function createHealth(clock: Clock): Health {
  const slots = new Map<string, Slot>();
  function slotOf(route: Route): Slot {
    const { provider, region } = route.deployment;
    const key = `${provider.id}\n${region}\n${route.model.id}`;
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = {
        provider: provider.id,
        region,
        failures: [],
        successes: 0,
        windowStart: clock.monotonic(),
        openUntil: 0,
        opened: 0,
        latencies: [],
      };
      slots.set(key, slot);
    }
    return slot;
  }
  function stateOf(slot: Slot): HealthState {
    const now = clock.monotonic();
    if (slot.openUntil > now) return "unavailable";
    const recent = slot.failures.filter((at) => now - at < errorWindowMs).length;
    return recent > 0 && recent / (recent + slot.successes) > 0.1 ? "degraded" : "ok";
  }
  return {
    state(route) {
      const slot = slots.get(
        `${route.deployment.provider.id}\n${route.deployment.region}\n${route.model.id}`,
      );
      return slot === undefined || slot.failures.length === 0 ? "ok" : stateOf(slot);
    },
    regionState(provider, region) {
      const states = [...slots.values()]
        .filter((slot) => slot.provider === provider && slot.region === region)
        .map(stateOf);
      if (states.length > 0 && states.every((state) => state === "unavailable"))
        return "unavailable";
      return states.some((state) => state !== "ok") ? "degraded" : "ok";
    },
    succeeded(route, milliseconds) {
      const slot = slotOf(route);
      const now = clock.monotonic();
      if (now - slot.windowStart > errorWindowMs) {
        slot.windowStart = now;
        slot.successes = 0;
        slot.failures = slot.failures.filter((at) => now - at < errorWindowMs);
      }
      slot.successes++;
      slot.opened = 0;
      slot.openUntil = 0;
      slot.latencies.push(milliseconds);
      if (slot.latencies.length > 32) slot.latencies.shift();
    },
    failed(route) {
      const slot = slotOf(route);
      const now = clock.monotonic();
      slot.failures.push(now);
      if (slot.failures.length > 64) slot.failures.shift();
      const recent = slot.failures.filter((at) => now - at < failureWindowMs).length;
      if (recent < failuresToOpen && slot.opened === 0) return;
      slot.openUntil = now + (backoffMs[Math.min(slot.opened, backoffMs.length - 1)] ?? 120_000);
      slot.opened++;
    },
    latency(route) {
      const latencies = slots.get(
        `${route.deployment.provider.id}\n${route.deployment.region}\n${route.model.id}`,
      )?.latencies;
      if (latencies === undefined || latencies.length === 0) return undefined;
      return latencies.toSorted((a, b) => a - b)[latencies.length >> 1];
    },
  };
}
