import type { MethodologyVersion } from "#src/eco/methodology.ts";
import type { NanoUnits } from "#src/ledger/money.ts";

export type GenerationStatus = "ok" | "client_error" | "upstream_error" | "client_cancelled";

/** Who was considered for a request, and what became of them. */
export interface TraceEntry {
  provider: string;
  region: string;
  model: string;
  decision: "filtered" | "selected" | "failed" | "considered";
  /**
   * `selected`: why it has its place. `failed`: `upstream_503` or whatever its status was, `timeout_connect`,
   * `timeout_first_byte`, `timeout_idle`, `timeout_total`, `connection_failed`, `bad_answer`, `credential_refused`,
   * `upstream_402_account`, `client_left`. `filtered` while routes are tried: `provider_full`, and what shuts a slot:
   * `circuit_open`, `probing`, `cooling`, `credential_refused`, `account_refused`. `considered`: `waited_for_place`;
   * `hedged`: another answered first, and it was called off. All others come from the choice of routes.
   * `key_rate_limit`, `key_budget`, `key_budget_unpriced`: the credential had no room within its own limits.
   */
  reason: string;
  /** So many more after it of the same decision that are not named. */
  and_more?: number;
  /** How it is known where the route computes. */
  basis?: "published" | "assumed" | "operator-config";
  /** Which credential, where there are several. */
  credential?: string;
  /** It is the account's own. */
  is_byok?: true;
  /** Upstream status of a failed attempt. */
  status?: number;
  /** Milliseconds that a failed attempt took, or the wait for a place, or what was called off. */
  ms?: number;
  /** What a request that was called off may cost at its provider, in the currency. The client is not charged for it. */
  may_cost?: number;
  /** `may_cost` is our estimate: nobody was told a usage. */
  estimated?: true;
  /** What the route's grid figure counts, where carbon decided between routes whose figures count unlike things. */
  grid?: {
    basis: "lifecycle" | "direct" | "mixed";
    scope: "production" | "consumption" | "generation" | "unstated" | "mixed";
  };
  /** Of the route that answered, where live grids are looked at: `stale` and `failed` fell back to the annual average. */
  live_grid?: {
    source: string;
    zone: string;
    state: "live" | "stale" | "failed";
    /** g CO2 per kWh, with what it is of. Absent where it is not live. */
    g_per_kwh?: number;
    at?: string;
    basis?: "lifecycle" | "direct";
    scope?: "production" | "consumption";
    /** A forecast, or an estimate of its source. */
    estimated?: true;
  };
}

/** One request as the ledger keeps it. Append-only; holds no prompt and no answer. */
export interface Generation {
  id: string;
  /** Id of the answer as the client saw it. */
  completionId: string | undefined;
  /** Id of the answer at the provider. */
  upstreamId: string | undefined;
  accountId: string;
  /** Key hash, the public id of the key. */
  keyId: string;
  keyName: string;
  user: string | undefined;
  app: string | undefined;
  /** What the client spoke; through the proxy, the provider's own. */
  dialect: string;
  requestedModel: string | undefined;
  /** Absent when no route was chosen. */
  model: string | undefined;
  provider: string | undefined;
  region: string | undefined;
  streamed: boolean;
  status: GenerationStatus;
  /** Error code of our table when the status is not `ok`. */
  errorCode: string | undefined;
  /** `final`: by the upstream's usage. `estimated`: by our count. `waived`: nothing charged. `unknown`: no usage to be had. */
  settlement: "final" | "estimated" | "waived" | "unknown";
  createdAt: number;
  completedAt: number;
  /** Milliseconds to the first byte if streamed, else to the end. */
  latencyMs: number;
  /** Token classes; absent when unknown. */
  tokens:
    | {
        inputFresh: number;
        cacheRead: number;
        cacheWrite5m: number;
        cacheWrite1h: number;
        outputVisible: number;
        reasoning: number;
      }
    | undefined;
  /** The upstream's own usage object, JSON text. */
  rawUsage: string | undefined;
  /** What was charged; absent when the price is unknown. */
  cost: NanoUnits | undefined;
  costPrompt: NanoUnits | undefined;
  costCompletion: NanoUnits | undefined;
  /** Price at the provider, before platform fee. */
  upstreamCost: NanoUnits | undefined;
  /** Currency units per USD used for this row. */
  usdRate: number;
  isByok: boolean;
  energyWh: number | undefined;
  carbonG: number | undefined;
  carbonPer1kG: number | undefined;
  /** Both ends of the estimate's interval, Wh. Carbon's are these on the row's grid. Absent in rows older than it. */
  energyBounds?: { low: number; high: number } | undefined;
  accuracy: "accurate" | "medium" | "gross" | undefined;
  methodology: MethodologyVersion | undefined;
  gridGPerKwh: number | undefined;
  gridZone: string | undefined;
  /** The operator's measurement that the number was made from, where one took the place of the methodology. */
  measured: { whPer1kTokens: number; pue: number } | undefined;
  trace: TraceEntry[];
}
