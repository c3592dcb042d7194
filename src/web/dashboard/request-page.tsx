import type { Child } from "hono/jsx";
import type { Generation } from "#src/ledger/generation.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { generationRecord } from "#src/report/generation-record.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { EcoOf, type Explained } from "#src/web/dashboard/request-eco.tsx";
import { Trace } from "#src/web/dashboard/request-trace.tsx";
import { Ending, missing, promptOf, requestPath } from "#src/web/dashboard/requests-sheet.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { bases } from "#src/web/public/words.tsx";

const settlements: Readonly<Record<Generation["settlement"], string>> = {
  final: "by the token counts of the provider",
  estimated: "by our own token counts: the provider told none",
  waived: "nothing was charged",
  unknown: "the token counts are not known",
};

/** All about a request, for programs. */
export function requestRecord(
  { row, waits }: { row: Generation; waits: boolean },
  explained: Explained,
) {
  const { cost, costPrompt, costCompletion, upstreamCost, usdRate, isByok } = row;
  return {
    ...generationRecord(row),
    ...(waits ? { waits_for_database: true } : {}),
    token_classes: row.tokens ?? null,
    costs: {
      charged: units(cost),
      prompt: units(costPrompt),
      completion: units(costCompletion),
      upstream: units(upstreamCost),
      usd_rate: usdRate,
      is_byok: isByok,
    },
    region_basis: basisOf(row) ?? null,
    grid: row.gridGPerKwh === undefined ? null : { g_per_kwh: row.gridGPerKwh, zone: row.gridZone },
    eco_explanation: explained,
  };
}

/** All about a request. */
export function RequestPage(props: {
  guest: Guest;
  row: Generation;
  explained: Explained;
  currency: string;
  /** Whether its key is still there, and for the guest to see. */
  hasKey: boolean;
  /** Whether the database may not have it yet. */
  waits: boolean;
}) {
  const { guest, row, explained, currency, hasKey, waits } = props;
  const account = encodeURIComponent(row.accountId);
  return (
    <Desktop guest={guest} title="One request" lead={<Ending row={row} />}>
      <p class="crumbs">
        <a href={`/dashboard/transactions?account=${account}`}>Requests</a>
      </p>
      {waits ? (
        <p class="notice" role="status">
          The database does not have this request yet: it waits on the machine that answered it.
        </p>
      ) : null}
      <Figures row={row} currency={currency} />
      <Facts row={row} hasKey={hasKey} />
      <h2>Tokens and cost</h2>
      <Tokens row={row} />
      <Costs row={row} currency={currency} />
      <h2>Routing</h2>
      <Trace trace={row.trace} currency={currency} />
      <EcoOf row={row} explained={explained} />
      {row.rawUsage === undefined ? null : (
        <details>
          <summary>What the provider told of its usage</summary>
          <pre tabindex={0}>{row.rawUsage}</pre>
        </details>
      )}
      <p class="formats">
        The same as <a href={`${requestPath(row.id, row.accountId)}&format=json`}>JSON</a>.
      </p>
    </Desktop>
  );
}

