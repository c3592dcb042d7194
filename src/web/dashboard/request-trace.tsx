import type { TraceEntry } from "#src/ledger/generation.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { bases } from "#src/web/public/words.tsx";

const decisions: Readonly<Record<TraceEntry["decision"], string>> = {
  selected: "answered",
  failed: "tried, failed",
  considered: "not needed",
  filtered: "left out",
};

/** Reasons that say too little by their name. The others are read as they stand. */
const reasons: Readonly<Record<string, string>> = {
  account_ignored: "the account ignores this provider",
  account_providers: "not among the account's providers",
  account_refused: "the provider refuses the account",
  after_provider_order: "after the order that was asked for",
  bad_answer: "its answer could not be read",
  best_balance: "best balance of price, speed and carbon",
  byok_free: "an own credential, free of the fee",
  carbon_budget: "more carbon than the budget leaves",
  cheapest_capable_model: "cheapest model that can do it",
  circuit_open: "failed too often lately",
  client_left: "the client left",
  connection_failed: "no connection",
  context_too_small: "the context is too small",
  cooling: "it asked for a pause",
  country_pin: "outside the country asked for",
  credential_refused: "the credential was refused",
  data_collection: "it may keep or use the data",
  eu_only: "outside the European Union",
  footprint_unknown: "its footprint is not known, and the carbon budget could not count it",
  hedged: "another answered first, and it was called off",
  high_carbon: "a grid of very high carbon goes last",
  key_budget: "the budget of the provider's credential is used up",
  key_budget_unpriced: "without a price, a budget cannot be kept",
  key_models: "not among the key's models",
  key_providers: "not among the key's providers",
  key_rate_limit: "the rate limit of the provider's credential is reached",
  last_resort: "nothing else was left",
  max_price: "dearer than the price asked for",
  misses_latency: "slower to begin than asked for",
  misses_throughput: "fewer tokens a second than asked for",
  no_credential: "no credential",
  not_in_order: "not in the order asked for",
  not_needed: "another was enough",
  not_offered: "the provider does not offer it there",
  not_zdr: "it retains data",
  only_route: "the only way to this model",
  outside_preferred_region: "outside the preferred region",
  price_lottery: "drawn, the cheaper the likelier",
  probing: "being tried again by another request",
  provider_full: "no free place at the provider",
  provider_ignored: "ignored by the request",
  provider_only: "not among the providers asked for",
  provider_order: "first in the order asked for",
  provider_pin: "not the provider asked for",
  region_only_assumed: "its region is only assumed, and a pin wants to know",
  region_pin: "outside the region asked for",
  smallest_capable_model: "smallest model that can do it",
  sticky: "served the conversation before",
  text_completions_only: "it completes text only",
  tie_drawn: "as good as another, drawn",
  timeout_connect: "no connection in time",
  timeout_first_byte: "no first byte in time",
  timeout_idle: "fell silent",
  timeout_total: "took too long",
  upstream_402_account: "the provider's account has no credit",
  waited_for_place: "waited for a free place",
  wrong_endpoint: "it serves this model at another endpoint",
  zone_pin: "outside the grid zone asked for",
};

/** A reason of the trace, in words. */
export function reasonOf(reason: string): string {
  if (Object.hasOwn(reasons, reason)) return reasons[reason] ?? reason;
  const status = /^upstream_(\d{3})$/.exec(reason)?.[1];
  return status === undefined ? reason.replaceAll("_", " ") : `the provider answered ${status}`;
}

/** Who was considered for a request, what became of them, and why. */
export function Trace({ trace, currency }: { trace: readonly TraceEntry[]; currency: string }) {
  if (trace.length === 0) return <p>No route was weighed.</p>;
  return (
    <Table
      caption="Places, in the order in which they were weighed and tried"
      head={
        <tr>
          <th scope="col">Provider</th>
          <th scope="col">Region</th>
          <th scope="col">Model</th>
          <th scope="col">Outcome</th>
          <th scope="col">Why</th>
          <th scope="col" class="n">
            Took, ms
          </th>
          <th scope="col">Credential</th>
        </tr>
      }
    >
      {trace.map((entry) => (
        <tr>
          <th scope="row">{entry.provider}</th>
          <td>
            {entry.region}
            {entry.basis === undefined ? null : (
              <>
                <br />
                <span class="small soft">{bases[entry.basis]}</span>
              </>
            )}
          </td>
          <td class="long">{entry.model}</td>
          <td class={classes[entry.decision]}>{decisions[entry.decision]}</td>
          <td class="list">
            {reasonOf(entry.reason)} <code class="small soft">{entry.reason}</code>
            {entry.grid === undefined ? null : (
              <>
                <br />
                <span class="small soft">{`grid counted ${entry.grid.basis}, ${entry.grid.scope}`}</span>
              </>
            )}
            <Billed entry={entry} currency={currency} />
            <More entry={entry} />
          </td>
          <td class="n">
            {entry.ms === undefined ? <Unknown why="Not timed by itself" /> : figure(entry.ms)}
          </td>
          <td class="list">
            {entry.credential === undefined ? (
              <Unknown why="There was no choice between credentials" />
            ) : (
              entry.credential
            )}
            {entry.is_byok ? " (the account's own)" : ""}
          </td>
        </tr>
      ))}
    </Table>
  );
}

const classes: Readonly<Record<TraceEntry["decision"], string | undefined>> = {
  selected: "good",
  failed: "bad",
  considered: undefined,
  filtered: undefined,
};

/** How many more there are of its kind that the trace does not name. */
function More({ entry: { and_more: more, decision } }: { entry: TraceEntry }) {
  if (more === undefined) return null;
  return (
    <>
      <br />
      <span class="small">{`and ${figure(more)} more, ${decisions[decision]}, not named here`}</span>
    </>
  );
}

/** What a request that was called off may cost the operator. */
function Billed({ entry, currency }: { entry: TraceEntry; currency: string }) {
  if (entry.may_cost === undefined) return null;
  return (
    <>
      <br />
      <span class="small">
        {`may cost ${figure(entry.may_cost)} ${currency} at the provider${entry.estimated ? ", estimated" : ""}; not charged`}
      </span>
    </>
  );
}
