import { max } from "d3-array";
import { scaleBand, scaleLinear } from "d3-scale";
import { stack } from "d3-shape";
import { BottomAxis, LeftAxis, margin } from "#src/web/charts/axes.tsx";
import { ChartFigure, width } from "#src/web/charts/figure.tsx";
import { type ChartProps, hatchId, Hatches, looks, round } from "#src/web/charts/series.tsx";

const height = 300;

/** Columns in layers, one for each label, such as spend by day and model. What is not known adds nothing, and is told in the table. */
export function StackedChart(props: ChartProps) {
  const { id, labels, series, labelName, unit } = props;
  const base = height - margin.bottom;
  const layers = stack<number, number>()
    .keys(series.map((_, at) => at))
    .value((label, key) => series[key]?.values[label] ?? 0)(labels.map((_, at) => at));
  const most = max(layers.flatMap((layer) => layer.map(([, end]) => end))) ?? 0;
  const y = scaleLinear([0, most > 0 ? most : 1], [base, margin.top]).nice(5);
  const band = scaleBand(
    labels.map((_, at) => String(at)),
    [margin.left, width - margin.right],
  ).padding(labels.length > 60 ? 0 : 0.2);
  const left = (at: number) => band(String(at)) ?? margin.left;
  const breadth = round(band.bandwidth());
  return (
    <ChartFigure
      {...props}
      height={height}
      legend={
        series.length > 1 ? <StackLegend id={id} names={series.map(({ name }) => name)} /> : null
      }
    >
      <Hatches id={id} count={Math.min(looks, series.length)} />
      <LeftAxis ticks={y.ticks(5)} y={y} unit={unit} />
      {layers.map((layer, at) => (
        <path
          class="outline"
          fill={`url(#${hatchId(id, at)})`}
          d={layer
            .map(([start, end], index) =>
              end > start
                ? `M${round(left(index))} ${round(y(start))}V${round(y(end))}h${breadth}V${round(y(start))}z`
                : "",
            )
            .join("")}
        />
      ))}
      <BottomAxis
        labels={labels}
        x={(at) => left(at) + band.bandwidth() / 2}
        top={base}
        name={labelName}
      />
    </ChartFigure>
  );
}

function StackLegend({ id, names }: { id: string; names: readonly string[] }) {
  return (
    <ul class="legend">
      {names.map((name, at) => (
        <li>
          <svg viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
            <rect
              class="outline"
              x="1"
              y="1"
              width="16"
              height="12"
              fill={`url(#${hatchId(id, at)})`}
            />
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}
