import { catalogueDate } from "#src/catalog/date.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import type { CatalogueFilters, CatalogueRow } from "#src/web/operator/catalogue-facts.ts";
import { Facts, Pager } from "#src/web/operator/fields.tsx";
import { unknown } from "#src/web/public/words.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** Path of a model's page among the operator's. */
export function catalogueModelPath(id: string): string {
  return `/operator/catalogue/${id.split("/").map(encodeURIComponent).join("/")}`;
}

/** Models with today's prices, USD for a million tokens, and what will change. */
export function catalogueSheet(rows: readonly CatalogueRow[]): Sheet<CatalogueRow> {
  const range = (of: CatalogueRow["input"]) =>
    of && (of.low === of.high ? figure(of.low) : `${figure(of.low)} to ${figure(of.high)}`);
  const columns: Column<CatalogueRow>[] = [
    {
      name: "model",
      title: "Model",
      value: ({ model }) => model.id,
      show: ({ model }) => <a href={catalogueModelPath(model.id)}>{model.id}</a>,
    },
    { name: "kind", value: ({ model }) => model.kind },
    { name: "status", title: "Status", value: ({ model }) => model.status },
    { name: "endpoints", title: "Endpoints", kind: "figure", value: endpointsOf },
    { name: "routes", title: "Callable", kind: "figure", value: ({ routes }) => routes },
    { name: "input_low", value: ({ input }) => input?.low ?? null },
    { name: "input_high", value: ({ input }) => input?.high ?? null },
    { name: "output_low", value: ({ output }) => output?.low ?? null },
    { name: "output_high", value: ({ output }) => output?.high ?? null },
    {
      name: "input",
      title: "In, $/M",
      kind: "figure",
      why: unknown.price,
      value: ({ input }) => range(input) ?? null,
    },
    {
      name: "output",
      title: "Out, $/M",
      kind: "figure",
      why: unknown.price,
      value: ({ output }) => range(output) ?? null,
    },
    {
      name: "prices_read",
      title: "Prices read",
      kind: "short",
      why: unknown.price,
      value: ({ read }) =>
        read === undefined
          ? null
          : read.first === read.last
            ? read.first
            : `${read.first} to ${read.last}`,
    },
    {
      name: "next_change",
      title: "Next change",
      why: "None is announced",
      value: ({ scheduled: [next] }) =>
        next === undefined ? null : `${next.day} ${next.what === "end" ? "ends" : "new price"}`,
      show: ({ scheduled: [next] }) => (
        <span class="warn">
          {next?.day}, {next?.what === "end" ? "ends" : "new price"} at {next?.endpoint.provider}
        </span>
      ),
    },
    { name: "source", value: ({ model }) => model.source },
    { name: "read", value: ({ model }) => model.read },
  ];
  return { name: "catalogue", columns, rows };
}

function endpointsOf({ model }: CatalogueRow): number {
  return model.endpoints.length;
}

/** The catalogue as its keeper sees it: prices with their dates, and what will change. */
export function CataloguePage(props: {
  guest: Guest;
  filters: CatalogueFilters;
  /** Those of this page. */
  rows: readonly CatalogueRow[];
  total: number;
  next: string | undefined;
  providers: readonly string[];
  tables: EcoTables;
  methodology: string;
}) {
  const { guest, filters, rows, total, next, providers, tables, methodology } = props;
  const query = guest.url.searchParams;
  return (
    <Desktop
      guest={guest}
      title="Catalogue"
      lead="It comes with the program and is read-only: a newer release has newer prices. Prices and models of your own stand under [[models]] in the configuration file."
    >
      <Facts
        of={[
          ["Catalogue of", catalogueDate()],
          ...tables.methodologies.map(
            ({ version, read }) =>
              [
                `Methodology ${version}`,
                `${version === methodology ? "in use, " : ""}read ${read}`,
              ] as const,
          ),
          ["Tables", <a href="/methodology">Parameters, grids, regions, measurements</a>],
        ]}
      />
      <form class="filters" method="get" action="/operator/catalogue">
        <label>
          Name
          <br />
          <input type="search" name="q" value={filters.text} maxlength={100} />
        </label>
        <label>
          Provider
          <br />
          <select name="provider">
            <option value="">any</option>
            {providers.map((id) => (
              <option value={id} selected={id === filters.provider}>
                {id}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" name="routable" value="1" checked={filters.routable} /> Can be
          called now
        </label>
        <label>
          <input type="checkbox" name="changing" value="1" checked={filters.changing} /> A change is
          announced
        </label>
        <button class="primary" type="submit">
          Show
        </button>
        <a class="button" href="/operator/catalogue">
          Clear
        </a>
      </form>
      {rows.length === 0 ? (
        <p>No model is like this.</p>
      ) : (
        <SheetTable
          caption={`${rows.length} of ${total} models; US dollars for a million tokens, over all endpoints`}
          sheet={catalogueSheet(rows)}
        />
      )}
      <Pager path="/operator/catalogue" query={query} next={next} />
      <Formats path="/operator/catalogue" query={query} />
    </Desktop>
  );
}
