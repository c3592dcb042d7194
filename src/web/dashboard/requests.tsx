import type { ApiKey } from "#src/account/account.ts";
import type { DeletedKey } from "#src/account/deleted-keys.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import {
  mostDeletedShown,
  queryOf,
  type RequestFilter,
  statuses,
} from "#src/web/dashboard/requests-filter.ts";
import { type FoundRequests, mostExported } from "#src/web/dashboard/requests-find.ts";
import type { Guest } from "#src/web/dashboard/room.ts";
import { type Column, Formats, SheetTable } from "#src/web/sheet.tsx";
import { OneOf, type Option } from "#src/web/dashboard/one-of.tsx";

const path = "/dashboard/transactions";
/** Keys to choose between; another is asked for by its page. */
const mostChoices = 200;

/** What the filters can be set to. */
export interface Choices {
  models: readonly string[];
  providers: readonly string[];
  regions: readonly string[];
  keys: readonly ApiKey[];
  deleted: readonly DeletedKey[];
}

/** The list of requests, with its filters. */
export function RequestsPage(props: {
  guest: Guest;
  filter: RequestFilter;
  choices: Choices;
  found: FoundRequests;
  columns: readonly Column<Generation>[];
  isOwnOnly: boolean;
}) {
  const { guest, filter, choices, found, columns, isOwnOnly } = props;
  const { items, next, reached } = found;
  const query = queryOf(filter, guest.visitor.account.id);
  const span = `${filter.start} to ${filter.end}`;
  return (
    <Desktop
      guest={guest}
      title="Requests"
      lead={`Every request${isOwnOnly ? " of the keys that you made" : ""}, newest first. No prompt and no answer is kept.`}
    >
      <Filters filter={filter} choices={choices} accountId={guest.visitor.account.id} />
      {items.length === 0 ? (
        <p>
          {reached === undefined
            ? `No request from ${span} fits.`
            : "No request that fits was found so far."}
        </p>
      ) : (
        <SheetTable
          caption={`Requests, ${span}${filter.before === undefined ? "" : ", older ones"}`}
          sheet={{ name: "requests", columns, rows: items }}
        />
      )}
      {reached === undefined ? null : (
        <p>{`Looked back to ${rfc3339(reached).slice(0, 16).replace("T", " ")} UTC.`}</p>
      )}
      <nav class="pages" aria-label="Pages of the list">
        {filter.before === undefined ? null : <a href={`${path}?${query}`}>Newest</a>}
        {next === undefined ? null : (
          <a rel="next" href={`${path}?${withBefore(query, next)}`}>
            {reached === undefined ? "Older" : "Look further back"}
          </a>
        )}
      </nav>
      <Formats path={path} query={query} />
      <p class="small soft">
        {`At most ${mostExported.toLocaleString("en-US")} rows at a time: a CSV file that was cut is called requests-cut.csv, and JSON says is_cut, with next_before to go on from.`}
      </p>
    </Desktop>
  );
}

function withBefore(query: URLSearchParams, before: string): URLSearchParams {
  const next = new URLSearchParams(query);
  next.set("before", before);
  return next;
}

function Filters(props: { filter: RequestFilter; choices: Choices; accountId: string }) {
  const { filter, choices, accountId } = props;
  const keys = choices.keys
    .slice(0, mostChoices)
    .map(({ hash, name, label }): Option => [hash, `${name} (${label})`]);
  const deleted = choices.deleted
    .slice(0, mostDeletedShown)
    .map(({ hash, name }): Option => [hash, `${name || `${hash.slice(0, 12)}…`} (deleted)`]);
  return (
    <form class="filters" method="get" action={path}>
      <input type="hidden" name="account" value={accountId} />
      <label>
        From, UTC
        <br />
        <input type="date" name="start" value={filter.start} />
      </label>
      <label>
        To
        <br />
        <input type="date" name="end" value={filter.end} />
      </label>
      <label>
        Model
        <br />
        <input name="model" value={filter.model} list="models" autocomplete="off" size={24} />
      </label>
      <datalist id="models">
        {choices.models.map((id) => (
          <option value={id} />
        ))}
      </datalist>
      <OneOf name="provider" title="Provider" now={filter.provider} of={same(choices.providers)} />
      <OneOf name="region" title="Region" now={filter.region} of={same(choices.regions)} />
      <OneOf name="key" title="Key" now={filter.key} of={[...keys, ...deleted]} />
      <label>
        User
        <br />
        <input name="user" value={filter.user} autocomplete="off" size={14} />
      </label>
      <OneOf name="status" title="Status" now={filter.status} of={Object.entries(statuses)} />
      <button class="primary" type="submit">
        Show
      </button>
      <a class="button" href={path}>
        Clear
      </a>
    </form>
  );
}

function same(values: readonly string[]): Option[] {
  return values.map((value) => [value, value]);
}
