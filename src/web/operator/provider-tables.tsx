/** Tables of the page of one provider. */
import type { ProviderKey } from "#src/account/provider-key.ts";
import { withoutSecrets } from "#src/config/show.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import type { ProviderFacts } from "#src/web/operator/provider-facts.ts";
import { Moment } from "#src/web/people/form.tsx";
import { stateOf } from "#src/web/public/providers.tsx";
import { bases, modelPath, moment, reasons, State, unknown } from "#src/web/public/words.tsx";
import { type Column, type Sheet, SheetTable } from "#src/web/sheet.tsx";

type Region = ProviderFacts["described"]["regions"][number];

/** Regions with their grids and addresses. */
export function regionsOf(
  regions: readonly Region[],
  places: readonly Deployment[],
): Sheet<Region> {
  const placeOf = ({ id }: Region) => places.find(({ region }) => region === id);
  const columns: Column<Region>[] = [
    { name: "region", title: "Region", value: ({ id }) => id },
    { name: "callable", title: "Callable", value: ({ routable }) => routable },
    {
      name: "state",
      title: "State",
      why: "It cannot be called",
      value: ({ routable, status }) => (routable ? status : null),
      show: ({ status }) => <State of={stateOf(status)} />,
    },
    {
      name: "grid",
      title: "Grid, g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: (region) => region.grid_intensity_g_per_kwh,
    },
    {
      name: "grid_source",
      title: "Year and source",
      kind: "long",
      why: unknown.grid,
      value: ({ grid_year: year, grid_source: source, grid_assumption: assumed }) =>
        year === null ? null : `${year}, ${assumed ?? source ?? "source not given"}`,
    },
    {
      name: "basis",
      title: "Place is",
      why: "It cannot be called",
      value: (region) => {
        const basis = placeOf(region)?.basis;
        return basis === undefined ? null : bases[basis];
      },
    },
    {
      name: "address",
      title: "Address",
      kind: "long",
      why: "It cannot be called",
      value: (region) => {
        const address = placeOf(region)?.baseUrl;
        return address === undefined ? null : withoutSecrets(address);
      },
    },
  ];
  return { name: "regions", columns, rows: regions };
}

/** A model in a region: one circuit. */
type Slot = Region["models"][number] & { region: string };

const notSeen = "Nothing was seen in five minutes";
const slotColumns: readonly Column<Slot>[] = [
  {
    name: "model",
    title: "Model",
    value: ({ id }) => id,
    show: ({ id }) => <a href={modelPath(id)}>{id}</a>,
  },
  { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
  {
    name: "state",
    title: "Circuit",
    value: ({ status }) => status,
    show: ({ status }) => <State of={status} />,
  },
  {
    name: "reason",
    title: "Why",
    kind: "list",
    why: "Nothing is wrong with it",
    value: ({ reason }) => (reason === null ? null : reasons[reason]),
  },
  {
    name: "retry",
    title: "Asked again in, s",
    kind: "figure",
    value: (slot) => slot.retry_after_s,
  },
  {
    name: "since",
    title: "Since",
    why: "It was never otherwise",
    value: ({ since }) => (since === null ? null : moment(Date.parse(since))),
  },
  {
    name: "p50",
    title: "First byte, ms",
    kind: "figure",
    why: notSeen,
    value: (slot) => slot.latency_ms?.p50 ?? null,
  },
  {
    name: "p95",
    title: "95 of 100, ms",
    kind: "figure",
    why: notSeen,
    value: (slot) => slot.latency_ms?.p95 ?? null,
  },
  {
    name: "speed",
    title: "Tokens/s",
    kind: "figure",
    why: notSeen,
    value: (slot) => slot.throughput_tps?.p50 ?? null,
  },
  {
    name: "credentials",
    title: "By credential",
    kind: "list",
    why: "It has one",
    value: ({ credentials = [] }) =>
      credentials.length === 0
        ? null
        : credentials.map(({ id, status, reason }) =>
            reason === null ? `${id} ${status}` : `${id} ${status}: ${reasons[reason]}`,
          ),
  },
];

/** What requests found of each model in each region. */
export function Slots({ regions }: { regions: readonly Region[] }) {
  const rows = regions.flatMap(({ id, models }) => models.map((one) => ({ ...one, region: id })));
  return (
    <>
      <h2 id="health">Health</h2>
      {rows.length === 0 ? (
        <p>Nothing was asked of it since this process began.</p>
      ) : (
        <SheetTable
          caption="What requests of the last five minutes found, by model"
          sheet={{ name: "health", columns: slotColumns, rows: rows.slice(0, 200) }}
        />
      )}
    </>
  );
}

const keyColumns: readonly Column<ProviderKey>[] = [
  {
    name: "key",
    title: "Key",
    value: ({ label }) => label,
    show: ({ label, id }) => (
      <>
        {label}
        <br />
        <code class="small soft">{id}</code>
      </>
    ),
  },
  {
    name: "shown",
    title: "Ends with",
    kind: "short",
    value: ({ shown }) => shown,
    show: ({ shown }) => <code>{shown}</code>,
  },
  { name: "kind", title: "Kind", value: ({ kind }) => kind },
  { name: "state", title: "State", value: ({ disabled }) => (disabled ? "disabled" : "active") },
  { name: "weight", title: "Weight", kind: "figure", value: ({ weight }) => weight },
  {
    name: "rpm",
    title: "Requests/min",
    kind: "figure",
    why: "Without a limit",
    value: ({ rpmLimit }) => rpmLimit ?? null,
  },
  {
    name: "region",
    title: "Region",
    why: "Every region that the provider has",
    value: ({ region }) => region ?? null,
  },
  {
    name: "last_used",
    title: "Last used",
    why: "It was never used",
    value: ({ lastUsedAt }) => lastUsedAt ?? null,
    show: ({ lastUsedAt }) => <Moment at={lastUsedAt} why="" />,
  },
];

/** The operator's stored credentials of it. */
export function Keys({ keys }: { keys: readonly ProviderKey[] }) {
  return (
    <>
      <h2 id="keys">Stored keys</h2>
      {keys.length === 0 ? (
        <p>
          None is stored. <code>lowrouter provider key</code> stores one, sealed.
        </p>
      ) : (
        <SheetTable
          caption="The operator’s stored keys: of a secret only its ends are shown"
          sheet={{ name: "keys", columns: keyColumns, rows: keys }}
        />
      )}
    </>
  );
}
