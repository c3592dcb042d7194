import { toUnits } from "#src/ledger/money.ts";
import type { RollupAnswer, UsageRow } from "#src/ledger/rollups.ts";
import { dayAt } from "#src/report/usage.ts";
import { BarChart } from "#src/web/charts/bar.tsx";
import { LineChart } from "#src/web/charts/line.tsx";
import { StackedChart } from "#src/web/charts/stacked.tsx";
import { titleOf, type UsageAsk } from "#src/web/dashboard/usage-ask.ts";
import {
  estimated,
  type Names,
  noEstimate,
  orderWords,
  placeText,
  whyNoPlace,
} from "#src/web/dashboard/usage-words.tsx";

/** Combinations that are drawn. */
const bars = 10;

/** Spend, carbon and energy by day, and of the first combinations. */
export function Charts(props: {
  ask: UsageAsk;
  groups: RollupAnswer;
  days: readonly UsageRow[];
  names: Names;
  currency: string;
}) {
  const { ask, groups, days, names, currency } = props;
  const labels = daysOf(ask);
  const byDay = new Map(days.map((row) => [row.day, row]));
  const values = (of: (row: UsageRow) => number | undefined) =>
    labels.map((day) => {
      const row = byDay.get(day);
      return row === undefined ? 0 : of(row);
    });
  const top = groups.rows.slice(0, bars);
  const label = (row: UsageRow) =>
    ask.groupBy
      .map((group) => {
        const value = row[group] ?? "";
        return value === "" ? whyNoPlace[group] : placeText(group, value, names);
      })
      .join(", ");
  const common = { labelName: "Day", labels, unknown: noEstimate };
  const isByDay = ask.groupBy.length === 1 && ask.groupBy[0] === "day";
  return (
    <>
      <h2>By day</h2>
      <StackedChart
        {...common}
        limits={false}
        id="spend"
        title="Spend by day"
        unit={currency}
        series={[{ name: "Spend", values: values((row) => toUnits(row.cost)) }]}
      />
      <LineChart
        {...common}
        id="carbon"
        title="Carbon by day"
        unit="g CO2e"
        series={[{ name: "Carbon", values: values((row) => estimated(row, "carbonG")) }]}
      />
      <LineChart
        {...common}
        id="energy"
        title="Energy by day"
        unit="Wh"
        series={[{ name: "Energy", values: values((row) => estimated(row, "energyWh")) }]}
      />
      {isByDay ? null : (
        <>
          <h2>
            The first {top.length} by {orderWords[ask.order]}
          </h2>
          <BarChart
            id="group-spend"
            limits={false}
            title="Spend"
            unit={currency}
            labelName={ask.groupBy.map(titleOf).join(", ")}
            valueName="Spend"
            unknown={noEstimate}
            bars={top.map((row) => ({ label: label(row), value: toUnits(row.cost) }))}
          />
          <BarChart
            id="group-carbon"
            title="Carbon"
            unit="g CO2e"
            labelName={ask.groupBy.map(titleOf).join(", ")}
            valueName="Carbon"
            unknown={noEstimate}
            bars={top.map((row) => ({ label: label(row), value: estimated(row, "carbonG") }))}
          />
        </>
      )}
    </>
  );
}

/** Every day of the report, also those without a request. */
function daysOf({ fromDay, toDay }: UsageAsk): string[] {
  const days: string[] = [];
  for (let day = fromDay; day <= toDay; day = dayAt(day, 1)) days.push(day);
  return days;
}
