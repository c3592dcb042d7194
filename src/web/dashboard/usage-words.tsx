import type { ApiKey } from "#src/account/account.ts";
import { toUnits } from "#src/ledger/money.ts";
import type { Order, Totals } from "#src/ledger/rollups.ts";
import type { Band } from "#src/report/eco-share.ts";
import { figure } from "#src/web/format.ts";
import { Unknown } from "#src/web/layout.tsx";
import type { Group } from "#src/web/dashboard/usage-ask.ts";

/** Names of what totals know by id alone. */
export interface Names {
  keys: ReadonlyMap<string, Pick<ApiKey, "name">>;
  /** Of keys that are gone. */
  deleted: ReadonlyMap<string, Pick<ApiKey, "name">>;
  people: ReadonlyMap<string, string>;
}

// Kept, as making one for every number costs more than all else that a page does.
const micro = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
});
const tiny = new Intl.NumberFormat("en-US", {
  maximumSignificantDigits: 2,
  maximumFractionDigits: 9,
});

/** Nano-units as people read them: to the millionth, and what is less with two digits, so that it is not nothing. */
export function amount(nano: number): string {
  const units = toUnits(nano);
  const isTiny = units !== 0 && Math.abs(units) < 0.000_001;
  return isTiny ? tiny.format(units) : micro.format(units);
}

/** Energy or carbon of totals; undefined where requests were made and none has an estimate. */
export function estimated(totals: Totals, name: "energyWh" | "carbonG"): number | undefined {
  return totals.requests > 0 && totals.requests === totals.withoutEco ? undefined : totals[name];
}

export const noEstimate = "No request of these has an estimate: no route, or no known model size";

/** Energy or carbon, or why there is none. */
export function Estimated({ totals, name }: { totals: Totals; name: "energyWh" | "carbonG" }) {
  const value = estimated(totals, name);
  return value === undefined ? <Unknown why={noEstimate} /> : <>{figure(value)}</>;
}

/** A share in percent, such as `12.5 %`; never rounded to nothing or to all. */
export function share(part: number, whole: number): string {
  if (whole === 0) return "—";
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent < 100 && percent > 99.9) return "> 99.9 %";
  return `${Number(percent.toFixed(1))} %`;
}

/** What stands for a place of a grouping, for people. */
export function placeText(group: Group, value: string, { keys, deleted, people }: Names): string {
  if (group === "key")
    return (
      keys.get(value)?.name ?? `${deleted.get(value)?.name || `${value.slice(0, 12)}…`} (deleted)`
    );
  if (group === "maker") return people.get(value) ?? value;
  return value;
}

/** Why a place has no name. */
export const whyNoPlace: Record<Group, string> = {
  day: "Not known",
  model: "No route was chosen",
  creator: "No route was chosen",
  provider: "No route was chosen",
  region: "No route was chosen",
  key: "Not known",
  user: "The request named no user",
  maker: "Made from the command line, or not known any more",
};

export const bandWords: Record<Band, string> = {
  measured: "Measured by the operator",
  accurate: "Accurate: the model’s size is published",
  medium: "Medium: the size is estimated from what is known",
  gross: "Gross: the size is a guess",
  unrated: "Not rated: the model is not in the tables any more",
};

/** What the first rows are first in. */
export const orderWords: Record<Order, string> = {
  place: "name",
  cost: "spend",
  requests: "requests",
  tokens: "tokens",
  energy: "energy",
  carbon: "carbon",
};
