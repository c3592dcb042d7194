import type { Child } from "hono/jsx";
import type { ChartProps } from "#src/web/charts/series.tsx";
import { figure } from "#src/web/format.ts";
import { Limits, Unknown } from "#src/web/layout.tsx";

/** Width of a drawing in its own units; a page scales it. */
export const width = 640;

/** A chart as a figure: title and unit, legend, drawing, the same numbers as a table, and what they leave out. */
export function ChartFigure(
  props: ChartProps & { height: number; legend?: Child; children: Child; extra?: Extra[] },
) {
  const { title, unit, height, legend, children } = props;
  return (
    <figure class="chart" id={props.id}>
      <figcaption>
        <strong>{title}</strong>, {unit}
      </figcaption>
      {legend}
      <div class="plot" role="region" aria-label={`Chart: ${title}`} tabindex={0}>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={`${title}, ${unit}. The same numbers are in the table below.`}
        >
          {children}
        </svg>
      </div>
      <details>
        <summary>The same numbers as a table</summary>
        <Numbers {...props} />
      </details>
      {props.limits === false ? null : <Limits />}
    </figure>
  );
}

/** A column of the table that is not drawn as a series, such as the ends of an interval. */
export interface Extra {
  name: string;
  values: readonly (number | undefined)[];
}

function Numbers({
  title,
  unit,
  labelName,
  labels,
  series,
  unknown,
  extra = [],
}: ChartProps & { extra?: Extra[] }) {
  const columns = [...series, ...extra];
  const caption = `${title}, ${unit}`;
  return (
    <div class="wide" role="region" aria-label={`Table: ${title}`} tabindex={0}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{labelName}</th>
            {columns.map(({ name }) => (
              <th scope="col" class="n">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, at) => (
            <tr>
              <th scope="row">{label}</th>
              {columns.map(({ values }) => {
                const value = values[at];
                return (
                  <td class="n">
                    {value === undefined ? <Unknown why={unknown} /> : figure(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
