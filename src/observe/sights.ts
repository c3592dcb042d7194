/** What is looked at when somebody asks, rather than counted. */
export interface Sights {
  version: string;
  /** Unix seconds when the process began. */
  startedAt: number;
  residentBytes: number;
  /** Processor time. */
  cpuSeconds: { user: number; system: number };
  /** Requests that were admitted and are not settled. */
  inFlight: number;
  currency: string;
  providers: readonly { provider: string; inFlight: number; waiting: number }[];
  circuits: readonly CircuitSight[];
  /** Rows that a database elsewhere does not have yet; absent where it is a file. */
  spool?: SpoolSight | undefined;
}

/** How the calls of a model at a provider in a region go. */
export interface CircuitSight {
  provider: string;
  model: string;
  region: string;
  state: "ok" | "degraded" | "unavailable";
}

/** What waits in the data directory. */
export interface SpoolSight {
  /** Unix milliseconds since when refused rows and faults are counted. */
  since: number;
  rows: number;
  bytes: number;
  mostBytes: number;
  oldestSeconds: number;
  refused: number;
  faults: number;
  leftBytes: number;
}

/** Circuits that are told. */
const mostCircuits = 500;
const valueOf = { ok: 0, degraded: 1, unavailable: 2 } as const;

/** Circuits with their state as a number, the shut ones first; no more than are told. */
export function worstCircuits({ circuits }: Sights): (CircuitSight & { value: number })[] {
  return circuits
    .map((one) => ({ ...one, value: valueOf[one.state] }))
    .toSorted((a, b) => b.value - a.value)
    .slice(0, mostCircuits);
}
