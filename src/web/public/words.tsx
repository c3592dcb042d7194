import type { DataPolicy, Endpoint, Model } from "#src/catalog/model.ts";
import { withholdsGrids } from "#src/eco/grid-licence.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { Grid } from "#src/eco/methodology.ts";
import type { HealthReason, HealthState } from "#src/provider/health.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { figure } from "#src/web/format.ts";
import type { Interval } from "#src/web/public/offers.ts";

/** Why a figure is missing, in the words of every page. */
export const unknown = {
  price: "The source gives no price",
  energy: "The number of parameters is not known, and we do not guess",
  grid: "Where it computes is not disclosed, so its grid is not known",
  carbon: "The number of parameters or the grid is not known",
  policy: "The provider publishes no figure",
} as const;

/** A region's name is only as good as what it rests on. */
export const bases: Record<Endpoint["regionBasis"], string> = {
  published: "published by the provider",
  assumed: "assumed",
  "operator-config": "set by the operator",
};

/** What a place rests on, beside its grid: one that nobody names is not published, whatever the region is called. */
export function placeBasis(basis: Endpoint["regionBasis"], grid: Grid | undefined): string {
  if (basis === "operator-config") return bases[basis];
  if (grid === undefined) return "not disclosed";
  return grid.assumption === undefined ? bases[basis] : bases.assumed;
}

export const states: Record<HealthState, string> = {
  ok: "Up",
  degraded: "Degraded",
  unavailable: "Down",
};

const stateClasses: Record<HealthState, string> = {
  ok: "good",
  degraded: "warn",
  unavailable: "bad",
};

export const reasons: Record<HealthReason, string> = {
  failing: "more than a tenth of the requests of five minutes failed",
  circuit_open: "it failed repeatedly and is left alone for a while",
  probing: "one request is finding out whether it works again",
  cooling: "it asked to be left alone for a while",
  credential_refused: "it refuses the credential",
  account_refused: "it refuses the account",
};

export function State({ of }: { of: HealthState }) {
  return <span class={stateClasses[of]}>{states[of]}</span>;
}

/** Said where figures are shown that requests are not counted with, because those may not be published. */
export function GridNote({ tables }: { tables: Pick<EcoTables, "zones"> }) {
  if (!withholdsGrids(tables)) return null;
  return (
    <p class="notice">
      Requests are counted here with a grid table that is licensed to the operator, and not for
      publication. Figures on this page stand on <a href="/methodology/grid">published values</a>{" "}
      instead: those of a request may differ.
    </p>
  );
}

/** A time to the second, UTC. */
export function moment(milliseconds: number): string {
  return `${rfc3339(milliseconds).slice(0, 19).replace("T", " ")} UTC`;
}

/** A figure with its interval, where it has one. */
export function Ranged({ of }: { of: Interval }) {
  return (
    <>
      {figure(of.mid)}
      {of.low === of.high ? null : (
        <>
          <br />
          <span class="soft small">
            {figure(of.low)} to {figure(of.high)}
          </span>
        </>
      )}
    </>
  );
}

export function retention({ retentionDays: days }: DataPolicy): string | null {
  if (days === null) return null;
  return days === 0 ? "not kept" : days === 1 ? "1 day" : `${days} days`;
}

export function training({ trainsOnData: trains }: DataPolicy): string | null {
  return trains === null ? null : trains ? "yes" : "no";
}

/** Whether nothing can be made to be kept, and how. */
export const zeroRetention: Record<DataPolicy["zdr"], string> = {
  default: "by default",
  "self-serve": "can be switched on",
  approval: "on approval",
  none: "not offered",
  depends: "depends on the model",
  unknown: "not known",
};

const capabilityNames = {
  tools: "tools",
  vision: "vision",
  structuredOutputs: "structured output",
  streaming: "streaming",
  reasoning: "reasoning",
  pdf: "pdf",
  audio: "audio",
  logprobs: "logprobs",
} as const satisfies Partial<Record<keyof Model["capabilities"], string>>;

/** What a model can do, in words. */
export function capabilitiesOf({ capabilities }: Model): string[] {
  return Object.entries(capabilityNames).flatMap(([name, words]) =>
    Reflect.get(capabilities, name) === true ? [words] : [],
  );
}

/** The page of a model; an id may hold what an address may not. */
export function modelPath(id: string): string {
  return `/models/${id.split("/").map(encodeURIComponent).join("/")}`;
}

export function providerPath(id: string): string {
  return `/providers/${encodeURIComponent(id)}`;
}
