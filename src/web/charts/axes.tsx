import { width } from "#src/web/charts/figure.tsx";
import { round } from "#src/web/charts/series.tsx";
import { figure } from "#src/web/format.ts";

/** Room around a drawing, in its units. */
export interface Margin {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/** Room of a chart over labels in a row. */
export const margin: Margin = { top: 26, right: 12, bottom: 44, left: 64 };

/** Lines and figures of a scale that goes up, with its unit above. */
export function LeftAxis(props: {
  ticks: readonly number[];
  y(value: number): number;
  unit: string;
}) {
  const { ticks, y, unit } = props;
  return (
    <g class="axis">
      <text class="tick" x={8} y={14}>
        {unit}
      </text>
      {ticks.map((tick) => (
        <>
          <path class="grid" d={`M${margin.left} ${round(y(tick))}H${width - margin.right}`} />
          <text class="tick" x={margin.left - 8} y={round(y(tick) + 4)} text-anchor="end">
            {figure(tick)}
          </text>
        </>
      ))}
    </g>
  );
}

/** Labels below, as many as have room, and what they are. */
export function BottomAxis(props: {
  labels: readonly string[];
  x(at: number): number;
  top: number;
  name: string;
}) {
  const { labels, x, top, name } = props;
  const longest = Math.max(1, ...labels.map((label) => label.length));
  const room = Math.max(1, Math.floor((width - margin.left - margin.right) / (longest * 7 + 14)));
  const step = Math.ceil(labels.length / room);
  return (
    <g class="axis">
      <path class="base" d={`M${margin.left} ${round(top)}H${width - margin.right}`} />
      {labels.map((label, at) =>
        at % step === 0 ? (
          <text class="tick" x={round(x(at))} y={round(top + 17)} text-anchor="middle">
            {label}
          </text>
        ) : null,
      )}
      <text class="tick" x={(width + margin.left) / 2} y={round(top + 37)} text-anchor="middle">
        {name}
      </text>
    </g>
  );
}
