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
  /** Who is asked with it. */
  origin: string;
}

/**
 * Circuits of a slot with several credentials, one for each. Together they stand as well as the best of the operator's:
 * what happens to an account's own is of no concern to others.
 */
export class KeyCircuits implements Face {
  readonly #operators = new Map<string, Kept>();
  readonly #own = new Map<string, Kept>();

  /** The circuit of a credential; `originOf` says whose it is, where it is a new one. */
  of(key: DeploymentKey, originOf: () => string): Circuit {
    const known = this.find(key);
    if (known !== undefined) return known.circuit;
    const circuit = new Circuit();
    this.keep(key, circuit, originOf());
    return circuit;
  }

  /** What is kept of a credential, as it is now. */
  find({ id, accountId, since }: DeploymentKey): Readonly<Kept> | undefined {
    const known = this.#among(accountId).get(id);
    return known?.since === since ? known : undefined;
  }

  keep({ id, accountId, since }: DeploymentKey, circuit: Circuit, origin: string): void {
    this.#among(accountId).set(id, { circuit, since, origin });
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

  #among(accountId: string | undefined): Map<string, Kept> {
    return accountId === undefined ? this.#operators : this.#own;
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
