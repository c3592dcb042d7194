import type { Child } from "hono/jsx";
import type { Generation } from "#src/ledger/generation.ts";
import type { explainGeneration } from "#src/report/explain-generation.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { Source } from "#src/web/sheet.tsx";

export type Explained = ReturnType<typeof explainGeneration>;
type Explanation = NonNullable<Explained["explanation"]>;

const accuracies: Readonly<Record<NonNullable<Generation["accuracy"]>, string>> = {
  accurate: "the size of the model is verified",
  medium: "the size of the model is claimed, or a range",
  gross: "the size of the model is a guess",
};

/** What the estimate of a request was made from, step by step, or why there is none. */
export function EcoOf({ row, explained }: { row: Generation; explained: Explained }) {
  const { recorded, explanation, reason } = { reason: undefined, ...explained };
  return (
    <>
      <h2 id="eco">Energy and carbon</h2>
      {recorded ? (
        <dl class="facts">
          <dt>Energy</dt>
          <dd>{`${figure(recorded.energy_wh)} Wh`}</dd>
          <dt>Carbon</dt>
          <dd>{`${figure(recorded.carbon_g)} g CO2e, ${figure(recorded.carbon_per_1k_tokens_g)} g for 1,000 tokens`}</dd>
          <dt>Accuracy</dt>
          <dd>{`${recorded.accuracy}: ${accuracies[recorded.accuracy]}`}</dd>
          <dt>Methodology</dt>
          <dd>
            <a href="/methodology">{recorded.methodology_version}</a>
          </dd>
          <dt>Grid, as recorded</dt>
          <dd>
            {row.gridGPerKwh === undefined ? (
              <Unknown why="The row does not hold it" />
            ) : (
              `${figure(row.gridGPerKwh)} g CO2e per kWh, ${row.gridZone ?? ""}`
            )}
          </dd>
        </dl>
      ) : (
        <p class="notice">{`No estimate was recorded. ${reason ?? ""}.`}</p>
      )}
      {explanation ? <Steps explanation={explanation} /> : null}
      <p class="small">
        <a href={`/methodology`}>How estimates are made</a>. Programs get all of this from{" "}
        <code>{`GET /v1/generation/${row.id}/eco`}</code>.
      </p>
    </>
  );
}

function Steps({ explanation }: { explanation: Explanation }) {
  const { interval, tokens, grid, formula } = explanation;
  return (
    <>
      <h3>Formula</h3>
      <ol>
        {formula.map((step) => (
          <li>
            <code>{step}</code>
          </li>
        ))}
      </ol>
      <dl class="facts">
        {"measured" in explanation ? (
          <>
            <dt>Measured</dt>
            <dd>{`${figure(explanation.measured.wh_per_1k_tokens)} Wh for 1,000 tokens, PUE ${figure(explanation.measured.pue)}: ${explanation.measured.source}`}</dd>
          </>
        ) : (
          <Modelled explanation={explanation} />
        )}
        <dt>Tokens counted</dt>
        <dd>{`${figure(tokens.counted)} of ${figure(tokens.total)}: ${figure(tokens.prompt)} in, ${figure(tokens.completion)} out`}</dd>
        <dt>Result, both ends</dt>
        <dd>
          {interval ? (
            `${between(interval.energy_wh)} Wh, ${between(interval.carbon_g)} g CO2e`
          ) : (
            <Unknown why="No figure comes of these inputs" />
          )}
        </dd>
        <dt>Not in it</dt>
        <dd>{explanation.not_measured.join("; ")}</dd>
      </dl>
      <Grids grid={grid} />
      <Others explanation={explanation} />
      <Measurements explanation={explanation} />
    </>
  );
}

