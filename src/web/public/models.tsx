import type { Child } from "hono/jsx";
import { Page, type Visit } from "#src/web/layout.tsx";
import { Comparison } from "#src/web/public/comparison.tsx";
import {
  maxCompared,
  type ModelFilters,
  type ModelRow,
  pairsOf,
  type Sort,
  sorts,
} from "#src/web/public/model-filters.ts";
import type { Money } from "#src/web/public/money.ts";
import { modelSheet } from "#src/web/public/model-sheet.tsx";
import { Formats, SheetTable } from "#src/web/sheet.tsx";

const sortNames: Record<Sort, string> = {
  name: "name",
  price: "price of output",
  context: "longest context",
  energy: "least energy",
  carbon: "least carbon",
};

const accuracies = ["accurate", "medium", "gross", "unknown"] as const;

/** The model browser: every model with its price, context, regions and footprint; four of them side by side. */
export function ModelsPage(props: {
  visit: Visit;
  rows: readonly ModelRow[];
  filters: ModelFilters;
  regions: readonly string[];
  providers: readonly string[];
  money: Money;
  note?: Child;
}) {
  const { visit, rows, filters, money, note } = props;
  const sheet = modelSheet(rows, filters, money);
  const compared = filters.compare.flatMap((id) => rows.find(({ model }) => model.id === id) ?? []);
  const pairs = pairsOf(filters);
  return (
    <Page
      visit={visit}
      title="Models"
      about="Every model with its price, context, regions, and energy and carbon per 1,000 tokens."
    >
      <h1>Models</h1>
      <p class="lead">
        Prices are {money.words}, at the cheapest place that fits. Wh and g CO2e are for 1,000
        tokens of output, g at the cleanest and at the dirtiest place. Where a model’s size is not
        known, there is no figure.
      </p>
      {note}
      <Filters {...props} />
      {compared.length === 0 ? null : <Comparison rows={compared} money={money} />}
      <form method="get" action="/models">
        {pairs.map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        {compared.map(({ model }) =>
          sheet.rows.some((row) => row.model === model) ? null : (
            <input type="hidden" name="compare" value={model.id} />
          ),
        )}
        <SheetTable caption={`${sheet.rows.length} of ${rows.length} models`} sheet={sheet} />
        <button type="submit">Compare up to {maxCompared}</button>
      </form>
      <Formats path="/models" query={new URLSearchParams(pairs)} />
    </Page>
  );
}

function Filters(props: {
  rows: readonly ModelRow[];
  filters: ModelFilters;
  regions: readonly string[];
  providers: readonly string[];
  money: Money;
}) {
  const { rows, filters, regions, providers, money } = props;
  const distinct = (values: string[]) => [...new Set(values)].sort();
  return (
    <form class="filters" method="get" action="/models">
      <label>
        Name
        <br />
        <input type="search" name="q" value={filters.text} maxlength={100} />
      </label>
      <Choice
        name="author"
        title="Maker"
        values={distinct(rows.map(({ model }) => model.author))}
        now={filters.author}
      />
      <Choice
        name="capability"
        title="Can"
        values={distinct(rows.flatMap(({ capabilities }) => [...capabilities]))}
        now={filters.capability}
      />
      <Choice name="region" title="Region" values={regions} now={filters.region} />
      <Choice name="provider" title="Provider" values={providers} now={filters.provider} />
      <Choice
        name="accuracy"
        title="How well its size is known"
        values={accuracies}
        now={filters.accuracy}
      />
      <Most name="max_price" title={`Most ${money.sign}/M out`} now={filters.maxPrice} />
      <Most name="min_context" title="Least context, tokens" now={filters.minContext} />
      <Most name="max_g" title="Most g/1K" now={filters.maxCarbon} />
      <label>
        Order by
        <br />
        <select name="sort">
          {sorts.map((sort) => (
            <option value={sort} selected={sort === filters.sort}>
              {sortNames[sort]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input type="checkbox" name="routable" value="1" checked={filters.callable} /> Can be called
        now
      </label>
      {filters.compare.map((id) => (
        <input type="hidden" name="compare" value={id} />
      ))}
      <button class="primary" type="submit">
        Show
      </button>
      <a class="button" href="/models">
        Clear
      </a>
    </form>
  );
}

function Choice(props: { name: string; title: string; values: readonly string[]; now: string }) {
  const { name, title, values, now } = props;
  return (
    <label>
      {title}
      <br />
      <select name={name}>
        <option value="">any</option>
        {values.map((value) => (
          <option value={value} selected={value === now}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}

function Most({ name, title, now }: { name: string; title: string; now: number | undefined }) {
  return (
    <label>
      {title}
      <br />
      <input type="number" name={name} value={now} min="0" step="any" size={8} />
    </label>
  );
}
