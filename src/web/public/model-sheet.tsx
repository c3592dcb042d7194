import { figure, tokens } from "#src/web/format.ts";
import { chosen, type ModelFilters, type ModelRow } from "#src/web/public/model-filters.ts";
import type { Money } from "#src/web/public/money.ts";
import { modelPath, unknown } from "#src/web/public/words.tsx";
import type { Column, Sheet } from "#src/web/sheet.tsx";

/** Regions that a row has room for. */
const regionsShown = 3;

/** The models that the filters leave, for the page and for programs. */
export function modelSheet(
  rows: readonly ModelRow[],
  filters: ModelFilters,
  { sign }: Money,
): Sheet<ModelRow> {
  const columns: Column<ModelRow>[] = [
    {
      name: "id",
      title: "Model",
      value: ({ model }) => model.id,
      show: ({ model }) => (
        <>
          <span class="pick">
            <input
              type="checkbox"
              name="compare"
              value={model.id}
              aria-label={`Compare ${model.id}`}
              checked={filters.compare.includes(model.id)}
            />
          </span>{" "}
          <a href={modelPath(model.id)}>{model.id}</a>
        </>
      ),
    },
    { name: "name", value: ({ model }) => model.name },
    { name: "author", value: ({ model }) => model.author },
    { name: "kind", value: ({ model }) => model.kind },
    {
      name: "input_usd_per_million",
      title: `${sign}/M in`,
      kind: "figure",
      why: unknown.price,
      value: ({ price }) => (price ? Number(price.input) : null),
    },
    {
      name: "output_usd_per_million",
      title: `${sign}/M out`,
      kind: "figure",
      why: unknown.price,
      value: ({ price }) => (price ? Number(price.output) : null),
    },
    {
      name: "context_tokens",
      title: "Context",
      kind: "figure",
      value: ({ model }) => model.contextWindow,
      show: ({ model }) => tokens(model.contextWindow),
    },
    { name: "max_output_tokens", value: ({ model }) => model.maxOutputTokens ?? null },
    {
      name: "energy_wh_per_1k_tokens",
      title: "Wh/1K",
      kind: "figure",
      why: whyNoEnergy,
      value: ({ wh }) => wh?.mid ?? null,
    },
    { name: "energy_wh_per_1k_tokens_low", value: ({ wh }) => wh?.low ?? null },
    { name: "energy_wh_per_1k_tokens_high", value: ({ wh }) => wh?.high ?? null },
    {
      name: "carbon_g_per_1k_tokens_cleanest",
      title: "g/1K",
      kind: "figure",
      why: (row) => (row.wh ? unknown.grid : whyNoEnergy(row)),
      value: ({ carbon }) => carbon?.cleanest ?? null,
      show: ({ carbon }) =>
        carbon && carbon.dirtiest > carbon.cleanest
          ? `${figure(carbon.cleanest)} to ${figure(carbon.dirtiest)}`
          : figure(carbon?.cleanest),
    },
    { name: "carbon_g_per_1k_tokens_dirtiest", value: ({ carbon }) => carbon?.dirtiest ?? null },
    {
      name: "accuracy",
      title: "Size",
      why: whyNoEnergy,
      value: ({ accuracy }) => accuracy ?? null,
    },
    {
      name: "regions",
      title: "Regions",
      kind: "list",
      value: ({ regions }) => regions,
      show: ({ regions }) =>
        regions.length > regionsShown
          ? `${regions.slice(0, regionsShown).join(", ")} and ${regions.length - regionsShown} more`
          : regions.join(", "),
    },
    { name: "providers", value: ({ providers }) => providers },
    { name: "capabilities", value: ({ capabilities }) => capabilities },
    { name: "routable", title: "Callable", value: ({ callable }) => callable },
  ];
  return { name: "models", columns, rows: chosen(rows, filters) };
}

function whyNoEnergy({ model }: ModelRow): string {
  return model.kind === "embedding" ? "Embeddings are not estimated" : unknown.energy;
}
