import { faultsAmong } from "#src/ledger/last-faults.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { daysSince, type ProviderFacts } from "#src/web/operator/provider-facts.ts";
import { moment, reasons, State } from "#src/web/public/words.tsx";
import { stateOf } from "#src/web/public/providers.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";
import { figure } from "#src/web/format.ts";

/** Path of a provider's page among the operator's. */
export function operatorProviderPath(id: string): string {
  return `/operator/providers/${encodeURIComponent(id)}`;
}

const notSeen = "Nothing was seen in five minutes";
const notCallable = "It cannot be called";

/** Providers with what leads to them and how they are. Times to the first byte in ms. */
export function providersSheet(rows: readonly ProviderFacts[], now: number): Sheet<ProviderFacts> {
  const columns: Column<ProviderFacts>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider.id,
      show: ({ provider: { id, name } }) => <a href={operatorProviderPath(id)}>{name}</a>,
    },
    { name: "configured", value: ({ described }) => described.configured },
    {
      name: "credential",
      title: "Credential",
      kind: "list",
      value: ({ found, keys, described }) => [
        ...found,
        ...keys.map(({ id }) => id),
        ...(described.configured && found.length + keys.length === 0 ? ["of the machine"] : []),
      ],
      show: (facts) => <Credential facts={facts} />,
    },
    { name: "to_set", value: ({ missing }) => missing ?? null },
    {
      name: "regions",
      title: "Regions, g/kWh",
      kind: "list",
      value: ({ described }) => regionWords(described.regions),
    },
    {
      name: "state",
      title: "State",
      why: notCallable,
      value: ({ described: { configured, status } }) => (configured ? status : null),
      kind: "list",
      show: ({ described }) => (
        <>
          <State of={stateOf(described.status)} />
          <br />
          <span class="small soft">{whyOf(described).join(", ")}</span>
        </>
      ),
    },
    {
      name: "reason",
      value: ({ described }) => {
        const why = whyOf(described);
        return why.length === 0 ? null : why;
      },
    },
    {
      name: "first_byte_p50_ms",
      title: "First byte, ms",
      kind: "figure",
      why: notSeen,
      value: ({ described }) => slowest(described)?.p50 ?? null,
    },
    {
      name: "first_byte_p95_ms",
      title: "95 of 100, ms",
      kind: "figure",
      why: notSeen,
      value: ({ described }) => slowest(described)?.p95 ?? null,
    },
    {
      name: "tokens_per_second",
      title: "Tokens/s",
      kind: "figure",
      why: notSeen,
      value: ({ described }) => slowestStream(described) ?? null,
    },
    {
      name: "in_flight",
      title: "In flight",
      kind: "figure",
      value: ({ described }) => described.in_flight.now,
      show: ({ described: { in_flight: crowd } }) => (
        <>
          {figure(crowd.now)}
          {crowd.limit === null ? null : ` of ${figure(crowd.limit)}`}
          {crowd.waiting === 0 ? null : `, ${figure(crowd.waiting)} wait`}
        </>
      ),
    },
    {
      name: "last_error",
      title: "Last error",
      kind: "list",
      why: `None among the last ${faultsAmong} requests`,
      value: ({ fault }) => fault?.reason ?? null,
      show: ({ fault }) => (
        <>
          <code>{fault?.reason}</code>
          <br />
          <span class="small soft">{moment(fault?.at ?? 0)}</span>
        </>
      ),
    },
    {
      name: "last_error_at",
      value: ({ fault }) => (fault === undefined ? null : moment(fault.at)),
    },
    {
      name: "prices_read",
      title: "Oldest price",
      kind: "short",
      why: "No price of it was read",
      value: ({ pricesRead }) => pricesRead ?? null,
      show: ({ pricesRead = "" }) => (
        <>
          {pricesRead}
          <br />
          <span class="small soft">{daysSince(pricesRead, now)} days ago</span>
        </>
      ),
    },
  ];
  return { name: "providers", columns, rows };
}

