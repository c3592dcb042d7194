/** Long: every widget of the first page behind the sign-in, in the order of the page. */
import type { Child } from "hono/jsx";
import type { Generation } from "#src/ledger/generation.ts";
import { toUnits } from "#src/ledger/money.ts";
import type { Totals, UsageRow } from "#src/ledger/rollups.ts";
import type { Balance } from "#src/ledger/transactions.ts";
import { type Burn, greenDays } from "#src/report/burn.ts";
import { type Baseline, gramsPer1k } from "#src/report/eco-share.ts";
import { sumOf } from "#src/report/totals.ts";
import { LineChart } from "#src/web/charts/line.tsx";
import { StackedChart } from "#src/web/charts/stacked.tsx";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import {
  amount,
  Estimated,
  estimated,
  noEstimate,
  share,
} from "#src/web/dashboard/usage-words.tsx";
import { figure } from "#src/web/format.ts";
import { Limits, Table, Unknown } from "#src/web/layout.tsx";
import { Moment } from "#src/web/people/form.tsx";
import { Formats } from "#src/web/sheet.tsx";

/** What the overview shows. */
export interface Overview {
  /** Absent for members, who see no billing. */
  money:
    | { balance: Balance; plan: "prepaid" | "metered"; spentThisMonth: number; burn: Burn }
    | undefined;
  /** The last thirty days, oldest first; also those without a request. */
  days: readonly { day: string; row: UsageRow | undefined }[];
  /** By model, the dearest first. */
  today: readonly UsageRow[];
  top: readonly UsageRow[];
  /** By model and methodology. */
  estimates: readonly UsageRow[];
  /** The model to compare with, as asked for. */
  compared: string;
  baseline: Baseline | undefined;
  /** Models whose size is known. */
  baselines: readonly string[];
  /** Wh per 1,000 tokens and the rest are estimates under this methodology. */
  methodology: string;
  requests: readonly Generation[];
  hasKey: boolean;
  canServe: boolean;
  currency: string;
}

const shownModels = 10;

/** The first page behind the sign-in. */
export function OverviewPage(props: { guest: Guest; outcome: Outcome; view: Overview }) {
  const { guest, outcome, view } = props;
  const { visit, visitor } = guest;
  const all = sumOf(view.days.flatMap(({ row }) => row ?? []));
  return (
    <Desktop
      guest={guest}
      outcome={outcome}
      title="Overview"
      lead={
        view.money === undefined
          ? `${visitor.account.name}, requests of the keys that you made`
          : visitor.account.name
      }
    >
      {view.canServe ? null : (
        <p class="notice bad">
          No provider has a credential, so that no request can be answered. Set one, such as{" "}
          <code>OPENAI_API_KEY</code>, in the environment of the gateway and start it again.
        </p>
      )}
      {view.hasKey ? null : <FirstKey origin={visit.origin} account={visitor.account.id} />}
      <ul class="cards">
        {view.money === undefined ? null : <Money money={view.money} currency={view.currency} />}
        <Card title="Spend, 30 days" value={<Headline of={all.cost} currency={view.currency} />}>
          Besides, {amount(all.byokCost)} {view.currency} on own provider keys, by our estimate.
        </Card>
        <Card
          title="Carbon, 30 days"
          value={
            <>
              <Estimated totals={all} name="carbonG" /> g CO2e
            </>
          }
        >
          An estimate, from <Estimated totals={all} name="energyWh" /> Wh.{" "}
          {all.requests === 0 ? null : <a href="#eco">What it says</a>}
        </Card>
        <Card title="Requests, 30 days" value={figure(all.requests)}>
          {all.requests === 0 ? "" : `${share(all.errors, all.requests)} not answered. `}
          {figure(all.inputTokens)} tokens in, {figure(all.outputTokens)} out, of it{" "}
          {figure(all.reasoning)} reasoning.
        </Card>
      </ul>
      {all.requests === 0 ? null : <Days view={view} />}
      <h2>Top models</h2>
      <Models
        caption="Usage of the last 30 days by model, the dearest first"
        rows={view.top}
        currency={view.currency}
        none="No request in the last 30 days."
      />
      {all.requests === 0 ? null : <Eco guest={guest} view={view} all={all} />}
      <h2>Today by model</h2>
      <Models
        caption="Usage of today, UTC, by model"
        rows={view.today}
        currency={view.currency}
        none="No request today, UTC."
      />
      <Recent requests={view.requests} currency={view.currency} />
      <Formats path="/dashboard" query={queryOf(guest, view)} />
    </Desktop>
  );
}

/** What the same address says besides the format. */
function queryOf({ visitor }: Guest, { compared }: Overview): URLSearchParams {
  const query = new URLSearchParams({ account: visitor.account.id });
  if (compared !== "") query.set("baseline", compared);
  return query;
}

