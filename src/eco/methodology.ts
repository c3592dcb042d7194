import type { EcoBlock } from "#src/dialect/dialect.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Measured } from "#src/eco/measured.ts";

export type MethodologyVersion = string;

/** Active and total parameters of a model, in billions, as an interval, with their origin. */
export interface ModelParameters {
  model: string;
  architecture: "dense" | "moe" | "unknown";
  activeB: { min: number; max: number };
  totalB: { min: number; max: number };
  accuracy: "accurate" | "medium" | "gross";
  source: string;
  read: string;
  licence: string;
}

/** One annual figure of a grid zone. */
export interface GridRow {
  zone: string;
  name: string;
  /** g CO2e per kWh. */
  gPerKwh: number;
  year: number;
  basis: "lifecycle" | "direct";
  scope: "production" | "consumption" | "generation" | "unstated";
  source: string;
  sourceUrl: string;
  licence: string;
  read: string;
  /** From a table that the operator brought. */
  imported?: true;
}

/** The grid of a place: one row, or the population-weighted mean of several. */
export interface Grid {
  /** g CO2e per kWh. */
  gPerKwh: number;
  /** Zone or region id that was looked up. */
  zone: string;
  year: number;
  basis: "lifecycle" | "direct" | "mixed";
  rows: { row: GridRow; weight: number }[];
  /** Set when the place itself is an assumption, with the reason. */
  assumption?: string;
}

/** What an estimate is made from. */
export interface EcoInput {
  model: string;
  usage: Usage;
  grid: Grid;
  /** Who computed: its published data-centre overhead widens the interval, and leaves the figure as it is. */
  provider?: string | undefined;
  /** Data-centre overhead for figure and interval; absent means the methodology's own. */
  pue?: { min: number; max: number };
  /** The operator's own measurement, which takes the place of the estimate. */
  measured?: Measured | undefined;
}

/** The estimate with both ends of its interval. Energy in Wh, carbon in g CO2e. */
export interface Estimate {
  block: EcoBlock;
  energyWh: { low: number; high: number };
  carbonG: { low: number; high: number };
}
