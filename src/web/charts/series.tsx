/** A line, or a layer of a stack. */
export interface Series {
  name: string;
  /** One for each label; undefined: not known, and drawn as nothing. */
  values: readonly (number | undefined)[];
}

/** What every chart is drawn from. */
export interface ChartProps {
  /** Unique on the page. */
  id: string;
  title: string;
  /** Such as `g CO2e per kWh`. */
  unit: string;
  /** What the labels are: `Day`, `Region`. */
  labelName: string;
  labels: readonly string[];
  series: readonly Series[];
  /** Why a value may be missing. */
  unknown: string;
  /** Set where it shows no estimate, or where what estimates leave out is said beside it. */
  limits?: false;
}

/** Looks that can be told apart; a seventh series looks as the first, and is told by the table. */
export const looks = 6;

/** Lines differ by their strokes, for who sees no difference in colour. */
export const dashes = ["", "7 4", "2 3", "10 3 2 3", "14 5", "4 2 1 2 1 2"] as const;

export function look(at: number): number {
  return at % looks;
}

/** The sign of a point of a series, around its middle. */
export function Sign({ at, x, y }: { at: number; x: number; y: number }) {
  return (
    <path class={`mark s${look(at) + 1}`} d={`M${round(x)} ${round(y)}${signs[look(at)] ?? ""}`} />
  );
}

const signs = [
  "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
  "m-3.2 -3.2h6.4v6.4h-6.4z",
  "m0 -4l4 7h-8z",
  "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
  "m0 4l4 -7h-8z",
  "m-4 -1.5h8v3h-8z",
] as const;

/** Fillings of layers, by hatching and not by colour alone. `id` of the chart makes them its own. */
export function Hatches({ id, count }: { id: string; count: number }) {
  return (
    <defs>
      {hatches.slice(0, count).map((d, at) => (
        <pattern id={hatchId(id, at)} width="8" height="8" patternUnits="userSpaceOnUse">
          <rect class={`layer s${at + 1}`} width="8" height="8" />
          {d === "" ? null : <path class="hatch" d={d} />}
        </pattern>
      ))}
    </defs>
  );
}

const hatches = [
  "",
  "M-2 2l4 -4M0 8l8 -8M6 10l4 -4",
  "M0 4h8",
  "M-2 6l4 4M0 0l8 8M6 -2l4 4",
  "M4 0v8",
  "M2 2h1.5v1.5h-1.5zM6 6h1.5v1.5h-1.5z",
] as const;

export function hatchId(id: string, at: number): string {
  return `${id}-hatch-${look(at) + 1}`;
}

/** To a tenth of a unit of the drawing: finer cannot be seen. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
