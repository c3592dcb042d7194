import type { Child } from "hono/jsx";
import { figure, tokens } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import type { ModelRow } from "#src/web/public/model-filters.ts";
import type { Money } from "#src/web/public/money.ts";
import { modelPath, Ranged, unknown } from "#src/web/public/words.tsx";

/** Models side by side: what they cost, where they run, what they use. */
export function Comparison({ rows, money }: { rows: readonly ModelRow[]; money: Money }) {
  const list = (values: readonly string[]) => values.join(", ") || <Unknown why="None is known" />;
  const price = (value: string | undefined) =>
    value === undefined ? <Unknown why={unknown.price} /> : figure(Number(value));
  const lines: [string, (row: ModelRow) => Child][] = [
    [`Input, ${money.sign} per million tokens`, (row) => price(row.price?.input)],
    [`Output, ${money.sign} per million tokens`, (row) => price(row.price?.output)],
    [`Cached input, ${money.sign} per million tokens`, (row) => price(row.price?.cacheRead)],
    ["Context, tokens", ({ model }) => tokens(model.contextWindow)],
    [
      "Longest answer, tokens",
      ({ model: { maxOutputTokens: most } }) =>
        most === undefined ? <Unknown why="No limit is published" /> : tokens(most),
    ],
    [
      "Energy of 1,000 tokens, Wh",
      ({ wh }) => (wh ? <Ranged of={wh} /> : <Unknown why={unknown.energy} />),
    ],
    ["Carbon of 1,000 tokens, g CO2e", ({ carbon }) => carbonOf(carbon)],
    ["Accuracy of its size", ({ accuracy }) => accuracy ?? <Unknown why={unknown.energy} />],
    ["Regions", ({ regions }) => list(regions)],
    ["Providers", ({ providers }) => list(providers)],
    ["Can", ({ capabilities }) => list(capabilities)],
    ["Weights", ({ model }) => (model.openWeights ? "open" : "closed")],
  ];
  return (
    <Table
      caption="Side by side. Energy and carbon are estimates; the limits are below."
      head={
        <tr>
          <td />
          {rows.map(({ model }) => (
            <th scope="col">
              <a href={modelPath(model.id)}>{model.id}</a>
            </th>
          ))}
        </tr>
      }
    >
      {lines.map(([name, value]) => (
        <tr>
          <th scope="row">{name}</th>
          {rows.map((row) => (
            <td>{value(row)}</td>
          ))}
        </tr>
      ))}
    </Table>
  );
}

function carbonOf(carbon: ModelRow["carbon"]): Child {
  if (carbon === undefined) return <Unknown why={unknown.carbon} />;
  const { cleanest, dirtiest } = carbon;
  return cleanest === dirtiest ? figure(cleanest) : `${figure(cleanest)} to ${figure(dirtiest)}`;
}
