import {
  Circuit,
  type HealthReason,
  type HealthState,
  type Refused,
} from "#src/provider/circuit.ts";
import type { DeploymentKey } from "#src/provider/deployment.ts";

/** How a slot stands for people and for other processes. */
export type Face = Pick<Circuit, "shown" | "reason" | "wait" | "shut" | "refused" | "hear">;

/** One credential's part of a slot, for people. */
export interface KeyStanding {
  /** `pk_…`, or `env_1`. */
  id: string;
  state: HealthState;
  reason: HealthReason | undefined;
}

interface Kept {
  circuit: Circuit;
  since: number | undefined;
}

/**
 * Circuits of a slot with several credentials, one for each. Together they stand as well as the best of the operator's:
 * what happens to an account's own is of no concern to others.
 */
export class KeyCircuits implements Face {
  readonly #operators = new Map<string, Kept>();
  readonly #own = new Map<string, Kept>();

  of({ id, accountId, since }: DeploymentKey): Circuit {
    const kept = accountId === undefined ? this.#operators : this.#own;
    const known = kept.get(id);
    if (known !== undefined && known.since === since) return known.circuit;
    const circuit = new Circuit();
    kept.set(id, { circuit, since });
    return circuit;
  }

  /** Whether there is one of the operator's, so that the slot's own circuit is not asked. */
  get isTelling(): boolean {
    return this.#operators.size > 0;
  }

  shown(now: number): HealthState {
    const states = this.#all().map((circuit) => circuit.shown(now));
    if (states.every((state) => state === "unavailable")) return "unavailable";
    return states.every((state) => state === "ok") ? "ok" : "degraded";
  }

  reason(now: number): HealthReason | undefined {
    for (const circuit of this.#all()) {
      const reason = circuit.reason(now);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  wait(now: number): number {
    return Math.min(...this.#all().map((circuit) => circuit.wait(now)));
  }

  /** As long as none of them may be asked. */
  shut(now: number): { openMs: number; coolMs: number } {
    const all = this.#all().map((circuit) => circuit.shut(now));
    return {
      openMs: Math.min(...all.map(({ openMs }) => openMs)),
      coolMs: Math.min(...all.map(({ coolMs }) => coolMs)),
    };
  }

  get refused(): Refused | undefined {
    return this.#all().find(({ refused }) => refused !== undefined)?.refused;
  }

  hear(openMs: number, coolMs: number, refused: Refused | undefined, now: number): void {
    for (const circuit of this.#all()) circuit.hear(openMs, coolMs, refused, now);
  }

  standings(now: number): KeyStanding[] {
    return [...this.#operators].map(([id, { circuit }]) => ({
      id,
      state: circuit.shown(now),
      reason: circuit.reason(now),
    }));
  }

  #all(): Circuit[] {
    return [...this.#operators.values()].map(({ circuit }) => circuit);
  }
}

/** The best of several states: one that works is enough. */
export function bestOf(states: readonly HealthState[]): HealthState {
  if (states.includes("ok")) return "ok";
  return states.includes("degraded") ? "degraded" : "unavailable";
}
