import { figure } from "#src/cli/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { tellUncounted, unsentRows } from "#src/cli/unsent.ts";
import { isDay } from "#src/lib/clock.ts";
import { versionedActivity } from "#src/ledger/rollups.ts";
import {
  activityColumns,
  activityRecord,
  dimensionNames,
  dimensionOf,
  toCsv,
} from "#src/report/activity.ts";

/** The `usage` command. */
export async function usageCommand(
  options: CommonOptions & {
    by: string[];
    from?: string;
    to?: string;
    account?: string;
    csv?: boolean;
  },
  output: Output,
): Promise<void> {
  if (options.json && options.csv)
    throw new CommandError("Cannot use --json with --csv: give one of them", 2);
  const groupBy = [...new Set(options.by)].map((word) => {
    const dimension = dimensionOf(word);
    if (dimension === undefined)
      throw new CommandError(`Cannot group by "${word}": give ${dimensionNames.join(", ")}`, 2);
    return dimension;
  });
  for (const [name, value] of [
    ["--from", options.from],
    ["--to", options.to],
  ] as const) {
    if (value !== undefined && !isDay(value))
      throw new CommandError(`Cannot use "${value}" for ${name}: give a day such as 2026-01-31`, 2);
  }
  if (options.from !== undefined && options.to !== undefined && options.from > options.to)
    throw new CommandError(
      `Cannot count from ${options.from} to ${options.to}: let --from be the earlier day`,
      2,
    );
  await withStore(options, async (store, config) => {
    const account =
      options.account === undefined ? undefined : (await accountBy(store, options.account)).id;
    const unsent = await unsentRows(store, config);
    const rows = await versionedActivity(
      store,
      { account, fromDay: options.from, toDay: options.to },
      groupBy,
    );
    tellUncounted(unsent, output, account);
    const records = rows.map((row) => activityRecord(row, groupBy));
    if (options.json) return printJson(output, { data: records });
    const columns = activityColumns(groupBy);
    if (options.csv) return output.out(toCsv(records, columns));
    if (records.length === 0) {
      output.err("Nothing was used in this period\n");
      return;
    }
    const headings = [
      ...groupBy.map(String),
      "requests",
      "tokens in",
      "tokens out",
      config.billing.currency,
      "Wh",
      "g CO2e",
      "no estimate",
    ];
    printTable(
      output,
      headings,
      rows.map((row, index) => [
        ...groupBy.map((dimension) => row[dimension] || "—"),
        String(row.requests),
        String(row.inputTokens),
        String(row.outputTokens),
        (records[index]?.usage ?? 0).toFixed(6),
        figure(records[index]?.energy_wh),
        figure(records[index]?.carbon_g),
        String(row.withoutEco),
      ]),
    );
  });
}
