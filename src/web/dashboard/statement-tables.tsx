import type { Child } from "hono/jsx";
import {
  byWords,
  carbonEnds,
  countOf,
  energyEnds,
  figureOf,
  intensityText,
  partName,
  rangeText,
} from "#src/statement/show.ts";
import { amountOf, amountRecord, sumOf } from "#src/statement/amount.ts";
import type { AmountRecord, GridUse, Part, Section } from "#src/statement/statement.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { Source } from "#src/web/sheet.tsx";

const noEstimate = "No request of these has an estimate";

/** A sum, or why there is none. */
export function Sum({ of }: { of: string | undefined }) {
  return of === undefined ? <Unknown why={noEstimate} /> : <>{figureOf(of)}</>;
}

/** The head of a table; columns after the first are figures unless they are text. */
export function Head({ of, text = [] }: { of: readonly string[]; text?: readonly string[] }) {
  return (
    <tr>
      {of.map((title, at) => (
        <th scope="col" class={at === 0 || text.includes(title) ? undefined : "n"}>
          {title}
        </th>
      ))}
    </tr>
  );
}

/** A breakdown, its largest parts each in a row, the rest in one, and the sum of all. */
export function PartTable(props: {
  by: keyof Section["by"];
  parts: readonly Part[];
  totals: AmountRecord;
  /** What it is a breakdown of. */
  of: string;
  most: number;
}) {
  const { by, parts, totals, of, most } = props;
  const shown = parts.slice(0, most);
  const rest = parts.slice(most);
  return (
    <Table
      caption={`By ${byWords[by].toLowerCase()}, ${of}`}
      head={
        <Head
          of={[
            byWords[by],
            "Carbon, g CO2e",
            "low to high",
            "Energy, Wh",
            "low to high",
            "Requests",
            "Tokens",
          ]}
        />
      }
    >
      {shown.map((part) => (
        <AmountRow name={partName(by, part)} amount={part} />
      ))}
      {rest.length === 0 ? null : (
        <AmountRow
          name={<strong>{countOf(rest.length)} others</strong>}
          amount={amountRecord(sumOf(rest.map(amountOf)))}
        />
      )}
      <AmountRow name={<strong>Total</strong>} amount={totals} />
    </Table>
  );
}

function AmountRow({ name, amount }: { name: Child; amount: AmountRecord }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="n">
        <Sum of={amount.carbon?.g} />
      </td>
      <td class="n">{amount.carbon === null ? "" : carbonEnds(amount)}</td>
      <td class="n">
        <Sum of={amount.energy?.wh} />
      </td>
      <td class="n">{amount.energy === null ? "" : energyEnds(amount)}</td>
      <td class="n">{countOf(amount.requests)}</td>
      <td class="n">{countOf(amount.tokens.total)}</td>
    </tr>
  );
}

/** The sizes that the figures of a section were made from. */
export function SizeTable({ section, most }: { section: Section; most: number }) {
  const { parameters, methodology_version: version } = section;
  return (
    <>
      <Table
        caption={`Sizes of the models, ${version}`}
        head={
          <Head
            of={["Model", "Active parameters, billions", "Total, billions", "Band", "Source"]}
            text={["Band", "Source"]}
          />
        }
      >
        {parameters.slice(0, most).map((one) => (
          <tr>
            <th scope="row">{one.model}</th>
            <td class="n">{rangeText(one.active_b)}</td>
            <td class="n">{rangeText(one.total_b)}</td>
            <td>{one.accuracy}</td>
            <td class="list">
              <Source of={one.source} />, {one.licence}
            </td>
          </tr>
        ))}
      </Table>
      <Cut all={parameters.length} most={most} />
    </>
  );
}

/** What the operator measured, where that took the place of the estimate. */
export function MeasurementTable({ section, most }: { section: Section; most: number }) {
  const { measurements, methodology_version: version } = section;
  return (
    <>
      <Table
        caption={`What was measured, ${version}`}
        head={
          <Head
            of={["Model", "Provider", "Wh for 1,000 tokens", "PUE", "Requests"]}
            text={["Provider"]}
          />
        }
      >
        {measurements.slice(0, most).map((one) => (
          <tr>
            <th scope="row">{one.model ?? "none chosen"}</th>
            <td>{one.provider ?? "none chosen"}</td>
            <td class="n">{String(one.wh_per_1k_tokens)}</td>
            <td class="n">{String(one.pue)}</td>
            <td class="n">{countOf(one.requests)}</td>
          </tr>
        ))}
      </Table>
      <Cut all={measurements.length} most={most} />
    </>
  );
}

/** The grid values that the figures of a section were made with. */
export function GridTable({ section, most }: { section: Section; most: number }) {
  const { grid, methodology_version: version } = section;
  return (
    <>
      <Table
        caption={`Grid rows used, ${version}`}
        head={
          <Head
            of={["Zone", "g CO2e/kWh", "Requests", "Year, basis, source and licence"]}
            text={["Year, basis, source and licence"]}
          />
        }
      >
        {grid.slice(0, most).map((one) => (
          <tr>
            <th scope="row">{one.zone}</th>
            <td class="n">{intensityText(one.g_per_kwh)}</td>
            <td class="n">{countOf(one.requests)}</td>
            <td class="list">
              {one.note ?? one.rows.map((row) => <GridLine row={row} count={one.rows.length} />)}
            </td>
          </tr>
        ))}
      </Table>
      <Cut all={grid.length} most={most} />
    </>
  );
}

function GridLine({ row, count }: { row: GridUse["rows"][number]; count: number }) {
  const share = count > 1 ? `${(row.weight * 100).toFixed(1)} % ` : "";
  return (
    <div>
      {`${share}${row.name} (${row.zone}) ${row.g_per_kwh}, ${row.year}, ${row.basis}, ${row.scope}; `}
      <Source of={row.source_url} words={row.source} />
      {`, ${row.licence}`}
    </div>
  );
}

function Cut({ all, most }: { all: number; most: number }) {
  return all <= most ? null : (
    <p class="small soft">
      The first {countOf(most)} of {countOf(all)}; the JSON form has all.
    </p>
  );
}
