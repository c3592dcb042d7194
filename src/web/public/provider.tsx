import type { Child } from "hono/jsx";
import { scopeOf } from "#src/eco/explain.ts";
import type { Model, PriceRow, Provider, ProviderRegion } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import { shownPrices } from "#src/catalog/shown-price.ts";
import { describeProvider } from "#src/http/describe.ts";
import { dayOf } from "#src/lib/clock.ts";
import { Page, type Visit } from "#src/web/layout.tsx";
import type { Source as Gateway } from "#src/web/public/offers.ts";
import { type Described, noConfiguration, stateOf } from "#src/web/public/providers.tsx";
import {
  modelPath,
  moment,
  placeBasis,
  reasons,
  retention,
  State,
  training,
  unknown,
  zeroRetention,
} from "#src/web/public/words.tsx";
import { moneyOf } from "#src/web/public/money.ts";
import { type Column, type Sheet, SheetTable, Source } from "#src/web/sheet.tsx";

type Region = Described["regions"][number];

/** One provider: regions with their grids and their basis, data policy, health, models. */
export function ProviderPage(props: {
  visit: Visit;
  provider: Provider;
  gateway: Gateway;
  note: Child;
}) {
  const { visit, provider, gateway, note } = props;
  const described = describeProvider(provider, gateway.app, gateway.services);
  const { dataPolicy: policy } = provider;
  const site = gateway.services.tables.datacenters.get(provider.id);
  const rows: [string, unknown][] = [
    ["Seat", provider.headquarters],
    ["Callable here", described.configured ? "yes" : "no: no credential for it is configured"],
    ["Status", described.configured ? <State of={stateOf(described.status)} /> : undefined],
    ["Speaks", [provider.protocol, ...(provider.alsoSpeaks ?? [])].join(", ")],
    ["Trains on data", training(policy) ?? "not published"],
    ["Prompts kept", retention(policy) ?? "not published"],
    ["Zero retention", zeroRetention[policy.zdr]],
    ["Source of the policy", <Source of={policy.source} />],
    ["Read", policy.read || provider.read || undefined],
    ["Status page", provider.statusPage && <Source of={provider.statusPage} />],
    ["Documentation", provider.docsUrl && <Source of={provider.docsUrl} />],
    ["Sites", site?.sites],
    [
      "Overhead of its data centres (PUE)",
      site?.pueMin === undefined
        ? undefined
        : `${site.pueMin} to ${site.pueMax}, ${site.year ?? "year not given"}`,
    ],
    ["Source of the sites", site && <Source of={site.source} />],
  ];
  return (
    <Page
      visit={visit}
      title={provider.name}
      about={`${provider.name}: regions, grids, data policy, health.`}
    >
      <p class="crumbs">
        <a href="/providers">Providers</a>
      </p>
      <h1>{provider.name}</h1>
      <p class="lead">
        <code>{provider.id}</code>
      </p>
      <dl class="facts">
        {rows.map(([name, value]) =>
          value === undefined ? null : (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ),
        )}
      </dl>
      <h2>Regions</h2>
      {note}
      <SheetTable
        caption={`Regions of ${provider.name}, with what is known of the place and its grid`}
        sheet={regionSheet(provider, described, gateway)}
      />
      <Asked described={described} />
      <h2>Models</h2>
      <SheetTable
        caption={`Models at ${provider.name}; ${moneyOf(gateway.app.config.billing).words}`}
        sheet={modelsAt(provider, gateway)}
      />
    </Page>
  );
}

