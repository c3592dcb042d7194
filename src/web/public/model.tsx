import type { Child } from "hono/jsx";
import type { Model } from "#src/catalog/model.ts";
import { copyTextScript } from "#src/web/assets.ts";
import { askLine, CopyButton } from "#src/web/ask-line.tsx";
import { BarChart } from "#src/web/charts/bar.tsx";
import { figure, tokens } from "#src/web/format.ts";
import { Page, Table, type Visit } from "#src/web/layout.tsx";
import type { ModelFacts } from "#src/web/public/model-facts.ts";
import { Places, priceSheet } from "#src/web/public/model-offers.tsx";
import { capabilitiesOf, unknown } from "#src/web/public/words.tsx";
import { SheetTable, Source } from "#src/web/sheet.tsx";

/** A model: what it is, what it takes, where it is served, at which price and with which footprint. */
export function ModelPage(props: { visit: Visit; facts: ModelFacts; note?: Child }) {
  const { visit, facts, note } = props;
  const { model, offers, day, money } = facts;
  return (
    <Page
      visit={visit}
      title={model.id}
      about={`${model.name}: prices, regions, energy and carbon.`}
    >
      <p class="crumbs">
        <a href="/models">Models</a>
      </p>
      <h1>{model.name}</h1>
      <p class="lead">
        <code>{model.id}</code>
        {offers.some(({ callable }) => callable)
          ? ""
          : ". It cannot be called here: no provider that serves it is configured."}
      </p>
      <Facts model={model} />
      {offers.some(({ callable }) => callable) ? <TryIt visit={visit} model={model} /> : null}
      <h2>Energy and carbon</h2>
      {note}
      <Footprint facts={facts} />
      <h2>Where it is served</h2>
      <Places facts={facts} />
      <h2>Prices and data policy</h2>
      <p>
        {money.words}, on {day}. A price that is announced stands below the one that holds.
      </p>
      <SheetTable caption="Prices and data policy, by provider" sheet={priceSheet(facts)} />
    </Page>
  );
}

/** A line that asks the model through this gateway. */
function TryIt({ visit, model }: { visit: Visit; model: Model }) {
  return (
    <>
      <h2 id="try">Try it</h2>
      <pre tabindex={0}>
        <code id="try-line">{askLine(visit.origin, "$LOWROUTER_API_KEY", model)}</code>
      </pre>
      <CopyButton of="try-line" what="Copy the line" />
      <p>
        {visit.signedIn ? (
          <a href="/dashboard/keys#new">Make a key</a>
        ) : (
          <>
            It takes a key: <a href="/login?next=%2Fdashboard%2Fkeys">sign in to make one</a>
          </>
        )}
        .
      </p>
      <script src={copyTextScript.path} defer></script>
    </>
  );
}

function Facts({ model }: { model: Model }) {
  const rows: [string, string | undefined][] = [
    ["Maker", model.author],
    ["Kind", model.kind],
    ["Status", model.status],
    ["Released", model.releaseDate],
    ["Knows until", model.knowledgeCutoff],
    ["Weights", model.openWeights ? "open" : "closed"],
    ["Context", `${tokens(model.contextWindow)} tokens`],
    [
      "Longest answer",
      model.maxOutputTokens === undefined ? undefined : `${tokens(model.maxOutputTokens)} tokens`,
    ],
    ["Takes", model.inputModalities.join(", ")],
    ["Gives", model.kind === "embedding" ? "embeddings" : model.outputModalities.join(", ")],
    ["Can", capabilitiesOf(model).join(", ")],
    ["Parameters of a request", model.parameters?.join(", ")],
    ["Also called", model.aliases.join(", ")],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) =>
        value === undefined || value === "" ? null : (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ),
      )}
    </dl>
  );
}

function Footprint({ facts }: { facts: ModelFacts }) {
  const { model, parameters, estimates, byRegion, measurements } = facts;
  if (model.kind === "embedding") return <p>Embeddings are not estimated.</p>;
  return (
    <>
      {parameters === undefined ? (
        <p class="notice">
          There is no estimate: {unknown.energy.toLowerCase()}. What an operator measures on a
          server of its own stands in its place.
        </p>
      ) : (
        <Table
          caption="Size of the model, in billions of parameters"
          head={
            <tr>
              <th scope="col">Active</th>
              <th scope="col">Total</th>
              <th scope="col">Kind</th>
              <th scope="col">Accuracy</th>
              <th scope="col">Source</th>
              <th scope="col">Licence</th>
              <th scope="col">Read</th>
            </tr>
          }
        >
          <tr>
            <td>{span(parameters.activeB)}</td>
            <td>{span(parameters.totalB)}</td>
            <td>{parameters.architecture}</td>
            <td>{parameters.accuracy}</td>
            <td class="long">
              <Source of={parameters.source} />
            </td>
            <td>{parameters.licence}</td>
            <td>{parameters.read}</td>
          </tr>
        </Table>
      )}
      {estimates.length === 0 ? null : (
        <Table
          caption="Energy of 1,000 tokens of output, Wh, by methodology"
          head={
            <tr>
              <th scope="col">Methodology</th>
              <th scope="col" class="n">
                Wh/1K
              </th>
              <th scope="col" class="n">
                Low
              </th>
              <th scope="col" class="n">
                High
              </th>
              <th scope="col">In it</th>
            </tr>
          }
        >
          {estimates.map(({ version, isUsed, wh, includes }) => (
            <tr>
              <th scope="row">
                <a href={`/methodology#${version}`}>{version}</a>
                {isUsed ? ", used here" : ""}
              </th>
              <td class="n">{figure(wh.mid)}</td>
              <td class="n">{figure(wh.low)}</td>
              <td class="n">{figure(wh.high)}</td>
              <td>{includes.join(", ")}</td>
            </tr>
          ))}
        </Table>
      )}
      {byRegion.length === 0 ? null : (
        <BarChart
          id="carbon"
          title="Carbon of 1,000 tokens of output by region, at its cleanest provider"
          unit="g CO2e"
          labelName="Region"
          valueName="Carbon of 1,000 tokens"
          bars={byRegion}
          unknown={unknown.grid}
        />
      )}
      {measurements.length === 0 ? null : (
        <p>
          {measurements.length} published {measurements.length === 1 ? "figure is" : "figures are"}{" "}
          comparable: <a href="/methodology/measurements">see how far they lie from the estimate</a>
          .
        </p>
      )}
    </>
  );
}

function span({ min, max }: { min: number; max: number }): string {
  return min === max ? figure(min) : `${figure(min)} to ${figure(max)}`;
}