/** What leads to a provider, or what to set. */
export function Credential({ facts }: { facts: ProviderFacts }) {
  const { found, keys, missing, described } = facts;
  if (missing !== undefined)
    return (
      <>
        <span class="warn">not found</span>
        <br />
        <span class="small">
          set <code>{missing}</code>
        </span>
      </>
    );
  return (
    <>
      {found.map((name) => (
        <>
          <code>{name}</code>
          <br />
        </>
      ))}
      {keys.length === 0 ? null : `${keys.length} stored`}
      {found.length + keys.length === 0 && described.configured
        ? "none needed, or the machine’s own"
        : null}
    </>
  );
}

type Described = ProviderFacts["described"];

function regionWords(regions: Described["regions"]): string[] {
  return regions
    .filter(({ routable }) => routable)
    .map(({ id, grid_intensity_g_per_kwh: grid }) =>
      grid === null ? `${id} (grid not known)` : `${id} ${figure(grid)}`,
    );
}

function whyOf({ regions }: Described): string[] {
  const found = regions.flatMap(({ models }) => models.flatMap(({ reason }) => reason ?? []));
  return [...new Set(found)].map((reason) => reasons[reason]);
}

/** Times of the model that takes longest. */
function slowest({ regions }: Described): { p50: number; p95: number } | undefined {
  const seen = regions.flatMap(({ models }) => models.flatMap((one) => one.latency_ms ?? []));
  return seen.toSorted((a, b) => b.p95 - a.p95)[0];
}

function slowestStream({ regions }: Described): number | undefined {
  const seen = regions.flatMap(({ models }) =>
    models.flatMap((one) => one.throughput_tps?.p50 ?? []),
  );
  return seen.length === 0 ? undefined : Math.min(...seen);
}

/** Every provider that this gateway knows, and how it stands with each. */
export function ProvidersPage(props: {
  guest: Guest;
  outcome: Outcome;
  rows: readonly ProviderFacts[];
  now: number;
}) {
  const { guest, outcome, rows, now } = props;
  const query = guest.url.searchParams;
  const callable = rows.filter(({ described }) => described.configured);
  const others = rows.filter(({ described }) => !described.configured);
  const showAll = query.get("all") === "1" || callable.length === 0;
  const sheet = providersSheet(callable, now);
  return (
    <Desktop
      guest={guest}
      title="Providers"
      lead={
        callable.length === 0
          ? "No provider has a credential: nothing can be called."
          : `${callable.length} of ${rows.length} known providers can be called.`
      }
      outcome={outcome}
    >
      <p>
        Health is what requests through this process found in five minutes; times are those of the
        slowest model. Credentials are read from the environment and from credential files at the
        start; stored ones are kept with <code>lowrouter provider key</code> and count at once.
      </p>
      {callable.length === 0 ? null : (
        <SheetTable caption="Providers that can be called" sheet={sheet} />
      )}
      {showAll ? (
        <SheetTable
          caption="Providers that cannot be called, and what to set"
          sheet={missingSheet(others)}
        />
      ) : (
        <p>
          <a href="/operator/providers?all=1">
            {others.length} others that cannot be called, and what to set
          </a>
        </p>
      )}
      <Formats path="/operator/providers" />
    </Desktop>
  );
}

function missingSheet(rows: readonly ProviderFacts[]): Sheet<ProviderFacts> {
  return {
    name: "missing",
    rows,
    columns: [
      {
        name: "provider",
        title: "Provider",
        value: ({ provider }) => provider.id,
        show: ({ provider: { id, name } }) => <a href={operatorProviderPath(id)}>{name}</a>,
      },
      {
        name: "to_set",
        title: "Set",
        kind: "long",
        value: ({ missing }) => missing ?? "",
        show: ({ missing }) => <code>{missing}</code>,
      },
      {
        name: "stored",
        title: "Stored keys",
        kind: "figure",
        value: ({ keys }) => keys.length,
      },
    ],
  };
}
