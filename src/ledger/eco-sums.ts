import { fromPico } from "#src/eco/pico.ts";
import { numberIn, type Row } from "#src/store/store.ts";

/** Columns of energy and carbon in the totals, by the name of their sum. */
const columns = {
  energy_wh: "energy_pwh",
  carbon_g: "carbon_pg",
  energy_wh_low: "energy_low_pwh",
  energy_wh_high: "energy_high_pwh",
  carbon_g_low: "carbon_low_pg",
  carbon_g_high: "carbon_high_pg",
} as const;
type EcoSum = keyof typeof columns;

/** The same amounts in the rows themselves, Wh and g. */
const amounts: Record<EcoSum, string> = {
  energy_wh: "energy_wh",
  carbon_g: "carbon_g",
  energy_wh_low: "energy_wh_low",
  energy_wh_high: "energy_wh_high",
  carbon_g_low: "energy_wh_low * grid_g_per_kwh / 1000",
  carbon_g_high: "energy_wh_high * grid_g_per_kwh / 1000",
};

const pico = "1000000000000";

/** A sum of whole pico-units in two parts, as all of it may be more than an integer holds: whole units, and the rest. */
function inTwo([name, amount]: [name: string, amount: string]): string {
  return `sum(${amount} / ${pico}) + sum(${amount} % ${pico}) / ${pico} AS ${name}_whole,
sum(${amount} % ${pico}) % ${pico} AS ${name}_rest`;
}

/** Sums over the daily totals, for a SELECT. */
export const rollupEco = Object.entries(columns).map(inTwo).join(", ");

/** The same sums over rows, each rounded once. */
export const generationEco = Object.entries(amounts)
  .map(([name, amount]) => inTwo([name, `CAST(round(${amount} * 1e12) AS INTEGER)`]))
  .join(", ");

/** What a row of either SELECT says, in Wh and g: the double that is nearest to the exact sum. */
export function ecoSumsOf(row: Row) {
  const units = (name: EcoSum): number =>
    fromPico(numberIn(row, `${name}_whole`) ?? 0, numberIn(row, `${name}_rest`) ?? 0);
  return {
    energyWh: units("energy_wh"),
    carbonG: units("carbon_g"),
    energyWhLow: units("energy_wh_low"),
    energyWhHigh: units("energy_wh_high"),
    carbonGLow: units("carbon_g_low"),
    carbonGHigh: units("carbon_g_high"),
  };
}
