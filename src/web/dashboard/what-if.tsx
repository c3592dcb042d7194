import {
  leftBy,
  scenarioWords,
  whatIfLimits,
  type WhatIfReport,
} from "#src/report/what-if-report.ts";
import { reasons, type Spot, type WhatIf, type WhatIfLine } from "#src/report/what-if.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { searchOf, type UsageAsk } from "#src/web/dashboard/usage-ask.ts";
import { AskFields, type Choices } from "#src/web/dashboard/usage-filters.tsx";
import { type Names, share } from "#src/web/dashboard/usage-words.tsx";
import { figure } from "#src/web/format.ts";
import { Limits, Table, Unknown } from "#src/web/layout.tsx";
import { Formats } from "#src/web/sheet.tsx";

/** Lines of a scenario on the page; the exports have all. */
const shownLines = 20;

/** The recorded traffic as it would have been elsewhere, on a smaller model, and without the cache. */
export function WhatIfPage(props: {
  guest: Pick<Guest, "visit" | "visitor" | "uncounted">;
  ask: UsageAsk;
  report: WhatIfReport;
  names: Names;
  choices: Choices;
}) {
  const { guest, ask, report, names, choices } = props;
  const { totals, scenarios } = report;
  return (
    <Desktop
      guest={guest}
      title="What if"
      lead={
        <>
          {ask.fromDay} to {ask.toDay}, days in UTC. Every figure on the right is an estimate of
          what was not done.
          {ask.onlyMaker === undefined ? "" : " Requests of the keys that you made."}
        </>
      }
    >
      <WhatIfFilters ask={ask} names={names} choices={choices} />
      {totals.requests === 0 ? (
        <p>There is no request in these days that the filters leave.</p>
      ) : (
        <>
          <Overview report={report} />
          <ul>
            {whatIfLimits.map((limit) => (
              <li>{limit}</li>
            ))}
          </ul>
          <Formats path="/dashboard/what-if" query={searchOf(ask, { group: undefined })} />
          {scenarios.map((one) => (
            <ScenarioPart one={one} requests={totals.requests} />
          ))}
          <Limits />
        </>
      )}
    </Desktop>
  );
}

function WhatIfFilters(props: { ask: UsageAsk; names: Names; choices: Choices }) {
  const { ask, names, choices } = props;
  return (
    <form class="filters" method="get" action="/dashboard/what-if">
      <AskFields ask={ask} names={names} choices={choices} />
      <button class="primary" type="submit">
        Show
      </button>
      <a class="button" href="/dashboard/what-if">
        Clear
      </a>
    </form>
  );
}

function Overview({ report: { totals, scenarios } }: { report: WhatIfReport }) {
  return (
    <Table
      caption="The same traffic otherwise: estimates, each of the requests that it covers"
      head={
        <tr>
          <th scope="col">What if</th>
          <th scope="col" class="n">
            Requests covered
          </th>
          <th scope="col" class="n">
            of them changed
          </th>
          <th scope="col" class="n">
            Recorded, Wh
          </th>
          <th scope="col" class="n">
            Estimate, Wh
          </th>
          <th scope="col" class="n">
            Recorded, g CO2e
          </th>
          <th scope="col" class="n">
            Estimate, g CO2e
          </th>
          <th scope="col" class="n">
            Change
          </th>
        </tr>
      }
    >
      {scenarios.map(({ scenario, covered, changed, recorded, after, left }) => (
        <tr>
          <th scope="row">
            <a href={`#${scenario}`}>{scenarioWords[scenario].title}</a>
          </th>
          <td class="n">
            {figure(covered)}, {share(covered, totals.requests)}
          </td>
          <td class="n">{figure(changed)}</td>
          {[recorded.energyWh, after.energyWh, recorded.carbonG, after.carbonG].map((value) => (
            <td class="n">{covered === 0 ? <Unknown why={whyNone(left)} /> : figure(value)}</td>
          ))}
          <td class="n">
            {covered === 0 ? (
              <Unknown why={whyNone(left)} />
            ) : (
              changeOf(recorded.carbonG, after.carbonG)
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Why a scenario covers nothing: what most of it was left out for. */
function whyNone(left: WhatIf["left"]): string {
  const [most] = leftBy({ left });
  return most === undefined ? "No request is covered" : reasons[most.reason];
}

function ScenarioPart({ one, requests }: { one: WhatIf; requests: number }) {
  const { scenario, lines, covered } = one;
  const { title, about } = scenarioWords[scenario];
  const shown = lines.slice(0, shownLines);
  const left = leftBy(one);
  return (
    <>
      <h2 id={scenario}>{title}</h2>
      <p>{about}</p>
      {shown.length === 0 ? (
        <p>No request of these is covered.</p>
      ) : (
        <Table
          caption={
            lines.length > shown.length
              ? `The ${shown.length} largest changes of ${figure(lines.length)}; estimates`
              : `${title}; estimates`
          }
          head={
            <tr>
              <th scope="col">Recorded at</th>
              <th scope="col">Would have been at</th>
              <th scope="col" class="n">
                Requests
              </th>
              <th scope="col" class="n">
                Recorded, g CO2e
              </th>
              <th scope="col" class="n">
                Estimate, g CO2e
              </th>
              <th scope="col">By</th>
            </tr>
          }
        >
          {shown.map((line) => (
            <Line line={line} />
          ))}
        </Table>
      )}
      {left.length === 0 ? (
        <p>It covers all {figure(covered)} requests.</p>
      ) : (
        <Table
          caption={`${title}: ${figure(requests - covered)} of ${figure(requests)} requests are left out`}
          head={
            <tr>
              <th scope="col">Why</th>
              <th scope="col" class="n">
                Requests
              </th>
              <th scope="col" class="n">
                Share
              </th>
            </tr>
          }
        >
          {left.map((some) => (
            <tr>
              <th scope="row">{reasons[some.reason]}</th>
              <td class="n">{figure(some.requests)}</td>
              <td class="n">{share(some.requests, requests)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function Line({ line }: { line: WhatIfLine }) {
  const { from, to, requests, recorded, after, methodology, lacks = [], cacheRead } = line;
  return (
    <tr>
      <th scope="row" class="long">
        {spotText(from)}
      </th>
      <td class="long">
        {to === undefined || isSame(from, to) ? "there" : spotText(to)}
        {lacks.length === 0 ? "" : `; it lacks ${lacks.join(", ")}`}
        {cacheRead === undefined ? "" : `, with ${figure(cacheRead)} cached tokens computed anew`}
      </td>
      <td class="n">{figure(requests)}</td>
      <td class="n">{figure(recorded.carbonG)}</td>
      <td class="n">{figure(after?.carbonG)}</td>
      <td class="short">{methodology}</td>
    </tr>
  );
}

function isSame(a: Spot, b: Spot): boolean {
  return a.model === b.model && a.provider === b.provider && a.region === b.region;
}

function spotText({ model, provider, region }: Spot): string {
  return `${model}, ${provider} in ${region}`;
}

/** The change of a sum in percent, with its sign. */
function changeOf(before: number, after: number): string {
  if (before === 0 || before === after) return "none";
  const percent = ((after - before) / before) * 100;
  const size = Math.abs(percent) < 0.1 ? "< 0.1" : String(Number(Math.abs(percent).toFixed(1)));
  return `${percent < 0 ? "−" : "+"}${size} %`;
}
