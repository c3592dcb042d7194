import type { Clock } from "#src/lib/clock.ts";
import {
  type Admission,
  Circuit,
  type HealthReason,
  type HealthState,
  type Refused,
} from "#src/provider/circuit.ts";
import type { Route } from "#src/provider/deployment.ts";
import { bestOf, type Face, KeyCircuits, type KeyStanding } from "#src/provider/key-circuits.ts";
import { type Percentile, Percentiles } from "#src/provider/percentiles.ts";
import { emptySlot, originOf, type Slot } from "#src/provider/slot.ts";

export type { HealthReason, HealthState } from "#src/provider/circuit.ts";
export type { Percentile } from "#src/provider/percentiles.ts";

/** `latency`: milliseconds to the first byte. `throughput`: output tokens per second after it. */
export type Measure = "latency" | "throughput";

/** What is known of one slot, for people. */
export interface Standing {
  provider: string;
  region: string;
  model: string;
  state: HealthState;
  /** Absent while it is `ok`. */
  reason: HealthReason | undefined;
  /** Unix milliseconds since when it is so; absent while it never was otherwise. */
  since: number | undefined;
  /** Milliseconds until it is asked again; 0 when it may be now. */
  wait: number;
  /** Milliseconds to the first byte, and output tokens per second; absent where nothing was seen in five minutes. */
  latency: Readonly<Record<"p50" | "p95", number>> | undefined;
  throughput: Readonly<Record<"p50", number>> | undefined;
  /** Each of the operator's credentials, where there are several. */
  keys?: KeyStanding[];
}

/** What another process told of a slot: milliseconds for which it leaves it alone. */
export interface Hearsay {
  key: string;
  openMs: number;
  coolMs: number;
  refused: Refused | undefined;
}

/**
 * What the gateway has seen of each slot: a model at a provider in a region. Passive, learns from real requests only.
 * Who asked by `enter` tells what came of it: succeeded, answered, failed, cool, or leave.
 */
export interface Health {
  /** All that is known, for the gateway that takes the place of this one. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** `unavailable`: open, cooling, or half open with its probe on its way. `degraded`: more than a tenth failed in five minutes. */
  state(route: Route): HealthState;
  /** State of a provider's region over all models: the worst that most of them share. */
  regionState(provider: string, region: string): HealthState;
  /** Failed a significant share of what it was asked in the last 30 s. */
  outage(route: Route): boolean;
  /** Over the last five minutes; absent where nothing was seen. */
  percentile(route: Route, kind: Measure, p: Percentile): number | undefined;
  /** Median milliseconds to the first byte over the last five minutes; undefined before any. */
  latency(route: Route): number | undefined;
  /** What it is, for people. */
  standing(route: Route): Standing;
  /** Every slot that was ever asked. */
  all(): Standing[];
  /** Whether a request may go there now. Half open, one may at a time: it is the probe. */
  enter(route: Route): Admission;
  /** Open, and yet one that may be asked when nobody else is left; false where it may be asked anyhow. */
  isLastResort(route: Route): boolean;
  /** As `enter`, where nobody else is left: an open one lets a probe in, one at a time, after a rest. */
  enterLast(route: Route): Admission;
  /** A probe ended, and nothing was learnt. */
  leave(route: Route): void;
  /** It answered; milliseconds to its first byte. */
  succeeded(route: Route, milliseconds: number): void;
  /** It told that the request is wrong: so it works. */
  answered(route: Route): void;
  /** A 5xx, a timeout, a broken connection, or what it has against us; never a client error. */
  failed(route: Route, refused?: Refused): void;
  /** It asked to be left alone for so long. No failure. */
  cool(route: Route, milliseconds: number): void;
  /** It took at least so long, and was not waited for: counts for its latency only. */
  outran(route: Route, milliseconds: number): void;
  /** A stream's output tokens, and the milliseconds from its first byte to its last. */
  streamed(route: Route, tokens: number, milliseconds: number): void;
  /** What other processes should know, of slots that are shut; and who they are. */
  tell(): Hearsay[];
  /** What other processes found. */
  hear(found: readonly Hearsay[]): void;
}

/** What one slot is kept under. Several credentials share it, and have a circuit each. */
export function slotKey({ deployment, model }: Route): string {
  const { provider, region } = deployment;
  return slotKeyOf({ provider: provider.id, region, model: model.id });
}

/** The same, by the ids. */
export function slotKeyOf(slot: Pick<Standing, "provider" | "region" | "model">): string {
  return `${slot.provider}\n${slot.region}\n${slot.model}`;
}

/** Milliseconds and tokens per second below which no difference is made. */
const least = { latency: 0.5, throughput: 0.1 } as const;
/** Streams that are shorter say little of the speed. */
const tellingMs = 20;

