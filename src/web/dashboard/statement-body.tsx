import type { Child } from "hono/jsx";
import { tokenClasses } from "#src/statement/amount.ts";
import {
  breakdowns,
  carbonEnds,
  coefficientLines,
  countOf,
  energyEnds,
  shareText,
  timeText,
  tokenWords,
} from "#src/statement/show.ts";
import type { Signed } from "#src/statement/sign.ts";
import type { Section, Statement } from "#src/statement/statement.ts";
import { Proof, Words } from "#src/web/dashboard/statement-proof.tsx";
import {
  GridTable,
  Head,
  MeasurementTable,
  PartTable,
  SizeTable,
  Sum,
} from "#src/web/dashboard/statement-tables.tsx";
import { WithoutEstimate } from "#src/web/dashboard/statement-without.tsx";
import { Table } from "#src/web/layout.tsx";
import { Source } from "#src/web/sheet.tsx";

/** A statement as it is read: the same in the dashboard and as a file. */
export function StatementBody({ signed, most }: { signed: Signed; most: number }) {
  return <>{statementParts(signed, most).map((part) => part())}</>;
}

/** Its parts, each of which can be written by itself: a long one takes its time. */
export function statementParts(signed: Signed, most: number): (() => Child)[] {
  const { statement } = signed;
  return [
    () => <Cover statement={statement} />,
    () => <Totals statement={statement} />,
    () => <Accounts statement={statement} most={most} />,
    () => (statement.sections.length > 1 ? <Change statement={statement} most={most} /> : null),
    ...statement.sections.map((section) => () => <SectionPart section={section} most={most} />),
    () => <WithoutEstimate statement={statement} most={most} />,
    () => <Words statement={statement} />,
    () => <Proof signed={signed} most={most} />,
  ];
}

function Cover({ statement }: { statement: Statement }) {
  const { scope, period, partial, made, sections } = statement;
  return (
    <>
      {partial ? (
        <p class="notice bad">
          <strong>Partial.</strong> The month was not over when this statement was made. It holds
          what there was on {timeText(made.at)}.
        </p>
      ) : null}
      <dl class="facts">
        <dt>{scope.kind === "account" ? "Account" : "Gateway"}</dt>
        <dd>{scope.kind === "account" ? `${scope.name} (${scope.id})` : "Every account of it"}</dd>
        <dt>Period</dt>
        <dd>
          {timeText(period.from)} to {timeText(period.to)}, the end excluded
        </dd>
        <dt>Made</dt>
        <dd>
          {timeText(made.at)} by LowRouter {made.version}, commit {made.commit}
        </dd>
        <dt>Methodologies</dt>
        <dd>{sections.map((one) => one.methodology_version).join(", ") || "none"}</dd>
      </dl>
    </>
  );
}

function Totals({ statement }: { statement: Statement }) {
  const { totals, without_estimate: without, period } = statement;
  const { energy, carbon } = totals;
  return (
    <>
      <h2 id="totals">Totals</h2>
      <Table
        caption="Totals of the month"
        head={<Head of={["Figure", "Sum", "Low to high, or share"]} />}
      >
        <tr>
          <th scope="row">Carbon, g CO2e</th>
          <td class="n">
            <Sum of={carbon?.g} />
          </td>
          <td class="n">{carbonEnds(totals)}</td>
        </tr>
        <tr>
          <th scope="row">Energy, Wh</th>
          <td class="n">
            <Sum of={energy?.wh} />
          </td>
          <td class="n">{energyEnds(totals)}</td>
        </tr>
        <CountRow name="Requests" count={totals.requests} />
        <CountRow name="Tokens" count={totals.tokens.total} />
        {tokenClasses.map((name) => (
          <CountRow name={tokenWords[name]} count={totals.tokens[name]} />
        ))}
        <CountRow
          name="Requests without an estimate"
          count={without.requests}
          share={without.share_of_requests}
        />
        <CountRow
          name="Tokens without an estimate"
          count={without.tokens}
          share={without.share_of_tokens}
        />
      </Table>
      <p>
        {energy === null || carbon === null
          ? "No request has an estimate: energy and carbon are unknown, not zero. "
          : `Exactly ${energy.wh} Wh and ${carbon.g} g CO2e. `}
        {period.belongs}
      </p>
      {totals.requests_without_interval === 0 ? null : (
        <p>
          {countOf(totals.requests_without_interval)} requests stand in low and high with their
          recorded figure: their interval is not known.
        </p>
      )}
    </>
  );
}

