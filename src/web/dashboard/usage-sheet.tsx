import type { UsageRow } from "#src/ledger/rollups.ts";
import { activityColumns, activityRecord } from "#src/report/activity.ts";
import { type Group, groupings, searchOf, type UsageAsk } from "#src/web/dashboard/usage-ask.ts";
import {
  amount,
  Estimated,
  type Names,
  placeText,
  share,
  whyNoPlace,
} from "#src/web/dashboard/usage-words.tsx";
import type { Column, Sheet } from "#src/web/sheet.tsx";

/** A line of the table: a combination, or the sum of several with its name. */
export interface UsageLine {
  row: UsageRow;
  /** What it sums, where it is no combination. */
  sums?: string;
}

/** The table of a page. */
export function usageSheet(
  ask: UsageAsk,
  lines: readonly UsageLine[],
  names: Names,
  currency: string,
): Sheet<UsageLine> {
  const { groupBy } = ask;
  const first = groupBy[0];
  const places = groupings
    .filter(([group]) => groupBy.includes(group))
    .map(([group, title]): Column<UsageLine> => ({
      name: group,
      title,
      kind: group === "day" ? "short" : "long",
      value: ({ row, sums }) => {
        if (sums !== undefined) return group === first ? sums : "";
        return row[group] === "" ? null : (row[group] ?? null);
      },
      why: whyNoPlace[group],
      show: ({ row, sums }) =>
        sums === undefined ? (
          <Place ask={ask} group={group} value={row[group] ?? ""} names={names} />
        ) : group === first ? (
          <strong>{sums}</strong>
        ) : (
          ""
        ),
    }));
  const sum = (
    name: string,
    title: string,
    value: (row: UsageRow) => number | null,
    show?: Column<UsageLine>["show"],
  ): Column<UsageLine> => ({
    name,
    title,
    kind: "figure",
    value: ({ row }) => value(row),
    ...(show === undefined ? {} : { show }),
  });
  return {
    name: "usage",
    rows: lines,
    columns: [
      ...places,
      sum("requests", "Requests", (row) => row.requests),
      sum("errors", "Not answered", (row) => row.errors),
      sum("prompt_tokens", "Input tokens", (row) => row.inputTokens),
      sum("completion_tokens", "Output tokens", (row) => row.outputTokens),
      sum("reasoning_tokens", "of it reasoning", (row) => row.reasoning),
      sum(
        "usage",
        `Spend, ${currency}`,
        (row) => row.cost,
        ({ row }) => amount(row.cost),
      ),
      sum(
        "byok_usage_inference",
        `On own provider keys, ${currency}`,
        (row) => row.byokCost,
        ({ row }) => amount(row.byokCost),
      ),
      sum(
        "energy_wh",
        "Wh",
        (row) => row.energyWh,
        ({ row }) => <Estimated totals={row} name="energyWh" />,
      ),
      sum(
        "carbon_g",
        "g CO2e",
        (row) => row.carbonG,
        ({ row }) => <Estimated totals={row} name="carbonG" />,
      ),
      sum(
        "without_estimate",
        "Without estimate",
        (row) => row.withoutEco,
        ({ row }) => share(row.withoutEco, row.requests),
      ),
    ],
  };
}

/** A place, which leads to itself alone where there is a filter for it. */
function Place(props: { ask: UsageAsk; group: Group; value: string; names: Names }) {
  const { ask, group, value, names } = props;
  const text = placeText(group, value, names);
  if (group === "day") return <time datetime={value}>{value}</time>;
  if (group === "creator") return <>{text}</>;
  return <a href={`/dashboard/usage?${searchOf(ask, { [group]: value })}`}>{text}</a>;
}

/** Columns of the export: the places with the names of keys and people, then the same as the API's. */
export function exportColumns(groupBy: readonly Group[]): string[] {
  return [...groupBy.flatMap((group) => placeNames[group]), ...activityColumns([])];
}

const placeNames: Record<Group, readonly string[]> = {
  day: ["date"],
  model: ["model"],
  creator: ["creator"],
  provider: ["provider"],
  region: ["region"],
  key: ["api_key_hash", "api_key_name"],
  user: ["user"],
  maker: ["created_by", "created_by_name"],
};

/** One line of the export. */
export function exportRecord(
  row: UsageRow,
  groupBy: readonly Group[],
  { keys, deleted, people }: Names,
): Record<string, unknown> {
  const places = groupBy.flatMap((group): [string, string | null][] => {
    const value = row[group] ?? "";
    const [id = group, name] = placeNames[group];
    const own: [string, string | null] = [id, value === "" ? null : value];
    if (name === undefined) return [own];
    const known =
      group === "key" ? (keys.get(value) ?? deleted.get(value))?.name : people.get(value);
    return [own, [name, known ?? null]];
  });
  return { ...Object.fromEntries(places), ...activityRecord(row, []) };
}
