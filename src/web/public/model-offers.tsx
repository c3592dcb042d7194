import type { PriceRow } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import type { Standing } from "#src/provider/health.ts";
import { figure, tokens } from "#src/web/format.ts";
import type { ModelFacts } from "#src/web/public/model-facts.ts";
import type { Offer } from "#src/web/public/offers.ts";
import {
  moment,
  placeBasis,
  providerPath,
  Ranged,
  retention,
  State,
  training,
  unknown,
  zeroRetention,
} from "#src/web/public/words.tsx";
import { type Column, SheetTable } from "#src/web/sheet.tsx";

/** Where a model is served: on which grid, with which footprint, in which health. */
export function Places({ facts }: { facts: ModelFacts }) {
  const { offers, standings } = facts;
  const standing = ({ provider, region }: Offer): Standing | undefined =>
    standings.find((one) => one.provider === provider && one.region === region);
  const columns: Column<Offer>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider,
      show: ({ provider, providerName }) => <a href={providerPath(provider)}>{providerName}</a>,
    },
    { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
    { name: "basis", title: "Place is", value: ({ basis, grid }) => placeBasis(basis, grid) },
    {
      name: "grid",
      title: "Grid, g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: ({ grid }) => grid?.gPerKwh ?? null,
      show: ({ grid }) => (
        <>
          {figure(grid?.gPerKwh)}
          <br />
          <span class="soft small">
            {grid?.zone} {grid?.year}
            {grid === undefined ? "" : `, ${grid.basis}`}
            {grid?.assumption ? ", assumed" : ""}
          </span>
        </>
      ),
    },
    {
      name: "energy",
      title: "Wh/1K",
      kind: "figure",
      why: unknown.energy,
      value: ({ wh }) => wh?.mid ?? null,
      show: ({ wh, isMeasured }) => (
        <>
          {wh ? <Ranged of={wh} /> : null}
          {isMeasured ? <span class="soft small"> measured</span> : null}
        </>
      ),
    },
    {
      name: "carbon",
      title: "g/1K",
      kind: "figure",
      why: unknown.carbon,
      value: ({ carbon }) => carbon?.mid ?? null,
      show: ({ carbon }) => (carbon ? <Ranged of={carbon} /> : null),
    },
    {
      name: "health",
      title: "Health",
      why: (offer) => (offer.callable ? "Nothing was asked of it yet" : "It cannot be called here"),
      value: (offer) => (offer.callable ? (standing(offer)?.state ?? null) : null),
      show: (offer) => <Health of={standing(offer)} />,
    },
    { name: "callable", title: "Callable", value: ({ callable }) => callable },
  ];
  const counted = new Set(offers.flatMap(({ grid }) => grid?.basis ?? []));
  return (
    <>
      <SheetTable
        caption="Places, those that can be called first"
        sheet={{ name: "places", columns, rows: offers }}
      />
      {counted.size < 2 ? null : (
        <p class="small soft">
          These grids are not counted alike: a direct figure leaves out building and fuel, which a
          life-cycle figure has. Between them a small difference says nothing.
        </p>
      )}
    </>
  );
}

function Health({ of }: { of: Standing | undefined }) {
  if (of === undefined) return null;
  return (
    <>
      <State of={of.state} />
      {of.since === undefined ? null : <span class="soft small"> since {moment(of.since)}</span>}
      {of.latency === undefined ? null : (
        <>
          <br />
          <span class="soft small">first byte {figure(of.latency.p50)} ms</span>
        </>
      )}
    </>
  );
}

/** One row for each endpoint: prices and policies are the same in all of its regions. */
export function priceSheet({ offers, day, money }: ModelFacts) {
  const rows = [...new Map(offers.map((offer) => [offer.endpoint.id, offer])).values()];
  const regionsOf = ({ endpoint }: Offer) =>
    offers.flatMap((offer) => (offer.endpoint.id === endpoint.id ? [offer.region] : []));
  const now = ({ endpoint }: Pick<Offer, "endpoint">) => pricesOn(endpoint, day);
  const policy = ({ endpoint }: Offer) => endpoint.dataPolicy;
  const price = (
    name: string,
    title: string,
    of: (row: PriceRow) => string | undefined,
  ): Column<Offer> => ({
    name,
    title,
    kind: "figure",
    why: unknown.price,
    value: (offer) => {
      const row = now(offer);
      const value = row && of(row);
      return value === undefined ? null : Number(value);
    },
  });
  const columns: Column<Offer>[] = [
    {
      name: "provider",
      title: "Provider",
      value: ({ provider }) => provider,
      show: ({ provider, providerName, endpoint }) => (
        <>
          <a href={providerPath(provider)}>{providerName}</a>
          {endpoint.variant === undefined ? "" : `, ${endpoint.variant}`}
        </>
      ),
    },
    {
      name: "regions",
      title: "Regions",
      kind: "list",
      value: (offer) => [...new Set(regionsOf(offer))],
    },
    price("input", `${money.sign}/M in`, (row) => row.input),
    price("output", `${money.sign}/M out`, (row) => row.output),
    price("cache_read", `${money.sign}/M cached`, (row) => row.cacheRead),
    price("cache_write", `${money.sign}/M cache write`, (row) => row.cacheWrite),
    {
      name: "announced",
      title: "Changes and steps",
      value: ({ endpoint }) => changesOf(endpoint.prices, day, now({ endpoint })),
    },
    {
      name: "price_read",
      title: "Price read",
      kind: "short",
      why: (offer) => (now(offer) === undefined ? unknown.price : "The operator set it"),
      value: (offer) => now(offer)?.read || null,
    },
    {
      name: "context",
      title: "Context",
      kind: "figure",
      value: ({ endpoint }) => endpoint.contextWindow,
      show: ({ endpoint }) => tokens(endpoint.contextWindow),
    },
    {
      name: "quantization",
      title: "Weights",
      value: ({ endpoint }) => endpoint.quantization ?? null,
      why: "The provider does not say in which precision it serves",
    },
    {
      name: "trains",
      title: "Trains on data",
      why: unknown.policy,
      value: (offer) => training(policy(offer)),
    },
    {
      name: "retention",
      title: "Prompts kept",
      why: unknown.policy,
      value: (offer) => retention(policy(offer)),
    },
    { name: "zdr", title: "Zero retention", value: (offer) => zeroRetention[policy(offer).zdr] },
    {
      name: "deprecation",
      title: "Ends",
      why: "No end is announced",
      value: ({ endpoint }) => endpoint.deprecationDate ?? null,
    },
  ];
  return { name: "prices", columns, rows };
}

/** What is announced, and what long prompts cost. */
function changesOf(prices: readonly PriceRow[], day: string, now: PriceRow | undefined): string {
  const announced = prices.flatMap((row) =>
    row.from !== undefined && row.from > day
      ? [`from ${row.from}: ${row.input} in, ${row.output} out`]
      : [],
  );
  const steps = (now?.tiers ?? []).map(
    (tier) =>
      `above ${tokens(tier.aboveInputTokens)} of prompt: ${tier.input} in, ${tier.output} out`,
  );
  return [...announced, ...steps].join("; ") || "none";
}
