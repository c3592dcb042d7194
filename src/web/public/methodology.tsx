import { formulas, notMeasured } from "#src/eco/explain.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { gridRecord } from "#src/eco/publish.ts";
import type { Child } from "hono/jsx";
import { BarChart } from "#src/web/charts/bar.tsx";
import { figure } from "#src/web/format.ts";
import { Page, Table, type Visit } from "#src/web/layout.tsx";
import type { RegionFacts } from "#src/web/public/tables.tsx";
import { type Column, Formats, type Sheet, SheetTable, Source } from "#src/web/sheet.tsx";
import { unknown } from "#src/web/public/words.tsx";

/** The pages below the methodology, each a table. */
export const tablePages = {
  parameters: {
    title: "Parameters of models",
    lead: "Active and total parameters, in billions, as an interval where only a range is known. Accuracy speaks of this count alone, not of the grid.",
  },
  grid: {
    title: "Grid intensity",
    lead: "Annual averages, g CO2e per kWh, by country or grid zone. Basis: direct is what leaves the stack, lifecycle counts what came before too. Of: what is produced in a zone, or what is consumed there. The tables of the IEA are licensed and are not shipped; an operator may import one.",
  },
  regions: {
    title: "Regions",
    lead: "A region that covers several countries is the mean of their grids, weighted by their people. A place whose own grid is known uses that instead.",
  },
  zones: {
    title: "Providers and their grids",
    lead: "Which grid zone is taken for each region of each provider, and how that is known. A place that is only assumed says so.",
  },
  places: {
    title: "Data centres",
    lead: "Where providers say that they compute, or what is assumed, and the overhead of their data centres (PUE).",
  },
  measurements: {
    title: "Published measurements",
    lead: "Figures that others published, with the estimates for the same tokens beside them, so that it shows how far they lie apart.",
  },
  laboratory: {
    title: "Measured in a laboratory",
    lead: "Energy of the GPUs alone for one output token, many requests at a time, with what each methodology says of a model of that size. Part of no estimate.",
  },
} as const;

export type TableName = keyof typeof tablePages;

export function isTableName(name: string): name is TableName {
  return Object.hasOwn(tablePages, name);
}

const tableNames = Object.keys(tablePages).filter(isTableName);

/** How a number is made: formulas, coefficients, what is in it and what is not. */
export function MethodologyPage(props: {
  visit: Visit;
  methodologies: readonly Methodology[];
  used: string;
  regions: readonly RegionFacts[];
  /** With every version, also those on other grid tables. */
  tables: EcoTables;
  note?: Child;
}) {
  const { visit, methodologies, used, regions, tables, note } = props;
  const hasOthers = tables.methodologies.length > methodologies.length;
  return (
    <Page
      visit={visit}
      title="Methodology"
      about="How energy and carbon are estimated, with every table."
    >
      <h1>Methodology</h1>
      <p class="lead">
        Energy is estimated from the number of active parameters and of tokens; carbon is that
        energy times the annual grid intensity of the place that answered. Where either is not
        known, there is no figure.
      </p>
      <p>
        Every number can be made again by hand: <code>GET /v1/generation/{"{id}"}/eco</code> answers
        with all that one was made from, and these pages hold every table.
      </p>
      <p>
        <a href="/methodology/accuracy">How far off the estimates are</a> says it with numbers:
        beside measurements, and where the method is known to fail.
      </p>
      <h2>Not measured</h2>
      <ul>
        {notMeasured.map((what) => (
          <li>{what}</li>
        ))}
      </ul>
      {methodologies.map((record) => (
        <Record record={record} isUsed={record.version === used} />
      ))}
      {hasOthers ? (
        <>
          <h2>Versions</h2>
          <p>
            The same formulas stand on several grid tables: a request keeps the version that it was
            recorded under.
          </p>
          <SheetTable
            caption="Every version, with the source of its grid table"
            sheet={{
              name: "versions",
              columns: versionColumns(tables),
              rows: tables.methodologies,
            }}
          />
        </>
      ) : null}
      <h2>Grids of the regions</h2>
      {note}
      <p>{`Basis of these figures: ${statedOf(regions)}.`}</p>
      <BarChart
        id="grids"
        title="Grid intensity by region, annual average"
        unit="g CO2e per kWh"
        labelName="Region"
        valueName="Grid intensity"
        bars={regions.map(({ id, gPerKwh }) => ({ label: id, value: gPerKwh }))}
        unknown={unknown.grid}
      />
      <h2>Tables</h2>
      <ul>
        {tableNames.map((name) => (
          <li>
            <a href={`/methodology/${name}`}>{tablePages[name].title}</a>: {tablePages[name].lead}
          </li>
        ))}
      </ul>
    </Page>
  );
}

