import type { Endpoint, Model, PriceRow } from "#src/catalog/model.ts";
import type { Route } from "#src/provider/deployment.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { standingOf } from "#src/web/operator/catalogue-facts.ts";
import { Facts } from "#src/web/operator/fields.tsx";
import { operatorProviderPath } from "#src/web/operator/providers.tsx";
import { bases, modelPath, unknown } from "#src/web/public/words.tsx";
import { type Column, type Sheet, SheetTable, Source } from "#src/web/sheet.tsx";

/** One row of prices at one endpoint. */
interface Priced {
  endpoint: Endpoint;
  row: PriceRow;
  standing: "holds" | "scheduled" | "over";
}

const words = { holds: "in force", scheduled: "announced", over: "over" } as const;

/** One model of the catalogue: each endpoint, and every price with the day and the source of it. */
export function CatalogueModelPage(props: {
  guest: Guest;
  model: Model;
  routes: readonly Route[];
  day: string;
}) {
  const { guest, model, routes, day } = props;
  const prices = model.endpoints.flatMap((endpoint) =>
    endpoint.prices.map((row) => ({ endpoint, row, standing: standingOf(endpoint, row, day) })),
  );
  return (
    <Desktop guest={guest} title={model.id}>
      <p class="crumbs">
        <a href="/operator/catalogue">Catalogue</a>
      </p>
      <Facts
        of={[
          ["Name", model.name],
          ["Kind", model.kind],
          ["Status", model.status],
          ["Also called", model.aliases.length === 0 ? undefined : model.aliases.join(", ")],
          ["Source", model.source === "" ? undefined : <Source of={model.source} />],
          ["Read", model.read === "" ? undefined : model.read],
          ["Public page", <a href={modelPath(model.id)}>What everybody sees of it</a>],
        ]}
      />
      <h2 id="endpoints">Endpoints</h2>
      <SheetTable
        caption="Where it can be had, and where from here"
        sheet={endpointSheet(model, routes)}
      />
      <h2 id="prices">Prices</h2>
      {prices.length === 0 ? (
        <p>{unknown.price}.</p>
      ) : (
        <SheetTable caption="US dollars for a million tokens" sheet={priceSheet(prices)} />
      )}
    </Desktop>
  );
}

function endpointSheet(model: Model, routes: readonly Route[]): Sheet<Endpoint> {
  const callable = (endpoint: Endpoint) => [
    ...new Set(
      routes
        .filter((route) => route.endpoint.id === endpoint.id)
        .map(({ deployment }) => deployment.region),
    ),
  ];
  const columns: Column<Endpoint>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider,
      show: ({ provider }) => <a href={operatorProviderPath(provider)}>{provider}</a>,
    },
    {
      name: "upstream",
      title: "Its name there",
      kind: "long",
      value: ({ upstreamModel }) => upstreamModel,
      show: ({ upstreamModel }) => <code>{upstreamModel}</code>,
    },
    { name: "protocol", title: "Wire", value: ({ protocol }) => protocol },
    { name: "regions", title: "Regions", kind: "list", value: ({ regions }) => regions },
    { name: "basis", title: "Place is", value: ({ regionBasis }) => bases[regionBasis] },
    {
      name: "callable",
      title: "Callable in",
      kind: "list",
      why: "Not from here: no credential leads there",
      value: (endpoint) => {
        const found = callable(endpoint);
        return found.length === 0 ? null : found;
      },
    },
    {
      name: "ends",
      title: "Ends",
      kind: "short",
      why: "No end is announced",
      value: ({ deprecationDate }) => deprecationDate ?? null,
    },
  ];
  return { name: "endpoints", columns, rows: model.endpoints };
}

function priceSheet(rows: readonly Priced[]): Sheet<Priced> {
  const price = (
    name: string,
    title: string,
    of: (row: PriceRow) => string | undefined,
  ): Column<Priced> => ({
    name,
    title,
    kind: "figure",
    why: "None is given: the price of input or output holds",
    value: ({ row }) => of(row) ?? null,
  });
  const columns: Column<Priced>[] = [
    {
      name: "endpoint",
      title: "At",
      value: ({ endpoint }) => endpoint.provider,
      show: ({ endpoint: { provider, regions, variant } }) => (
        <>
          {provider}
          <br />
          <span class="small soft">
            {regions.join(", ")}
            {variant === undefined ? null : `, ${variant}`}
          </span>
        </>
      ),
    },
    {
      name: "standing",
      title: "State",
      kind: "short",
      value: ({ standing }) => words[standing],
      show: ({ standing }) => (
        <span class={standing === "scheduled" ? "warn" : undefined}>{words[standing]}</span>
      ),
    },
    {
      name: "from",
      title: "From",
      kind: "short",
      why: "The source gives no first day",
      value: ({ row }) => row.from ?? null,
    },
    price("input", "In", ({ input }) => input),
    price("output", "Out", ({ output }) => output),
    price("cache_read", "Cached", ({ cacheRead }) => cacheRead),
    price("cache_write", "Cache write", ({ cacheWrite }) => cacheWrite),
    {
      name: "tiers",
      title: "Long prompts",
      kind: "list",
      why: "They cost the same",
      value: ({ row: { tiers = [] } }) =>
        tiers.length === 0
          ? null
          : tiers.map(
              ({ aboveInputTokens: above, input, output }) =>
                `above ${above.toLocaleString("en-US")}: ${input} in, ${output} out`,
            ),
    },
    {
      name: "source",
      title: "Source",
      kind: "long",
      value: ({ row }) => row.source,
      show: ({ row }) => <Source of={row.source} />,
    },
    {
      name: "read",
      title: "Read",
      kind: "short",
      why: "The operator set it",
      value: ({ row }) => row.read || null,
    },
  ];
  return { name: "prices", columns, rows };
}