/** What it comes down to, before how it came about. */
function Figures({ row, currency }: { row: Generation; currency: string }) {
  const { cost, carbonG, energyWh, tokens, latencyMs } = row;
  const count = tokens && promptOf(tokens) + tokens.outputVisible + tokens.reasoning;
  const of: [string, number | undefined, string, string][] = [
    ["Charged", cost === undefined ? undefined : toUnits(cost), currency, missing.cost],
    ["Carbon", carbonG, "g CO2e", missing.eco],
    ["Energy", energyWh, "Wh", missing.eco],
    ["Tokens", count, "", missing.tokens],
    [row.streamed ? "First byte after" : "Answered after", latencyMs, "ms", ""],
  ];
  return (
    <ul class="cards few">
      {of.map(([name, value, unit, why]) => (
        <li class="card">
          <p class="small soft">{name}</p>
          <p class="figure">
            {value === undefined ? <Unknown why={why} /> : `${figure(value)} ${unit}`.trim()}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Facts({ row, hasKey }: { row: Generation; hasKey: boolean }) {
  const basis = basisOf(row);
  const facts: [string, Child][] = [
    ["Accepted", <Moment at={row.createdAt} />],
    ["Sent to the end", <Moment at={row.completedAt} />],
    ["Asked for", row.requestedModel ?? <Unknown why="The request named no model" />],
    ["Answered by", row.model ?? <Unknown why={missing.model} />],
    ["Provider", row.provider ?? <Unknown why={missing.place} />],
    [
      "Region",
      row.region === undefined ? (
        <Unknown why={missing.place} />
      ) : (
        `${row.region}${basis === undefined ? "" : `, ${bases[basis]}`}`
      ),
    ],
    [
      "Key",
      <>
        {hasKey ? (
          <a
            href={`/dashboard/keys/${encodeURIComponent(row.keyId)}?account=${encodeURIComponent(row.accountId)}`}
          >
            {row.keyName}
          </a>
        ) : (
          row.keyName
        )}{" "}
        <code class="small soft">{row.keyId.slice(0, 12)}</code>
      </>,
    ],
    ["User", row.user ?? <Unknown why={missing.user} />],
    ["App", row.app ?? <Unknown why={missing.app} />],
    ["Dialect", `${row.dialect}${row.streamed ? ", streamed" : ""}`],
    ["Generation", <code>{row.id}</code>],
    [
      "Completion",
      row.completionId === undefined ? (
        <Unknown why="No answer had an id" />
      ) : (
        <code>{row.completionId}</code>
      ),
    ],
    [
      "At the provider",
      row.upstreamId === undefined ? (
        <Unknown why="The provider told no id" />
      ) : (
        <code>{row.upstreamId}</code>
      ),
    ],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

function Tokens({ row: { tokens } }: { row: Generation }) {
  if (tokens === undefined) return <p>{`${missing.tokens}.`}</p>;
  const prompt = promptOf(tokens);
  const completion = tokens.outputVisible + tokens.reasoning;
  const lines: [string, number][] = [
    ["Prompt, fresh", tokens.inputFresh],
    ["Prompt, read from cache", tokens.cacheRead],
    ["Prompt, written to cache for 5 minutes", tokens.cacheWrite5m],
    ["Prompt, written to cache for an hour", tokens.cacheWrite1h],
    ["Answer, visible", tokens.outputVisible],
    ["Answer, reasoning", tokens.reasoning],
    ["All", prompt + completion],
  ];
  return <Lines caption="Tokens by class" unit="Tokens" lines={lines} />;
}

function Costs({ row, currency }: { row: Generation; currency: string }) {
  const { cost, costPrompt, costCompletion, upstreamCost, isByok, usdRate } = row;
  const lines: [string, number | undefined][] = [
    ["Prompt", costPrompt],
    ["Answer", costCompletion],
    ["Price at the provider", upstreamCost],
    [isByok ? "Charged: the fee on an own credential" : "Charged", cost],
  ];
  return (
    <>
      <Lines
        caption={`Cost, ${currency}`}
        unit={currency}
        lines={lines.map(([name, amount]) => [
          name,
          amount === undefined ? undefined : toUnits(amount),
        ])}
      />
      <p class="small soft">
        {`Settled ${settlements[row.settlement]}.${usdRate === 1 ? "" : ` 1 USD was ${usdRate} ${currency}.`}`}
      </p>
    </>
  );
}

function Lines(props: {
  caption: string;
  unit: string;
  lines: readonly (readonly [string, number | undefined])[];
}) {
  return (
    <Table
      caption={props.caption}
      head={
        <tr>
          <th scope="col">What</th>
          <th scope="col" class="n">
            {props.unit}
          </th>
        </tr>
      }
    >
      {props.lines.map(([name, value]) => (
        <tr>
          <th scope="row">{name}</th>
          <td class="n">{value === undefined ? <Unknown why={missing.cost} /> : figure(value)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Moment({ at }: { at: number }) {
  const text = rfc3339(at);
  return <time datetime={text}>{`${text.slice(0, 23).replace("T", " ")} UTC`}</time>;
}

/** How the region of the answer is known. */
function basisOf({ trace }: Generation) {
  return trace.findLast(({ decision }) => decision === "selected")?.basis;
}

function units(amount: number | undefined): number | null {
  return amount === undefined ? null : toUnits(amount);
}
