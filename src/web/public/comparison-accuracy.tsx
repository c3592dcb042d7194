import type { EcoTables } from "#src/eco/load.ts";
import { type Accuracy, accuracyOf, type Spread } from "#src/report/accuracy.ts";
import { figure } from "#src/web/format.ts";
import { Page, Table, type Visit } from "#src/web/layout.tsx";
import { measuredGpus as measured } from "#src/web/public/laboratory.tsx";
import { type Column, Formats, type Sheet, SheetTable, Source } from "#src/web/sheet.tsx";

/** A line of the comparison: a class of figures with its spreads. */
interface Line {
  by: string;
  name: string;
  scope: string;
  spreads: readonly (Spread | undefined)[];
}

export const accuracyTitle = "How far off the estimates are";
export const accuracyLead =
  "Estimates beside what others measured or published, and the cases in which the method is known to be far off, with numbers.";

// The tables do not change while a gateway runs.
const made = new WeakMap<EcoTables, Accuracy>();

function accuracyIn(tables: EcoTables): Accuracy {
  const known = made.get(tables) ?? accuracyOf(tables, measured);
  made.set(tables, known);
  return known;
}

/** Every class of figures that estimates are compared with. */
export function accuracySheet(tables: EcoTables): Sheet<Line> {
  const accuracy = accuracyIn(tables);
  const rows = [
    ...accuracy.bySize.map((one) => ({ by: "measured, by size", ...one })),
    ...accuracy.byPrecision.map((one) => ({ by: "measured, by precision", ...one })),
    ...accuracy.published.map((one) => ({ by: "published", ...one })),
  ];
  return sheetOf(accuracy, rows);
}

function sheetOf({ versions }: Accuracy, rows: readonly Line[]): Sheet<Line> {
  const columns: Column<Line>[] = [
    { name: "by", value: ({ by }) => by },
    { name: "class", title: "Compared with", kind: "list", value: ({ name }) => name },
    { name: "includes", title: "Includes", kind: "list", value: ({ scope }) => scope },
    {
      name: "figures",
      title: "Figures",
      kind: "figure",
      value: ({ spreads }) => spreads.find((one) => one !== undefined)?.rows ?? 0,
    },
    ...versions.flatMap((version, at): Column<Line>[] => [
      {
        name: `mean_${version}`,
        title: version,
        kind: "figure",
        why: "There is nothing to compare",
        value: ({ spreads }) => spreads[at]?.mean ?? null,
        show: ({ spreads }) => times(spreads[at]?.mean ?? 1),
      },
      {
        name: `least_${version}`,
        value: ({ spreads }) => spreads[at]?.least ?? null,
      },
      {
        name: `most_${version}`,
        title: "least to most",
        kind: "figure",
        why: "There is nothing to compare",
        value: ({ spreads }) => spreads[at]?.most ?? null,
        show: ({ spreads }) => {
          const { least = 1, most = 1 } = spreads[at] ?? {};
          return `${times(least)} to ${times(most)}`;
        },
      },
    ]),
  ];
  return { name: "accuracy", columns, rows };
}

/** A ratio as people say it. */
function times(ratio: number): string {
  return `${figure(Number(ratio.toPrecision(ratio < 100 ? 2 : 3)))}×`;
}

