import { max } from "d3-array";
import { scaleBand, scaleLinear } from "d3-scale";
import { ChartFigure, width } from "#src/web/charts/figure.tsx";
import { round } from "#src/web/charts/series.tsx";
import { figure } from "#src/web/format.ts";

/** A bar of a chart, with the interval that it may lie in. */
export interface Bar {
  label: string;
  /** Undefined: not known, and said so. */
  value: number | undefined;
  low?: number | undefined;
  high?: number | undefined;
}

const left = 168;
const right = 70;
const top = 30;
const rowHeight = 24;
/** Characters of a label that have room left of its bar. */
const labelRoom = 24;

/** Bars that lie, one for each label, with whiskers where there is an interval. */
export function BarChart(props: {
  id: string;
  title: string;
  unit: string;
  labelName: string;
  valueName: string;
  bars: readonly Bar[];
  unknown: string;
  limits?: false;
}) {
  const { bars, unit, valueName, labelName } = props;
  const bottom = top + bars.length * rowHeight;
  const most = max(bars, ({ value, high }) => Math.max(value ?? 0, high ?? 0)) ?? 0;
  const x = scaleLinear([0, most > 0 ? most : 1], [left, width - right]).nice(5);
  const y = scaleBand(
    bars.map((_, at) => String(at)),
    [top, bottom],
  )
    .paddingInner(0.3)
    .paddingOuter(0.15);
  const hasInterval = bars.some(({ low }) => low !== undefined);
  const column = (name: string, values: (number | undefined)[]) => ({ name, values });
  return (
    <ChartFigure
      {...props}
      labels={bars.map(({ label }) => label)}
      series={[
        column(
          valueName,
          bars.map(({ value }) => value),
        ),
      ]}
      extra={
        hasInterval
          ? [
              column(
                "Low",
                bars.map(({ low }) => low),
              ),
              column(
                "High",
                bars.map(({ high }) => high),
              ),
            ]
          : []
      }
      height={bottom + 44}
    >
      <text class="tick" x={left - 8} y={16} text-anchor="end">
        {labelName}
      </text>
      {x.ticks(5).map((tick) => (
        <>
          <path class="grid" d={`M${round(x(tick))} ${top}V${bottom}`} />
          <text class="tick" x={round(x(tick))} y={bottom + 17} text-anchor="middle">
            {figure(tick)}
          </text>
        </>
      ))}
      <text class="tick" x={(left + width - right) / 2} y={bottom + 37} text-anchor="middle">
        {valueName}, {unit}
      </text>
      {bars.map((bar, at) => (
        <Row bar={bar} x={x} y={y(String(at)) ?? top} height={y.bandwidth()} />
      ))}
      <path class="base" d={`M${left} ${top}V${bottom}`} />
    </ChartFigure>
  );
}

function Row(props: { bar: Bar; x(value: number): number; y: number; height: number }) {
  const { bar, x, y, height } = props;
  const { label, value, low, high } = bar;
  const middle = y + height / 2;
  const end = Math.max(x(value ?? 0), x(high ?? 0));
  return (
    <g>
      <text class="label" x={left - 8} y={round(middle + 4)} text-anchor="end">
        {label.length > labelRoom ? `${label.slice(0, labelRoom - 1)}…` : label}
      </text>
      {value === undefined ? null : (
        <rect
          class="layer s1"
          x={left}
          y={round(y)}
          width={round(x(value) - left)}
          height={round(height)}
        />
      )}
      {low === undefined || high === undefined || low === high ? null : (
        <path
          class="whisker"
          d={`M${round(x(low))} ${round(middle)}H${round(x(high))}M${round(x(low))} ${round(middle - 4)}v8M${round(x(high))} ${round(middle - 4)}v8`}
        />
      )}
      <text class="label" x={round(end + 6)} y={round(middle + 4)}>
        {figure(value)}
      </text>
    </g>
  );
}
