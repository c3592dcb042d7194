import { orders } from "#src/ledger/rollups.ts";
import {
  type FilterName,
  filterNames,
  groupings,
  searchOf,
  titleOf,
  type UsageAsk,
} from "#src/web/dashboard/usage-ask.ts";
import { type Names, orderWords, placeText } from "#src/web/dashboard/usage-words.tsx";

/** What there is to choose from. */
export type Choices = Record<Exclude<FilterName, "user">, readonly string[]>;

/** Filters that are on, each with the way to be rid of it. */
export function Chosen({ ask, names }: { ask: UsageAsk; names: Names }) {
  const on = filterNames.flatMap((name) => {
    const value = ask.filters[name];
    return value === undefined ? [] : [{ name, value }];
  });
  if (on.length === 0) return null;
  return (
    <ul class="tags" aria-label="Filters that are on">
      {on.map(({ name, value }) => (
        <li>
          {titleOf(name)}: {placeText(name, value, names)}{" "}
          <a href={`/dashboard/usage?${searchOf(ask, { [name]: undefined })}`}>
            remove<span class="said"> this filter by {titleOf(name).toLowerCase()}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** The form that makes the address. */
export function Filters({
  ask,
  names,
  choices,
}: {
  ask: UsageAsk;
  names: Names;
  choices: Choices;
}) {
  return (
    <form class="filters" method="get" action="/dashboard/usage">
      <AskFields ask={ask} names={names} choices={choices} />
      <label>
        Order by
        <br />
        <select name="sort">
          {orders.map((order) => (
            <option value={order} selected={order === ask.order}>
              {orderWords[order]}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="choices">
        <legend>Group by</legend>
        {groupings.map(([group, title]) => (
          <label>
            <input
              type="checkbox"
              name="group"
              value={group}
              checked={ask.groupBy.includes(group)}
            />{" "}
            {title}
          </label>
        ))}
      </fieldset>
      <button class="primary" type="submit">
        Show
      </button>
      <a class="button" href="/dashboard/usage">
        Clear
      </a>
    </form>
  );
}

/** A day of the form. */
function Day({ name, title, now }: { name: string; title: string; now: string }) {
  return (
    <label>
      {title}
      <br />
      <input type="date" name={name} value={now} />
    </label>
  );
}

/** One of several values, or any. */
function Choice(props: {
  name: FilterName;
  values: readonly string[];
  now: string;
  text(value: string): string;
}) {
  const { name, values, now, text } = props;
  return (
    <label>
      {titleOf(name)}
      <br />
      <select name={name}>
        <option value="">any</option>
        {(now === "" || values.includes(now) ? values : [now, ...values]).map((value) => (
          <option value={value} selected={value === now}>
            {text(value)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What usage is asked for: the account, the days and the places. */
export function AskFields({
  ask,
  names,
  choices,
}: {
  ask: UsageAsk;
  names: Names;
  choices: Choices;
}) {
  return (
    <>
      {ask.namesAccount ? <input type="hidden" name="account" value={ask.account} /> : null}
      <Day name="from" title="From" now={ask.fromDay} />
      <Day name="to" title="To" now={ask.toDay} />
      {filterNames.map((name) =>
        name === "user" ? (
          <label>
            User
            <br />
            <input type="text" name="user" value={ask.filters.user} maxlength={300} size={12} />
          </label>
        ) : name === "maker" && ask.onlyMaker !== undefined ? null : (
          <Choice
            name={name}
            values={choices[name]}
            now={ask.filters[name] ?? ""}
            text={(value) => placeText(name, value, names)}
          />
        ),
      )}
    </>
  );
}