function Modelled(props: { explanation: Exclude<Explanation, { measured: unknown }> }) {
  const { coefficients, units, weights, parameters, wh_per_token: wh } = props.explanation;
  return (
    <>
      <dt>Coefficients</dt>
      <dd>
        {Object.entries(coefficients).map(([name, value]) => (
          <>
            <code>{`${name} = ${value}`}</code>{" "}
          </>
        ))}
        <br />
        <span class="small soft">{units}</span>
      </dd>
      <dt>Weights of tokens</dt>
      <dd>{`completion ${weights.completion}, fresh prompt ${weights.freshPrompt}, cached prompt ${weights.cachedPrompt}`}</dd>
      <dt>Active parameters</dt>
      <dd>
        {`${ends(parameters.active_b)} billion of ${ends(parameters.total_b)} billion (${parameters.architecture}); `}
        <Source of={parameters.source} />
        {`, ${parameters.licence}, read ${parameters.read}`}
      </dd>
      <dt>Energy of a token</dt>
      <dd>{`${between(wh)} Wh`}</dd>
    </>
  );
}

function Grids({ grid }: Pick<Explanation, "grid">) {
  return (
    <>
      <p>
        {`Grid of ${grid.zone}: ${figure(grid.g_per_kwh)} g CO2e per kWh, ${grid.year}, ${grid.basis}.`}
        {grid.assumption === undefined ? null : ` ${grid.assumption}.`}
      </p>
      <Table
        caption="Rows of the grid"
        head={
          <Heads
            names={["Zone", "g per kWh", "Weight", "Year", "Basis", "Source"]}
            figures={[1, 2]}
          />
        }
      >
        {grid.rows.map((row) => (
          <tr>
            <th scope="row">{`${row.name} (${row.zone})`}</th>
            <td class="n">{figure(row.g_per_kwh)}</td>
            <td class="n">{figure(row.weight)}</td>
            <td>{row.year}</td>
            <td>{`${row.basis}, ${row.scope}`}</td>
            <td class="long">
              <Source of={row.source_url} words={row.source} />
              {`, ${row.licence}`}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Others({ explanation }: { explanation: Explanation }) {
  const others = explanation.other_methodologies;
  if (others.length === 0) return null;
  return (
    <Table
      caption="The same answer under the other methodologies"
      head={<Heads names={["Methodology", "Energy, Wh", "g CO2e"]} figures={[1, 2]} />}
    >
      {others.map(({ methodology_version, title, result, interval }) => (
        <tr>
          <th scope="row">{`${methodology_version}: ${title}`}</th>
          <Figures
            mean={result?.energy_wh}
            ends={interval?.energy_wh}
            why="This methodology has no figure for these inputs"
          />
          <Figures
            mean={result?.carbon_g}
            ends={interval?.carbon_g}
            why="This methodology has no figure for these inputs"
          />
        </tr>
      ))}
    </Table>
  );
}

function Measurements({ explanation }: { explanation: Explanation }) {
  const rows = explanation.published_measurements;
  if (rows.length === 0) return null;
  return (
    <Table
      caption="Published measurements of this model"
      head={<Heads names={["What", "Energy, Wh", "g CO2e", "Year", "Source"]} figures={[1, 2]} />}
    >
      {rows.map((row) => (
        <tr>
          <th scope="row">{`${row.model}: ${row.what}`}</th>
          <Figures mean={row.energy_wh} why="Not published" />
          <Figures mean={row.carbon_g} why="Not published" />
          <td>{row.year}</td>
          <td class="long">
            <Source of={row.source_url} words={row.source} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Heads({
  names,
  figures,
}: {
  names: readonly string[];
  figures: readonly number[];
}): Child {
  return (
    <tr>
      {names.map((name, at) => (
        <th scope="col" class={figures.includes(at) ? "n" : undefined}>
          {name}
        </th>
      ))}
    </tr>
  );
}

function Figures(props: {
  mean: number | undefined | null;
  ends?: { low: number; high: number } | undefined;
  why: string;
}) {
  const { mean, ends: two, why } = props;
  return (
    <td class="n">
      {mean === undefined || mean === null ? <Unknown why={why} /> : figure(mean)}
      {two === undefined || two.low === two.high ? null : (
        <>
          <br />
          <span class="small soft">{between(two)}</span>
        </>
      )}
    </td>
  );
}

function between({ low, high }: { low: number; high: number }): string {
  return low === high ? figure(low) : `${figure(low)} to ${figure(high)}`;
}

function ends({ min, max }: { min: number; max: number }): string {
  return between({ low: min, high: max });
}