/** Who made the requests, in a statement of the whole gateway. */
function Accounts({ statement, most }: { statement: Statement; most: number }) {
  const { by, totals } = statement;
  return by.account === undefined ? null : (
    <>
      <h2 id="accounts">Accounts</h2>
      <PartTable by="account" parts={by.account} totals={totals} of="the whole month" most={most} />
    </>
  );
}

function CountRow(props: { name: string; count: number; share?: number | null }) {
  const { name, count, share } = props;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="n">{countOf(count)}</td>
      <td class="n">{share === undefined ? "" : shareText(share)}</td>
    </tr>
  );
}

function Change({ statement, most }: { statement: Statement; most: number }) {
  const { sections, by, totals } = statement;
  return (
    <>
      <h2 id="change">The methodology changed within the month</h2>
      <p>
        The figures of each methodology stand in a section of their own. Their boundaries differ: a
        sum over sections adds unlike figures.
      </p>
      <Table
        caption="Methodologies of the month"
        head={
          <Head
            of={[
              "Methodology",
              "First request",
              "Last request",
              "Requests",
              "Energy, Wh",
              "Carbon, g CO2e",
            ]}
            text={["First request", "Last request"]}
          />
        }
      >
        {sections.map((one) => (
          <tr>
            <th scope="row">
              <a href={`#${idOf(one)}`}>{one.methodology_version}</a>
            </th>
            <td>{timeText(one.first_request)}</td>
            <td>{timeText(one.last_request)}</td>
            <td class="n">{countOf(one.totals.requests)}</td>
            <td class="n">
              <Sum of={one.totals.energy?.wh} />
            </td>
            <td class="n">
              <Sum of={one.totals.carbon?.g} />
            </td>
          </tr>
        ))}
      </Table>
      <PartTable by="model" parts={by.model} totals={totals} of="the whole month" most={most} />
    </>
  );
}

function idOf({ methodology_version: version }: Section): string {
  return `by-${version.replace(/[^\w.-]/g, "-")}`;
}

function SectionPart({ section, most }: { section: Section; most: number }) {
  const { methodology, methodology_version: version } = section;
  return (
    <>
      <h2 id={idOf(section)}>By methodology {version}</h2>
      <p>{section.interval}</p>
      {breakdowns.map((by) => (
        <PartTable
          by={by}
          parts={section.by[by]}
          totals={section.totals}
          of={version}
          most={most}
        />
      ))}
      {section.parameters.length === 0 ? null : <SizeTable section={section} most={most} />}
      {section.measurements.length === 0 ? null : (
        <MeasurementTable section={section} most={most} />
      )}
      <GridTable section={section} most={most} />
      <h3>The methodology</h3>
      {methodology === null ? (
        <p>Its record is not bundled with the version that made this statement.</p>
      ) : (
        <Methodology of={methodology} version={version} />
      )}
    </>
  );
}

function Methodology(props: { of: NonNullable<Section["methodology"]>; version: string }) {
  const { of, version } = props;
  const numbers = [...coefficientLines(of.coefficients), ...coefficientLines(of.weights)];
  return (
    <>
      <p>{of.title}</p>
      <pre tabindex={0} aria-label={`Formula of ${version}`}>
        <code>{[...of.formula, "", ...numbers].join("\n")}</code>
      </pre>
      <dl class="facts">
        <dt>Units</dt>
        <dd>{of.units}</dd>
        <dt>In it</dt>
        <dd>{of.includes.join(", ")}</dd>
        <dt>Not in it</dt>
        <dd>{of.excludes.join(", ")}</dd>
        <dt>Source</dt>
        <dd>
          <Source of={of.source} />, {of.licence}, read {of.read}
        </dd>
      </dl>
    </>
  );
}
