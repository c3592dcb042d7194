import { max } from "d3-array";
import { scaleLinear, scalePoint } from "d3-scale";
import { line } from "d3-shape";
import { BottomAxis, LeftAxis, margin } from "#src/web/charts/axes.tsx";
import { ChartFigure, width } from "#src/web/charts/figure.tsx";
import { type ChartProps, dashes, look, round, Sign } from "#src/web/charts/series.tsx";

const height = 300;
/** More points than these stand too close for signs; the strokes differ still. */
const mostSigns = 40;

/** Lines over labels in order, such as days; a gap where a value is not known. */
export function LineChart(props: ChartProps) {
  const { labels, series, labelName, unit } = props;
  const base = height - margin.bottom;
  const most = max(series.flatMap(({ values }) => values.map((value) => value ?? 0))) ?? 0;
  const y = scaleLinear([0, most > 0 ? most : 1], [base, margin.top]).nice(5);
  const along = scalePoint(
    labels.map((_, at) => String(at)),
    [margin.left, width - margin.right],
  ).padding(0.5);
  const x = (at: number) => along(String(at)) ?? margin.left;
  const path = line<number | undefined>()
    .defined((value) => value !== undefined)
    .x((_, at) => round(x(at)))
    .y((value) => round(y(value ?? 0)));
  const isAlone = (values: ChartProps["series"][number]["values"], at: number) =>
    values[at - 1] === undefined && values[at + 1] === undefined;
  return (
    <ChartFigure
      {...props}
      height={height}
      legend={series.length > 1 ? <LineLegend names={series.map(({ name }) => name)} /> : null}
    >
      <LeftAxis ticks={y.ticks(5)} y={y} unit={unit} />
      <BottomAxis labels={labels} x={x} top={base} name={labelName} />
      {series.map(({ values }, at) => (
        <g>
          <path
            class={`line s${look(at) + 1}`}
            stroke-dasharray={dashes[look(at)] || undefined}
            d={path([...values]) ?? ""}
          />
          {values.map((value, index) =>
            value !== undefined && (labels.length <= mostSigns || isAlone(values, index)) ? (
              <Sign at={at} x={x(index)} y={y(value)} />
            ) : null,
          )}
        </g>
      ))}
    </ChartFigure>
  );
}

function LineLegend({ names }: { names: readonly string[] }) {
  return (
    <ul class="legend">
      {names.map((name, at) => (
        <li>
          <svg viewBox="0 0 36 14" width="36" height="14" aria-hidden="true">
            <path
              class={`line s${look(at) + 1}`}
              stroke-dasharray={dashes[look(at)] || undefined}
              d="M1 7H35"
            />
            <Sign at={at} x={18} y={7} />
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}