function regionSheet(
  provider: Provider,
  described: Described,
  { app, services }: Gateway,
): Sheet<Region> {
  const known = (id: string): ProviderRegion | undefined =>
    provider.regions.find((one) => one.id === id);
  const place = (id: string) =>
    app.routes.deployments.find((one) => one.provider.id === provider.id && one.region === id);
  const grid = (id: string) => services.gridOf(provider.id, id);
  const columns: Column<Region>[] = [
    { name: "region", title: "Region", kind: "short", value: ({ id }) => id },
    {
      name: "native",
      title: "Provider’s name",
      why: "It has no name of its own for it",
      value: ({ id }) => known(id)?.native ?? null,
    },
    {
      name: "country",
      title: "Country",
      why: "Not disclosed, or several",
      value: ({ id }) => place(id)?.country ?? known(id)?.country ?? null,
    },
    {
      name: "basis",
      title: "Place is",
      why: "Not known",
      value: ({ id }) => {
        const basis = place(id)?.basis ?? known(id)?.basis;
        return basis === undefined ? null : placeBasis(basis, grid(id));
      },
    },
    {
      name: "grid",
      title: "Grid, g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: ({ id }) => grid(id)?.gPerKwh ?? null,
    },
    {
      name: "zone",
      title: "Zone and year",
      why: unknown.grid,
      value: ({ id }) => {
        const found = grid(id);
        return found ? `${found.zone} ${found.year}, ${found.basis}, ${scopeOf(found)}` : null;
      },
    },
    {
      name: "evidence",
      title: "Evidence",
      kind: "long",
      why: unknown.grid,
      value: ({ id }) => {
        const found = grid(id);
        const row = found?.rows[0]?.row;
        return row ? (found?.assumption ?? row.source) : null;
      },
    },
    {
      name: "health",
      title: "Health",
      why: noConfiguration,
      value: ({ routable, status }) => (routable ? status : null),
      show: ({ status }) => <State of={stateOf(status)} />,
    },
  ];
  return { name: "regions", columns, rows: described.regions };
}

/** What requests of the last minutes found; nothing where there were none. */
function Asked({ described }: { described: Described }) {
  const rows = described.regions.flatMap((region) =>
    region.models.map((model) => ({ region: region.id, ...model })),
  );
  if (rows.length === 0)
    return (
      <>
        <h2>Health</h2>
        <p>Nothing was asked of it since this process began.</p>
      </>
    );
  return (
    <>
      <h2>Health</h2>
      <SheetTable
        caption="What requests of the last five minutes found"
        sheet={{ name: "health", columns: healthColumns, rows }}
      />
    </>
  );
}

type Asked = Region["models"][number] & { region: string };
const notSeen = "Nothing was seen in five minutes";
const healthColumns: Column<Asked>[] = [
  {
    name: "model",
    title: "Model",
    value: ({ id }) => id,
    show: ({ id }) => <a href={modelPath(id)}>{id}</a>,
  },
  { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
  {
    name: "state",
    title: "State",
    value: ({ status }) => status,
    show: ({ status }) => <State of={status} />,
  },
  {
    name: "reason",
    title: "Why",
    why: "It is up",
    value: ({ reason }) => (reason === null ? null : reasons[reason]),
  },
  {
    name: "since",
    title: "Since",
    why: "It was never otherwise",
    value: ({ since }) => since && moment(Date.parse(since)),
  },
  {
    name: "first_byte_p50_ms",
    title: "First byte, ms",
    kind: "figure",
    why: notSeen,
    value: (row) => row.latency_ms?.p50 ?? null,
  },
  {
    name: "first_byte_p95_ms",
    title: "95 of 100, ms",
    kind: "figure",
    why: notSeen,
    value: (row) => row.latency_ms?.p95 ?? null,
  },
  {
    name: "tokens_per_second",
    title: "Tokens/s",
    kind: "figure",
    why: notSeen,
    value: (row) => row.throughput_tps?.p50 ?? null,
  },
];

/** Where a provider asks for different prices in its regions, the lowest. */
function modelsAt(provider: Provider, { app, services }: Gateway): Sheet<Model> {
  const day = dayOf(app.clock.now());
  const at = (model: Model) => model.endpoints.filter((one) => one.provider === provider.id);
  const lowest = (model: Model, of: (row: PriceRow) => string): number | null => {
    const prices = at(model).flatMap((endpoint) => {
      const row = pricesOn({ prices: shownPrices(endpoint.prices, app.config.billing) }, day);
      return row ? [Number(of(row))] : [];
    });
    return prices.length > 0 ? Math.min(...prices) : null;
  };
  return {
    name: "models",
    rows: services.models.filter((model) => at(model).length > 0),
    columns: [
      {
        name: "model",
        title: "Model",
        value: ({ id }) => id,
        show: ({ id }) => <a href={modelPath(id)}>{id}</a>,
      },
      {
        name: "input",
        title: "In, from",
        kind: "figure",
        why: unknown.price,
        value: (model) => lowest(model, (row) => row.input),
      },
      {
        name: "output",
        title: "Out, from",
        kind: "figure",
        why: unknown.price,
        value: (model) => lowest(model, (row) => row.output),
      },
      {
        name: "regions",
        title: "Regions",
        value: (model) => [...new Set(at(model).flatMap(({ regions }) => regions))],
      },
    ],
  };
}
