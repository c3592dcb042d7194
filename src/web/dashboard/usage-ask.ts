import { isAtLeast, type Visitor } from "#src/account/people/person.ts";
import { type Grouping, type Order, orders } from "#src/ledger/rollups.ts";
import { dayOf, isDay } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { dayAt, type UsageFilter } from "#src/report/usage.ts";

/** What can be grouped by, in the order of columns, with their names. */
export const groupings = [
  ["day", "Day"],
  ["model", "Model"],
  ["creator", "Creator"],
  ["provider", "Provider"],
  ["region", "Region"],
  ["key", "Key"],
  ["user", "User"],
  ["maker", "Key made by"],
] as const satisfies readonly (readonly [Grouping, string])[];
export type Group = (typeof groupings)[number][0];

/** What a grouping is called above its column. */
export function titleOf(group: Group): string {
  return groupings.find(([name]) => name === group)?.[1] ?? group;
}

/** Filters of the address besides the days. */
export const filterNames = ["model", "provider", "region", "key", "user", "maker"] as const;
export type FilterName = (typeof filterNames)[number];

/** What the address asks for. */
export interface UsageAsk {
  groupBy: readonly Group[];
  order: Order;
  fromDay: string;
  toDay: string;
  filters: Partial<Record<FilterName, string>>;
  /** The member whose keys alone are meant, whatever the address says. */
  onlyMaker: string | undefined;
  account: string;
  /** The address names the account, and so do all that lead on from it. */
  namesAccount: boolean;
}

/** Most days of a report: a year and the day before it. */
const mostDays = 366;
const standardDays = 30;
const longestText = 300;
const dayMs = 86_400_000;

/** Reads the address. Throws `invalid_value` naming what cannot be answered. */
export function usageAskOf(query: URLSearchParams, visitor: Visitor, now: number): UsageAsk {
  const today = dayOf(now);
  const toDay = dayIn(query, "to") ?? today;
  const fromDay = dayIn(query, "from") ?? dayAt(toDay, 1 - standardDays);
  if (fromDay > toDay)
    throw wrong("from", `Cannot report from ${fromDay} to ${toDay}: the first day comes first`);
  if (Date.parse(toDay) - Date.parse(fromDay) >= mostDays * dayMs)
    throw wrong("from", `Cannot report more than ${mostDays} days: ${fromDay} to ${toDay} is more`);
  const seesAll = isAtLeast(visitor.role, "admin");
  const filters = filterNames.flatMap((name): [FilterName, string][] => {
    const value = query.get(name) ?? "";
    if (value === "" || (name === "maker" && !seesAll)) return [];
    if (value.length > longestText)
      throw wrong(name, `Cannot filter by this ${name}: ${longestText} characters are the most`);
    return [[name, value]];
  });
  return {
    groupBy: groupsIn(query),
    order: orderIn(query),
    fromDay,
    toDay,
    filters: Object.fromEntries(filters),
    onlyMaker: seesAll ? undefined : visitor.person.id,
    account: visitor.account.id,
    namesAccount: query.has("account"),
  };
}

/** What the ledger is asked about. */
export function filterOf(ask: UsageAsk): UsageFilter {
  const { filters, account, fromDay, toDay, onlyMaker } = ask;
  const { maker, ...rest } = filters;
  const of = onlyMaker ?? maker;
  return { account, ...rest, ...(of === undefined ? {} : { maker: of }), fromDay, toDay };
}

/** The ask as names and values of an address, with changes; undefined leaves out. */
export function searchOf(
  ask: UsageAsk,
  change: Partial<Record<FilterName | "format" | "group" | "sort", string | undefined>> = {},
): URLSearchParams {
  const pairs: [string, string | undefined][] = [
    ["account", ask.namesAccount ? ask.account : undefined],
    ["group", ask.groupBy.join(",")],
    ["from", ask.fromDay],
    ["to", ask.toDay],
    ["sort", ask.order === "cost" ? undefined : ask.order],
    ...filterNames.map((name): [string, string | undefined] => [name, ask.filters[name]]),
  ];
  const all = new Map([...pairs, ...Object.entries(change)]);
  return new URLSearchParams(
    [...all].flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** `group=day,model`, or once for each as a form sends it. */
function groupsIn(query: URLSearchParams): Group[] {
  const words = query
    .getAll("group")
    .flatMap((text) => text.split(","))
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const known = groupings.map(([name]) => name);
  const unknown = words.find((word) => !known.some((name) => name === word));
  if (unknown !== undefined)
    throw wrong(
      "group",
      `Cannot group by "${unknown.slice(0, 40)}": known are ${known.join(", ")}`,
    );
  return words.length === 0 ? ["model"] : known.filter((name) => words.includes(name));
}

function orderIn(query: URLSearchParams): Order {
  const word = query.get("sort") ?? "";
  const found = orders.find((one) => one === word);
  if (word !== "" && found === undefined)
    throw wrong("sort", `Cannot sort by "${word.slice(0, 40)}": known are ${orders.join(", ")}`);
  return found ?? "cost";
}

function dayIn(query: URLSearchParams, name: "from" | "to"): string | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  if (!isDay(text))
    throw wrong(name, `Cannot read "${text.slice(0, 20)}" as a day: 2026-01-31 is one`);
  return text;
}

function wrong(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}