/** A version and the table that it stands on; of that, no value. */
function versionColumns(tables: EcoTables): Column<Methodology>[] {
  const of = (record: Methodology) => gridRecord(tables, record);
  return [
    {
      name: "version",
      title: "Version",
      kind: "long",
      value: ({ version }) => version,
      show: ({ version }) => <a href={`/v1/methodology/${version}`}>{version}</a>,
    },
    {
      name: "source",
      title: "Source",
      kind: "long",
      value: (record) => of(record)?.sources.join("; ") ?? "bundled with this program",
    },
    {
      name: "years",
      title: "Years",
      kind: "short",
      why: "As the table of grids says",
      value: (record) => {
        const found = of(record);
        if (found === undefined) return null;
        const { oldest_year: from, newest_year: to } = found;
        return from === to ? String(to) : `${from} to ${to}`;
      },
    },
    {
      name: "licence",
      title: "Licence",
      kind: "list",
      why: "As the table of grids says",
      value: (record) => of(record)?.licences ?? null,
    },
    {
      name: "values",
      title: "Values",
      value: (record) =>
        of(record)?.published === false ? "licensed, not published" : "published",
    },
  ];
}

/** What the figures of the regions count, each once. */
function statedOf(regions: readonly RegionFacts[]): string {
  const stated = regions.flatMap(({ basis, scope }) =>
    basis === undefined || scope === undefined ? [] : [`${basis}, ${scope}`],
  );
  return [...new Set(stated)].join("; ");
}

function Record({ record, isUsed }: { record: Methodology; isUsed: boolean }) {
  const { version, title, weights, includes, excludes, units, source, licence, read } = record;
  return (
    <>
      <h2 id={version}>
        {version}
        {isUsed ? ", used here" : ""}
      </h2>
      <p>{title}</p>
      <pre tabindex={0} aria-label={`Formula of ${version}`}>
        <code>{formulas[record.formula].join("\n")}</code>
      </pre>
      <Table
        caption={`Coefficients of ${version}`}
        head={
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="n">
              Value
            </th>
          </tr>
        }
      >
        {Object.entries(record.coefficients).map(([name, value]) => (
          <tr>
            <th scope="row">{name}</th>
            <td class="n">{String(value)}</td>
          </tr>
        ))}
        {Object.entries(weights).map(([name, value]) => (
          <tr>
            <th scope="row">weight of tokens: {name}</th>
            <td class="n">{String(value)}</td>
          </tr>
        ))}
      </Table>
      <dl class="facts">
        <dt>Units</dt>
        <dd>{units}</dd>
        <dt>In it</dt>
        <dd>{includes.join(", ")}</dd>
        <dt>Not in it</dt>
        <dd>{excludes.join(", ")}</dd>
        <dt>Source</dt>
        <dd>
          <Source of={source} />, {licence}, read {read}
        </dd>
        <dt>For programs</dt>
        <dd>
          <a href={`/v1/methodology/${version}`}>/v1/methodology/{version}</a>
        </dd>
      </dl>
    </>
  );
}

/** One table of the methodology, whole. */
export function TablePage<T>(props: {
  visit: Visit;
  name: TableName;
  sheet: Sheet<T>;
  children?: Child;
}) {
  const { visit, name, sheet, children } = props;
  const { title, lead } = tablePages[name];
  return (
    <Page visit={visit} title={title} about={lead}>
      <p class="crumbs">
        <a href="/methodology">Methodology</a>
      </p>
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      {children}
      <SheetTable caption={`${title}, ${figure(sheet.rows.length)} rows`} sheet={sheet} />
      <Formats path={`/methodology/${name}`} />
      <nav aria-label="Tables">
        <ul class="tags">
          {tableNames.map((other) => (
            <li>
              <a href={`/methodology/${other}`} aria-current={other === name ? "page" : undefined}>
                {tablePages[other].title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </Page>
  );
}
