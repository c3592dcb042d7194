import type { HealthState, Standing } from "#src/provider/health.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import type { LiveState } from "#src/provider/live-grid.ts";
import { Page, type Visit } from "#src/web/layout.tsx";
import type { Source } from "#src/web/public/offers.ts";
import { modelPath, moment, providerPath, reasons, State } from "#src/web/public/words.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** A provider in a region, with what requests found there. */
interface PlaceRow {
  provider: string;
  name: string;
  region: string;
  state: HealthState;
  seen: readonly Standing[];
}

/** Every place that can be called, the worst first. */
export function statusSheet({ app }: Source): Sheet<PlaceRow> {
  const all = app.health.all();
  const places = distinctPlaces(app.routes.deployments).map(({ provider, region }): PlaceRow => ({
    provider: provider.id,
    name: provider.name,
    region,
    state: app.health.regionState(provider.id, region),
    seen: all.filter((one) => one.provider === provider.id && one.region === region),
  }));
  const rows = [...new Map(places.map((row) => [`${row.provider} ${row.region}`, row])).values()];
  const columns: Column<PlaceRow>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider,
      show: ({ provider, name }) => <a href={providerPath(provider)}>{name}</a>,
    },
    { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
    {
      name: "state",
      title: "State",
      value: ({ state }) => state,
      show: ({ state }) => <State of={state} />,
    },
    {
      name: "since",
      title: "Since",
      why: "It was never otherwise since this process began",
      value: ({ seen, state }) => sinceOf(seen, state),
    },
    {
      name: "models_asked",
      title: "Models asked",
      kind: "figure",
      value: ({ seen }) => seen.length,
    },
    {
      name: "models_ill",
      title: "Of them not up",
      kind: "figure",
      value: ({ seen }) => seen.filter(({ state }) => state !== "ok").length,
    },
  ];
  return { name: "status", columns, rows: rows.toSorted((a, b) => rank[b.state] - rank[a.state]) };
}

const rank: Record<HealthState, number> = { ok: 0, degraded: 1, unavailable: 2 };

/** Since when it is as it is: the first that fell ill while it is ill, the last that recovered while it is up. */
function sinceOf(seen: readonly Standing[], state: HealthState): string | null {
  const times = seen
    .filter((one) => (state === "ok") === (one.state === "ok"))
    .flatMap(({ since }) => since ?? []);
  if (times.length === 0) return null;
  return moment(state === "ok" ? Math.max(...times) : Math.min(...times));
}

/** What is up and what is not, as real requests found it. */
export function StatusPage(props: {
  visit: Visit;
  sheet: Sheet<PlaceRow>;
  live: readonly LiveState[];
  now: number;
}) {
  const { visit, sheet, live, now } = props;
  const { rows } = sheet;
  const ill = rows.filter(({ state }) => state !== "ok").length;
  const seen = rows.flatMap((row) => row.seen);
  return (
    <Page visit={visit} title="Status" about="What is up, by provider and region.">
      <h1>Status</h1>
      <p class="lead">{summary(rows.length, ill)}</p>
      <p>
        Found by the requests that pass, not by tests of our own: a place of which nothing was asked
        counts as up. A place is degraded while more than a tenth of the requests of five minutes
        fail, and down while it is left alone.
      </p>
      <SheetTable caption="Places, the worst first" sheet={sheet} />
      <Formats path="/status" />
      {seen.length === 0 ? null : (
        <>
          <h2>Models</h2>
          <SheetTable
            caption="What requests of the last five minutes found, by model"
            sheet={{ name: "models", columns, rows: seen }}
          />
        </>
      )}
      {live.length === 0 ? null : (
        <>
          <h2>Live grids</h2>
          <p>
            Looked at for routing by low carbon, and for a second figure. Recorded figures stay on
            annual averages, which also stand in for a grid that is not known now.
          </p>
          <SheetTable
            caption="Grids as they are now"
            sheet={{ name: "live-grids", columns: liveColumns(now), rows: live }}
          />
        </>
      )}
    </Page>
  );
}

function liveColumns(now: number): Column<LiveState>[] {
  const whyNone = "Nothing was told yet";
  return [
    { name: "zone", title: "Zone", value: ({ zone }) => zone },
    { name: "source", title: "Source", value: ({ source }) => source },
    { name: "used", title: "Used now", kind: "list", value: usedNow },
    {
      name: "g_per_kwh",
      title: "Told last, g/kWh",
      kind: "figure",
      why: whyNone,
      value: ({ reading }) => reading?.gPerKwh ?? null,
    },
    {
      name: "counts",
      title: "Basis, of",
      why: whyNone,
      value: ({ reading }) => (reading ? `${reading.basis}, ${reading.scope}` : null),
    },
    {
      name: "time",
      title: "Time",
      why: whyNone,
      value: ({ reading }) => (reading ? moment(reading.at) : null),
    },
    {
      name: "minutes_old",
      title: "Minutes old",
      kind: "figure",
      why: whyNone,
      value: ({ reading }) =>
        reading ? Math.max(0, Math.round((now - reading.at) / 60_000)) : null,
    },
    {
      name: "last_look",
      title: "Last look",
      kind: "list",
      value: ({ why }) => (why === undefined ? "went well" : `brought nothing: ${why}`),
    },
  ];
}

function usedNow({ state }: LiveState): string {
  if (state === "live") return "the live figure";
  const why = state === "stale" ? "what was told is over 2 hours old" : "nothing was told yet";
  return `the annual average: ${why}`;
}

function summary(places: number, ill: number): string {
  if (places === 0) return "No provider is configured: nothing can be called.";
  if (ill === 0) return `All ${places} places are up.`;
  return `${ill} of ${places} places ${ill === 1 ? "has" : "have"} trouble.`;
}

const notSeen = "Nothing was seen in five minutes";
const columns: Column<Standing>[] = [
  {
    name: "model",
    title: "Model",
    value: ({ model }) => model,
    show: ({ model }) => <a href={modelPath(model)}>{model}</a>,
  },
  { name: "provider", title: "Provider", value: ({ provider }) => provider },
  { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
  {
    name: "state",
    title: "State",
    value: ({ state }) => state,
    show: ({ state }) => <State of={state} />,
  },
  {
    name: "reason",
    title: "Why",
    why: "It is up",
    value: ({ reason }) => (reason === undefined ? null : reasons[reason]),
  },
  {
    name: "since",
    title: "Since",
    why: "It was never otherwise since this process began",
    value: ({ since }) => (since === undefined ? null : moment(since)),
  },
  {
    name: "p50",
    title: "First byte, ms",
    kind: "figure",
    why: notSeen,
    value: ({ latency }) => latency?.p50 ?? null,
  },
  {
    name: "p95",
    title: "95 of 100, ms",
    kind: "figure",
    why: notSeen,
    value: ({ latency }) => latency?.p95 ?? null,
  },
  {
    name: "speed",
    title: "Tokens/s",
    kind: "figure",
    why: notSeen,
    value: ({ throughput }) => throughput?.p50 ?? null,
  },
];
