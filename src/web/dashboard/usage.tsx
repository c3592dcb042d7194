import type { RollupAnswer, Totals, UsageRow } from "#src/ledger/rollups.ts";
import type { BandShare } from "#src/report/eco-share.ts";
import { plus, sumOf } from "#src/report/totals.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { searchOf, titleOf, type UsageAsk } from "#src/web/dashboard/usage-ask.ts";
import { Charts } from "#src/web/dashboard/usage-charts.tsx";
import { type Choices, Chosen, Filters } from "#src/web/dashboard/usage-filters.tsx";
import { usageSheet } from "#src/web/dashboard/usage-sheet.tsx";
import {
  amount,
  bandWords,
  Estimated,
  type Names,
  orderWords,
  share,
} from "#src/web/dashboard/usage-words.tsx";
import { figure } from "#src/web/format.ts";
import { Limits, Table, Unknown } from "#src/web/layout.tsx";
import { Formats, SheetTable } from "#src/web/sheet.tsx";

/** Most rows of an export. */
export const mostExported = 50_000;

/** What was used, in any grouping, with charts. */
export function UsagePage(props: {
  guest: Pick<Guest, "visit" | "visitor" | "uncounted">;
  ask: UsageAsk;
  groups: RollupAnswer;
  days: readonly UsageRow[];
  bands: readonly BandShare[];
  names: Names;
  choices: Choices;
  currency: string;
}) {
  const { guest, ask, groups, days, names, currency } = props;
  const all = sumOf(days);
  const { rows, count } = groups;
  const sheet = usageSheet(ask, linesOf(rows, count, all), names, currency);
  return (
    <Desktop
      guest={guest}
      title="Usage"
      lead={
        <>
          {ask.fromDay} to {ask.toDay}, days in UTC.
          {ask.onlyMaker === undefined ? "" : " Requests of the keys that you made."}
        </>
      }
    >
      <Filters {...props} />
      <Chosen ask={ask} names={names} />
      <Sums totals={all} currency={currency} />
      {all.requests === 0 ? (
        <p>There is no request in these days that the filters leave.</p>
      ) : (
        <>
          <SheetTable
            caption={
              count > rows.length
                ? `The first ${rows.length} of ${figure(count)} combinations by ${orderWords[ask.order]}, and the others in one row`
                : `Usage by ${ask.groupBy.map(titleOf).join(", ").toLowerCase()}`
            }
            sheet={sheet}
          />
          <Formats path="/dashboard/usage" query={searchOf(ask)} />
          {count > mostExported ? (
            <p class="notice">
              JSON and CSV hold the first {figure(mostExported)} of {figure(count)} rows. Fewer days
              or a filter make them whole.
            </p>
          ) : null}
          <Charts {...props} />
          <Bands bands={props.bands} totals={all} />
        </>
      )}
    </Desktop>
  );
}

function linesOf(rows: readonly UsageRow[], count: number, all: Totals) {
  const others =
    count > rows.length
      ? [{ row: plus(all, sumOf(rows), -1), sums: `${figure(count - rows.length)} others` }]
      : [];
  return [...rows.map((row) => ({ row })), ...others, { row: all, sums: "Total" }];
}

function Sums({ totals, currency }: { totals: Totals; currency: string }) {
  return (
    <dl class="facts">
      <dt>Requests</dt>
      <dd>
        {figure(totals.requests)}, of them {figure(totals.errors)} not answered
      </dd>
      <dt>Tokens</dt>
      <dd>
        {figure(totals.inputTokens)} in ({figure(totals.cacheRead)} of them from a cache),{" "}
        {figure(totals.outputTokens)} out ({figure(totals.reasoning)} of them reasoning)
      </dd>
      <dt>Spend</dt>
      <dd>
        {amount(totals.cost)} {currency}
      </dd>
      <dt>On own provider keys</dt>
      <dd>
        {amount(totals.byokCost)} {currency}, our estimate of what the providers charge; no part of
        the spend
      </dd>
      <dt>Energy</dt>
      <dd>
        <Estimated totals={totals} name="energyWh" /> Wh
      </dd>
      <dt>Carbon</dt>
      <dd>
        <Estimated totals={totals} name="carbonG" /> g CO2e
      </dd>
      <dt>Without an estimate</dt>
      <dd>
        {figure(totals.withoutEco)} requests
        {totals.requests === 0 ? "" : `, ${share(totals.withoutEco, totals.requests)}`}; energy and
        carbon leave them out
      </dd>
    </dl>
  );
}

function Bands({ bands, totals }: { bands: readonly BandShare[]; totals: Totals }) {
  return (
    <>
      <h2>How well the estimates are known</h2>
      <Table
        caption="Requests, energy and carbon by accuracy, as the models’ sizes are rated now"
        head={
          <tr>
            <th scope="col">Accuracy</th>
            <th scope="col" class="n">
              Requests
            </th>
            <th scope="col" class="n">
              Share
            </th>
            <th scope="col" class="n">
              Wh
            </th>
            <th scope="col" class="n">
              g CO2e
            </th>
          </tr>
        }
      >
        {bands.map(({ band, requests, energyWh, carbonG }) => (
          <tr>
            <th scope="row">{bandWords[band]}</th>
            <td class="n">{figure(requests)}</td>
            <td class="n">{share(requests, totals.requests)}</td>
            <td class="n">{figure(energyWh)}</td>
            <td class="n">{figure(carbonG)}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">No estimate</th>
          <td class="n">{figure(totals.withoutEco)}</td>
          <td class="n">{share(totals.withoutEco, totals.requests)}</td>
          <td class="n">
            <Unknown why="There is none" />
          </td>
          <td class="n">
            <Unknown why="There is none" />
          </td>
        </tr>
      </Table>
      <Limits />
    </>
  );
}
