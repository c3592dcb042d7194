import type { Provider, ProviderRegion } from "#src/catalog/model.ts";
import { scopeOf } from "#src/eco/explain.ts";
import type { Grid } from "#src/eco/methodology.ts";
import type { Services } from "#src/http/services.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { placeBasis, providerPath, unknown } from "#src/web/public/words.tsx";
import { type Column, type Sheet, Source } from "#src/web/sheet.tsx";

/** What can be called, as far as places go. */
interface Routes {
  deployments: readonly Pick<Deployment, "provider" | "region">[];
}

/** A provider's region with the grid that is taken for it. */
interface ZoneRow {
  provider: Provider;
  region: ProviderRegion;
  grid: Grid | undefined;
}

/** Which zone is taken for each region of each provider, and how that is known. Those that the operator added, too. */
export function zoneSheet(
  { providers, gridOf }: Services,
  { deployments }: Routes,
): Sheet<ZoneRow> {
  const rows = providers.flatMap((provider) => {
    const known = new Set(provider.regions.map(({ id }) => id));
    const added = deployments.filter(
      (one) => one.provider.id === provider.id && !known.has(one.region),
    );
    const regions = [...new Set(added.map(({ region }) => region))].toSorted();
    return [
      ...provider.regions,
      ...regions.map((id): ProviderRegion => ({ id, basis: "operator-config" })),
    ].map((region) => ({ provider, region, grid: gridOf(provider.id, region.id) }));
  });
  const columns: Column<ZoneRow>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider.id,
      show: ({ provider }) => <a href={providerPath(provider.id)}>{provider.name}</a>,
    },
    { name: "region", title: "Region", kind: "short", value: ({ region }) => region.id },
    { name: "zone", title: "Zone", why: unknown.grid, value: ({ grid }) => grid?.zone ?? null },
    {
      name: "place_is",
      title: "Place is",
      value: ({ region, grid }) => placeBasis(region.basis, grid),
    },
    { name: "how", title: "How the zone is known", kind: "list", value: howOf },
    {
      name: "g_per_kwh",
      title: "g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: ({ grid }) => grid?.gPerKwh ?? null,
    },
    {
      name: "counts",
      title: "Year, basis, of",
      why: unknown.grid,
      value: ({ grid }) => (grid ? `${grid.year}, ${grid.basis}, ${scopeOf(grid)}` : null),
    },
    {
      name: "evidence",
      title: "Evidence",
      kind: "long",
      value: evidenceOf,
      show: (row) => <Source of={evidenceOf(row)} />,
    },
    { name: "read", title: "Read", kind: "short", value: ({ provider }) => provider.read },
  ];
  return { name: "zones", columns, rows };
}

/** Of a region that the provider is not known to have, the operator's word is all that there is. */
function evidenceOf({ provider, region }: ZoneRow): string {
  return provider.regions.includes(region) ? provider.source : "operator configuration";
}

function howOf({ region, grid }: ZoneRow): string {
  if (grid === undefined) return "nothing says where it computes";
  if (grid.assumption !== undefined) return grid.assumption;
  if (grid.zone === region.gridZone) return "the grid that this region stands on";
  if (grid.rows.length > 1) return "the mean of the region's countries, by their people";
  if (region.country !== undefined) return `its country, ${region.country}`;
  return "the region's one country";
}