/** What the method gets wrong, and by how much: nothing here is written by hand that the tables can tell. */
export function AccuracyPage(props: { visit: Visit; tables: EcoTables; used: string }) {
  const { visit, tables, used } = props;
  const [first] = measured;
  const accuracy = accuracyIn(tables);
  const lines = (by: string, classes: Accuracy["bySize"]) => classes.map((one) => ({ by, ...one }));
  const { fit, batch, bits, prompt, pue } = accuracy;
  const google = tables.benchmarks.find(({ id }) => id === "google-median-full");
  const alone = tables.benchmarks.find(({ id }) => id === "hf-gptoss120b-reasoning");
  return (
    <Page visit={visit} title={accuracyTitle} about={accuracyLead}>
      <p class="crumbs">
        <a href="/methodology">Methodology</a>
      </p>
      <h1>{accuracyTitle}</h1>
      <p class="lead">{accuracyLead}</p>
      <p>
        Each ratio is the estimate by the published figure: 2× is twice as much as was published,
        0.5× half. Means are geometric. This gateway records <code>{used}</code>. An estimate is
        good for comparing models, places and months under one methodology; as an absolute figure it
        can be off by the factors below.
      </p>
      <h2>Measured in a laboratory, by size</h2>
      <p>
        {figure(measured.length)} configurations by{" "}
        {first === undefined ? "others" : <Source of={first.sourceUrl} words={first.source} />}:
        energy of the GPUs for one output token, many requests at a time. Whole machines and
        buildings draw more than their GPUs: a facility estimate that is right lies near 1.7× here.{" "}
        <a href="/methodology/laboratory">Each of them</a>.
      </p>
      <SheetTable
        caption="Estimates for one output token by measured GPU energy: mean, least and most of each methodology"
        sheet={sheetOf(accuracy, lines("size", accuracy.bySize))}
      />
      <h2>Measured, by precision of the weights</h2>
      <SheetTable
        caption="The same figures by how the weights are stored"
        sheet={sheetOf(accuracy, lines("precision", accuracy.byPrecision))}
      />
      <h2>Published for whole requests</h2>
      <p>
        Most of these are estimates themselves, by other means. Each is listed, with its source, at{" "}
        <a href="/methodology/measurements">Published measurements</a>.
      </p>
      <SheetTable
        caption="Estimates for as many tokens by what was published"
        sheet={sheetOf(accuracy, lines("published", accuracy.published))}
      />
      <Formats path="/methodology/accuracy" />
      <h2>Known to be far off</h2>
      <Table
        caption="Cases, and by how much"
        head={
          <tr>
            <th scope="col">Case</th>
            <th scope="col">What it does to the figure</th>
          </tr>
        }
      >
        <tr>
          <th scope="row">Sizes beyond what was measured</th>
          <td>
            Measurements reach from {figure(fit.activeB[0])} to {figure(fit.activeB[1])} billion
            active and {figure(fit.totalB[1])} billion total parameters. {figure(fit.larger)} of{" "}
            {figure(fit.known)} models of known size are, or may be, larger, and{" "}
            {fit.smaller === 0 ? "none is" : `${figure(fit.smaller)} are`} smaller: their figures
            are drawn on from the line.
          </td>
        </tr>
        <tr>
          <th scope="row">Hardware that is no GPU</th>
          <td>
            Everything above is of {fit.gpus.join(" and ")} GPUs, and the older methodology of A100.
            Providers that run chips of their own (Google and Vertex AI, Groq, Cerebras, SambaNova)
            are estimated as if they ran GPUs.
            {google?.energyWh === undefined ? null : (
              <>
                {" "}
                Google published {figure(google.energyWh)} Wh for a median prompt of its own, with
                all overhead; it gives no tokens, so that no ratio can be told.{" "}
                <Source of={google.sourceUrl} words={google.source} />
              </>
            )}
          </td>
        </tr>
        <tr>
          <th scope="row">One request at a time, as local engines do</th>
          <td>
            {batch === undefined
              ? "The current methodology is not loaded."
              : `The current methodology takes ${batch.batch} at a time. By its own formula, a model of 8 billion parameters that answers one at a time uses ${times(batch.ratio)} as much for a token.`}
            {alone?.energyWh === undefined ? null : (
              <>
                {" "}
                {alone.model} took {figure(alone.energyWh)} Wh for a query with reasoning, one at a
                time. <Source of={alone.sourceUrl} words={alone.source} />
              </>
            )}{" "}
            An operator who measures its own machines can put that figure in place of the estimate:{" "}
            <a href="/docs/guides/local-engines">Local engines</a>.
          </td>
        </tr>
        <tr>
          <th scope="row">Weights are taken to have 16 bits</th>
          <td>
            The number of GPUs follows from it, rounded up to a power of two. For 671 billion
            parameters:{" "}
            {bits
              .map(
                (one) =>
                  `${one.bits} bits, ${one.gpus} GPUs${one.bits === 16 ? "" : `, where the estimate is ${times(one.ratio)} of what it would be`}`,
              )
              .join("; ")}
            .
          </td>
        </tr>
        <tr>
          <th scope="row">Prompt tokens</th>
          <td>
            With 10,000 tokens in and 100 out, the estimate by that of the output alone:{" "}
            {prompt.map(({ version, ratio }) => `${version} ${times(ratio)}`).join(", ")}. One
            charges prompts as if they were output, so that it is an upper bound for long prompts;
            the other leaves prompts out, so that it is a lower one. Published hints lie at 0.1 to
            0.4 of an output token for each prompt token, and at 0.02 for a cached one:{" "}
            <a href="/methodology/measurements">Published measurements</a> by Epoch AI, Jegham and
            Couch.
          </td>
        </tr>
        <tr>
          <th scope="row">Overhead of the data centre (PUE)</th>
          <td>
            The older methodology has none; the current one takes {figure(pue.used)} everywhere.
            What is published of {figure(pue.providers)} providers reaches from {figure(pue.least)}{" "}
            to {figure(pue.most)}: <a href="/methodology/places">Data centres</a>.
          </td>
        </tr>
        <tr>
          <th scope="row">Closed models</th>
          <td>
            Their sizes are not published. The figure is the middle of an interval, and both ends
            are shown: <a href="/methodology/parameters">Parameters of models</a>.
          </td>
        </tr>
      </Table>
    </Page>
  );
}
