import type { Child } from "hono/jsx";
import type { Provider } from "#src/catalog/model.ts";
import { describeProvider } from "#src/http/describe.ts";
import type { HealthState } from "#src/provider/health.ts";
import { figure } from "#src/web/format.ts";
import { Page, type Visit } from "#src/web/layout.tsx";
import type { Source as Gateway } from "#src/web/public/offers.ts";
import {
  providerPath,
  retention,
  State,
  training,
  unknown,
  zeroRetention,
} from "#src/web/public/words.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** A provider as `/v1/providers` has it. */
export type Described = ReturnType<typeof describeProvider>;
interface ProviderRow {
  provider: Provider;
  described: Described;
}

/** Why there is no health of it. */
export const noConfiguration = "No credential for it is configured here";

/** Every provider of the catalogue and the configuration, those that can be called first. */
export function providerSheet({ app, services }: Gateway): Sheet<ProviderRow> {
  const rows = services.providers
    .map((provider) => ({ provider, described: describeProvider(provider, app, services) }))
    .toSorted(
      (a, b) =>
        Number(b.described.configured) - Number(a.described.configured) ||
        a.provider.name.localeCompare(b.provider.name),
    );
  const grids = ({ described }: ProviderRow) =>
    described.regions.flatMap(({ grid_intensity_g_per_kwh: grid }) => grid ?? []);
  const columns: Column<ProviderRow>[] = [
    {
      name: "id",
      title: "Provider",
      value: ({ provider }) => provider.id,
      show: ({ provider }) => <a href={providerPath(provider.id)}>{provider.name}</a>,
    },
    { name: "name", value: ({ provider }) => provider.name },
    {
      name: "headquarters",
      title: "Seat",
      why: "Not known",
      value: ({ provider }) => provider.headquarters ?? null,
    },
    { name: "configured", title: "Callable", value: ({ described }) => described.configured },
    {
      name: "status",
      title: "Status",
      why: noConfiguration,
      value: ({ described }) => (described.configured ? described.status : null),
      show: ({ described }) => <State of={stateOf(described.status)} />,
    },
    {
      name: "regions",
      title: "Regions",
      kind: "list",
      value: ({ described }) => described.regions.map(({ id }) => id),
    },
    {
      name: "cleanest_grid_g_per_kwh",
      title: "Grids, g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: (row) => (grids(row).length > 0 ? Math.min(...grids(row)) : null),
      show: (row) => {
        const [low, high] = [Math.min(...grids(row)), Math.max(...grids(row))];
        return low === high ? figure(low) : `${figure(low)} to ${figure(high)}`;
      },
    },
    {
      name: "dirtiest_grid_g_per_kwh",
      value: (row) => (grids(row).length > 0 ? Math.max(...grids(row)) : null),
    },
    {
      name: "trains_on_data",
      title: "Trains on data",
      why: unknown.policy,
      value: ({ provider }) => training(provider.dataPolicy),
    },
    {
      name: "prompts_kept",
      title: "Prompts kept",
      why: unknown.policy,
      value: ({ provider }) => retention(provider.dataPolicy),
    },
    {
      name: "zero_retention",
      title: "Zero retention",
      value: ({ provider }) => zeroRetention[provider.dataPolicy.zdr],
    },
  ];
  return { name: "providers", columns, rows };
}

/** A status of a description, as a state. */
export function stateOf(status: string): HealthState {
  return status === "ok" || status === "degraded" ? status : "unavailable";
}

/** Who can serve, where, on which grid, and what they do with what they are sent. */
export function ProvidersPage(props: { visit: Visit; sheet: Sheet<ProviderRow>; note: Child }) {
  const { visit, sheet, note } = props;
  const configured = sheet.rows.filter(({ described }) => described.configured).length;
  return (
    <Page
      visit={visit}
      title="Providers"
      about="Providers with their regions, grids and data policies."
    >
      <h1>Providers</h1>
      <p class="lead">
        {configured} of {sheet.rows.length} can be called here. A grid’s figure is the annual
        average of g CO2e per kWh where the provider computes.
      </p>
      {note}
      <SheetTable caption="Providers, those that can be called first" sheet={sheet} />
      <Formats path="/providers" />
    </Page>
  );
}