function FirstKey({ origin, account }: { origin: string; account: string }) {
  return (
    <section class="notice" aria-labelledby="first-key">
      <h2 id="first-key">Your first request</h2>
      <p>Programs ask with a key. Its secret is shown once, when you make it. </p>
      <p>
        <a class="button primary" href={`/dashboard/keys?account=${account}`}>
          Make a key
        </a>
      </p>
      <p>Then, with the secret in place of the dots:</p>
      <pre tabindex={0}>
        <code>{`export LOWROUTER_API_KEY=lr_live_…
curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer $LOWROUTER_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "lowrouter/auto", "messages": [{"role": "user", "content": "Hello"}]}'`}</code>
      </pre>
    </section>
  );
}

function Card(props: { title: string; value: Child; children: Child }) {
  return (
    <li class="card">
      <h2>{props.title}</h2>
      <p class="figure">{props.value}</p>
      <p class="small soft">{props.children}</p>
    </li>
  );
}

/** An amount at a glance: from one unit on with two decimals, rounded down, and whole in its title. */
function Headline({ of, currency }: { of: number; currency: string }) {
  const whole = `${amount(of)} ${currency}`;
  if (Math.abs(toUnits(of)) < 1) return <>{whole}</>;
  const cents = Math.floor(of / nanoPerCent);
  return <span title={whole}>{`${short.format(cents / 100)} ${currency}`}</span>;
}

const nanoPerCent = 10_000_000;
const short = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

function Money({ money, currency }: { money: NonNullable<Overview["money"]>; currency: string }) {
  const { balance, plan, spentThisMonth, burn } = money;
  const month = `${amount(spentThisMonth)} ${currency} spent this month. `;
  if (plan === "metered")
    return (
      <Card title="Spent this month" value={<Headline of={spentThisMonth} currency={currency} />}>
        {amount(Math.round(burn.perDay))} {currency} a day over the last seven days. This account is
        metered: usage is recorded, and no credit runs out. Its balance is {amount(balance.balance)}{" "}
        {currency}.
      </Card>
    );
  return (
    <Card title="Balance" value={<Headline of={balance.balance} currency={currency} />}>
      {month}
      <Lasting burn={burn} balance={balance.balance} currency={currency} />{" "}
      <a href="/dashboard/credits">Credits</a>
    </Card>
  );
}

/** Beyond it a rate of seven days says nothing. */
const manyDays = 3652;

/** The band, in words and in a colour. */
function Lasting(props: { burn: Burn; balance: number; currency: string }) {
  const { burn, balance, currency } = props;
  const { perDay, daysLeft, band } = burn;
  if (balance <= 0) return <strong class="warn">Amber: the credit is used up.</strong>;
  if (daysLeft === undefined)
    return <strong class="good">Green: nothing was spent in the last seven days.</strong>;
  const days = daysLeft < 1 ? "less than a day" : `${figure(Math.floor(daysLeft))} days`;
  const lasts = daysLeft > manyDays ? "more than ten years" : days;
  return (
    <>
      <strong class={band === "green" ? "good" : "warn"}>
        {band === "green" ? "Green" : "Amber"}: lasts {lasts}
      </strong>{" "}
      at {amount(Math.round(perDay))} {currency} a day, the rate of the last seven days. Green is{" "}
      {greenDays} days and more.
    </>
  );
}

function Models(props: {
  caption: string;
  rows: readonly UsageRow[];
  currency: string;
  none: string;
}) {
  const { caption, rows, currency, none } = props;
  if (rows.length === 0) return <p>{none}</p>;
  const shown = rows.slice(0, shownModels);
  const others = rows.slice(shownModels);
  const all = sumOf(rows);
  return (
    <Table
      caption={caption}
      head={
        <tr>
          <th scope="col">Model</th>
          {["Requests", "Tokens in", "Tokens out", `Spend, ${currency}`, "Wh", "g CO2e"].map(
            (title) => (
              <th scope="col" class="n">
                {title}
              </th>
            ),
          )}
        </tr>
      }
    >
      {shown.map((row) => (
        <Line row={row}>
          {row.model === undefined || row.model === "" ? (
            <Unknown why="No route was chosen" />
          ) : (
            <a href={`/dashboard/usage?${new URLSearchParams({ group: "day", model: row.model })}`}>
              {row.model}
            </a>
          )}
        </Line>
      ))}
      {others.length === 0 ? null : <Line row={sumOf(others)}>{figure(others.length)} others</Line>}
      <Line row={all}>Total</Line>
    </Table>
  );
}

function Line({ row, children }: { row: Totals; children: Child }) {
  return (
    <tr>
      <th scope="row">{children}</th>
      <td class="n">{figure(row.requests)}</td>
      <td class="n">{figure(row.inputTokens)}</td>
      <td class="n">{figure(row.outputTokens)}</td>
      <td class="n">{amount(row.cost)}</td>
      <td class="n">
        <Estimated totals={row} name="energyWh" />
      </td>
      <td class="n">
        <Estimated totals={row} name="carbonG" />
      </td>
    </tr>
  );
}