/** Health of every slot in this process's memory; `slots` is what is known already. */
export function createHealth(clock: Clock, slots = new Map<string, Slot>()): Health {
  /** The same by route, so that the hot path builds no key. */
  const byRoute = new WeakMap<Route, { slot: Slot; circuit: Circuit }>();

  function find(route: Route): { slot: Slot; circuit: Circuit } {
    const known = byRoute.get(route);
    if (known !== undefined) return known;
    const key = slotKey(route);
    const slot = slots.get(key) ?? made(key);
    const found = { slot, circuit: circuitIn(slot, route) };
    byRoute.set(route, found);
    return found;
  }
  function circuitIn(slot: Slot, route: Route): Circuit {
    const { key } = route.deployment;
    if (key !== undefined) return (slot.keys ??= new KeyCircuits()).of(key, () => originOf(route));
    slot.origin ??= originOf(route);
    return slot.circuit;
  }
  const slotOf = (route: Route): Slot => find(route).slot;
  const circuitOf = (route: Route): Circuit => find(route).circuit;
  function stateOf(route: Route, now: number): HealthState {
    const { keys } = route;
    if (keys === undefined) return circuitOf(route).state(now);
    return bestOf(keys.map((one) => circuitOf(one).state(now)));
  }
  function faceOf({ keys, circuit }: Slot): Face {
    return keys?.isTelling ? keys : circuit;
  }
  function made(key: string): Slot {
    const slot = emptySlot(key);
    slots.set(key, slot);
    return slot;
  }
  /** Notes since when it is what it is. */
  function note(slot: Slot, now: number): void {
    const shown = faceOf(slot).shown(now);
    if (shown === slot.shown) return;
    slot.shown = shown;
    slot.since = clock.now();
  }
  function measured(slot: Slot, kind: Measure, value: number, now: number): void {
    slot[kind] ??= new Percentiles(least[kind]);
    slot[kind].add(value, now);
  }
  function standingOf(slot: Slot, one?: Circuit): Standing {
    const now = clock.monotonic();
    const { provider, region, model, latency, throughput, keys } = slot;
    const face = one ?? faceOf(slot);
    note(slot, now);
    const [p50, p95] = [latency?.at(50, now), latency?.at(95, now)];
    const tokens = throughput?.at(50, now);
    return {
      provider,
      region,
      model,
      state: face.shown(now),
      reason: face.reason(now),
      since: slot.since,
      wait: face.wait(now),
      latency: p50 === undefined || p95 === undefined ? undefined : { p50, p95 },
      throughput: tokens === undefined ? undefined : { p50: tokens },
      ...(keys?.isTelling ? { keys: keys.standings(now) } : {}),
    };
  }
  function percentile(route: Route, kind: Measure, p: Percentile): number | undefined {
    return slotOf(route)[kind]?.at(p, clock.monotonic());
  }
  return {
    slots,
    state: (route) => stateOf(route, clock.monotonic()),
    regionState: (provider, region) =>
      worstOf(
        [...slots.values()].flatMap((slot) =>
          slot.provider === provider && slot.region === region
            ? [faceOf(slot).shown(clock.monotonic())]
            : [],
        ),
      ),
    outage(route) {
      const now = clock.monotonic();
      const { keys } = route;
      if (keys === undefined) return circuitOf(route).outage(now);
      return keys.every((one) => circuitOf(one).outage(now));
    },
    percentile,
    latency: (route) => percentile(route, "latency", 50),
    standing(route) {
      const { slot, circuit } = find(route);
      return standingOf(slot, route.deployment.key === undefined ? undefined : circuit);
    },
    all: () => [...slots.values()].map((slot) => standingOf(slot)),
    enter: (route) => circuitOf(route).enter(clock.monotonic()),
    isLastResort(route) {
      const now = clock.monotonic();
      const { keys } = route;
      if (keys === undefined) return circuitOf(route).isLastResort(now);
      return keys.some((one) => circuitOf(one).isLastResort(now));
    },
    enterLast: (route) => circuitOf(route).enterLast(clock.monotonic()),
    leave: (route) => circuitOf(route).leave(),
    succeeded(route, milliseconds) {
      const { slot, circuit } = find(route);
      const now = clock.monotonic();
      circuit.succeeded(now);
      measured(slot, "latency", milliseconds, now);
      note(slot, now);
    },
    answered(route) {
      const { slot, circuit } = find(route);
      const now = clock.monotonic();
      circuit.answered(now);
      note(slot, now);
    },
    failed(route, refused) {
      const { slot, circuit } = find(route);
      const now = clock.monotonic();
      circuit.failed(now, refused);
      note(slot, now);
    },
    cool(route, milliseconds) {
      const { slot, circuit } = find(route);
      const now = clock.monotonic();
      circuit.cool(milliseconds, now);
      note(slot, now);
    },
    outran(route, milliseconds) {
      measured(slotOf(route), "latency", milliseconds, clock.monotonic());
    },
    streamed(route, tokens, milliseconds) {
      if (tokens <= 0 || milliseconds < tellingMs) return;
      const rate = (tokens * 1000) / milliseconds;
      measured(slotOf(route), "throughput", rate, clock.monotonic());
    },
    tell() {
      const now = clock.monotonic();
      return [...slots.values()].flatMap((slot) => {
        const { key } = slot;
        const face = faceOf(slot);
        const { openMs, coolMs } = face.shut(now);
        return openMs + coolMs > 0 ? [{ key, openMs, coolMs, refused: face.refused }] : [];
      });
    },
    hear(found) {
      const now = clock.monotonic();
      for (const { key, openMs, coolMs, refused } of found) {
        const slot = slots.get(key) ?? made(key);
        faceOf(slot).hear(openMs, coolMs, refused, now);
        note(slot, now);
      }
    },
  };
}

/** The worst that all of them share; `degraded` where only some are ill. */
export function worstOf(states: readonly HealthState[]): HealthState {
  if (states.length > 0 && states.every((state) => state === "unavailable")) return "unavailable";
  return states.some((state) => state !== "ok") ? "degraded" : "ok";
}