function Eco({ guest, view, all }: { guest: Guest; view: Overview; all: Totals }) {
  const perThousand = gramsPer1k(view.estimates);
  const account = guest.url.searchParams.get("account");
  return (
    <section aria-labelledby="eco">
      <h2 id="eco">Energy and carbon of the last 30 days</h2>
      <dl class="facts">
        <dt>Energy</dt>
        <dd>
          <Estimated totals={all} name="energyWh" /> Wh
        </dd>
        <dt>Carbon</dt>
        <dd>
          <Estimated totals={all} name="carbonG" /> g CO2e
        </dd>
        <dt>Per 1,000 tokens</dt>
        <dd>
          {perThousand === undefined ? <Unknown why={noEstimate} /> : figure(perThousand)} g CO2e
        </dd>
        <dt>Without an estimate</dt>
        <dd>
          {figure(all.withoutEco)} requests
          {all.requests === 0 ? "" : `, ${share(all.withoutEco, all.requests)}`}
        </dd>
      </dl>
      <form class="filters" method="get" action="/dashboard#eco">
        {account === null ? null : <input type="hidden" name="account" value={account} />}
        <label>
          Compare with
          <br />
          <select name="baseline">
            <option value="">no model</option>
            {view.baselines.map((model) => (
              <option value={model} selected={model === view.compared}>
                {model}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Compare</button>
      </form>
      <Comparison view={view} />
      <Limits />
    </section>
  );
}

function Comparison({ view: { compared, baseline, methodology } }: { view: Overview }) {
  if (compared === "") return null;
  if (baseline === undefined)
    return (
      <p>
        There is no comparison with {compared}: its size is not known, or no request has an
        estimate.
      </p>
    );
  const { used, energyWh, carbonG } = baseline;
  const isHigher = carbonG.mid > used.carbonG && energyWh.mid > used.energyWh;
  return (
    <>
      <p>
        {isHigher ? (
          <strong>
            You saved {figure(carbonG.mid - used.carbonG)} g CO2e and{" "}
            {figure(energyWh.mid - used.energyWh)} Wh against {compared}.
          </strong>
        ) : (
          <>{compared} would not have used more.</>
        )}{" "}
        With as many tokens it would have used {figure(energyWh.mid)} Wh ({figure(energyWh.low)} to{" "}
        {figure(energyWh.high)}) and {figure(carbonG.mid)} g CO2e ({figure(carbonG.low)} to{" "}
        {figure(carbonG.high)}); you used {figure(used.energyWh)} Wh and {figure(used.carbonG)} g.
      </p>
      <p class="small">
        By methodology {methodology}, on the same grids, of the requests that have an estimate.
        Another model may need more or fewer tokens for the same work.
      </p>
    </>
  );
}

function Days({ view: { days, currency } }: { view: Overview }) {
  const labels = days.map(({ day }) => day);
  const common = { labelName: "Day", labels, unknown: noEstimate };
  return (
    <>
      <h2>The last 30 days</h2>
      <StackedChart
        {...common}
        limits={false}
        id="spend"
        title="Spend by day"
        unit={currency}
        series={[{ name: "Spend", values: days.map(({ row }) => toUnits(row?.cost ?? 0)) }]}
      />
      <LineChart
        {...common}
        id="carbon"
        title="Carbon by day"
        unit="g CO2e"
        series={[
          {
            name: "Carbon",
            values: days.map(({ row }) => (row === undefined ? 0 : estimated(row, "carbonG"))),
          },
        ]}
      />
      <p>
        <a href="/dashboard/usage">All usage, in any grouping</a>
      </p>
    </>
  );
}

function Recent({ requests, currency }: { requests: readonly Generation[]; currency: string }) {
  return (
    <>
      <h2>The last requests</h2>
      {requests.length === 0 ? (
        <p>No request yet.</p>
      ) : (
        <Table
          caption="The last requests, newest first"
          head={
            <tr>
              <th scope="col">When</th>
              <th scope="col">Model</th>
              <th scope="col">Place</th>
              <th scope="col">Status</th>
              <th scope="col" class="n">
                Spend, {currency}
              </th>
              <th scope="col" class="n">
                g CO2e
              </th>
            </tr>
          }
        >
          {requests.map((one) => (
            <tr>
              <th scope="row">
                <a href={`/dashboard/transactions/${encodeURIComponent(one.id)}`}>
                  <Moment at={one.createdAt} why="Not known" />
                </a>
              </th>
              <td class="long">
                {one.model ?? one.requestedModel ?? <Unknown why="No model was named" />}
              </td>
              <td>
                {one.provider === undefined ? (
                  <Unknown why="No route was chosen" />
                ) : (
                  `${one.provider} ${one.region ?? ""}`
                )}
              </td>
              <td>{one.status === "ok" ? "answered" : (one.errorCode ?? one.status)}</td>
              <td class="n">
                {one.cost === undefined ? (
                  <Unknown why="The price is not known" />
                ) : (
                  amount(one.cost)
                )}
              </td>
              <td class="n">
                {one.carbonG === undefined ? (
                  <Unknown why="There is no estimate for this request" />
                ) : (
                  figure(one.carbonG)
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <p>
        <a href="/dashboard/transactions">All requests</a>
      </p>
    </>
  );
}
