import { figure, withCatalogue } from "#src/cli/catalogue.ts";
import { generationBy } from "#src/cli/generation.ts";
import { withStore } from "#src/cli/runtime.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { estimate } from "#src/eco/estimate.ts";
import { explain } from "#src/eco/explain.ts";
import { gridFor } from "#src/eco/grid.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { gridRecord, publishMethodologies } from "#src/eco/publish.ts";
import { explainGeneration, gridVersionOf } from "#src/report/explain-generation.ts";

/** The `eco explain` command. */
export async function explainCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withCatalogue(options, async ({ config, services, tables }) => {
    const { row } = await withStore(options, (store, config) => generationBy(store, config, id));
    const grid = services.gridOf(
      row.provider ?? "",
      row.region ?? "",
      gridVersionOf(row, config.eco.methodology),
    );
    printJson(output, explainGeneration(row, tables, grid, config.eco.methodology));
  });
}

/** The `eco estimate` command. */
export async function estimateCommand(
  options: CommonOptions & { model: string; tokens: number; region?: string },
  output: Output,
): Promise<void> {
  await withCatalogue(options, ({ view, services, config, tables }) => {
    const found = view.routes.find(options.model);
    if (found === undefined)
      throw new CommandError(
        `Cannot find the model "${options.model}"\nRun "lowrouter model list" to see the catalogue`,
      );
    const { model } = found;
    const route = view.routes
      .of(model)
      .find((one) => options.region === undefined || one.deployment.region === options.region);
    const offered = model.endpoints.filter(
      (one) => options.region === undefined || one.regions.includes(options.region),
    );
    const endpoint = offered.find((one) => one.provider === model.author) ?? offered[0];
    const provider = route?.deployment.provider.id ?? endpoint?.provider ?? model.author;
    const region = options.region ?? route?.deployment.region ?? endpoint?.regions[0] ?? "global";
    const grid = services.gridOf(provider, region) ?? gridFor(tables, { provider, region });
    if (grid === undefined)
      throw new CommandError(
        `Cannot estimate: the grid of ${provider} in ${region} is not known\nGive a region with --region, such as eu-west`,
      );
    const usage = {
      input: { fresh: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: options.tokens, reasoning: 0 },
      raw: null,
    };
    const input = { model: model.id, usage, grid, provider };
    const version = config.eco.methodology;
    const made = estimate(tables, version, input);
    if (made === undefined)
      throw new CommandError(
        `Cannot estimate: the number of parameters of ${model.id} is not known, and we do not guess`,
      );
    if (options.json)
      return printJson(output, {
        data: {
          model: model.id,
          provider,
          region,
          eco: made.block,
          explanation: explain(tables, version, input),
        },
      });
    const { block } = made;
    output.out(`${model.id} at ${provider} in ${region}, ${options.tokens} tokens, ${version}\n\n`);
    output.out(
      `energy   ${figure(block.energy_wh)} Wh      (${figure(made.energyWh.low)} to ${figure(made.energyWh.high)})\n`,
    );
    output.out(
      `carbon   ${figure(block.carbon_g)} g CO2e  (${figure(made.carbonG.low)} to ${figure(made.carbonG.high)})\n`,
    );
    output.out(
      `grid     ${figure(grid.gPerKwh)} g CO2e/kWh, ${grid.zone} ${grid.year}${grid.assumption ? `; ${grid.assumption}` : ""}\naccuracy ${block.accuracy}\n`,
    );
    output.err("An estimate. Not measured: training, hardware, real-time grid, embeddings\n");
  });
}

/** The `eco methodology` command. */
export async function methodologyCommand(options: CommonOptions, output: Output): Promise<void> {
  await withCatalogue(options, ({ tables }) => printMethodologies(tables, options, output));
}

function printMethodologies(tables: EcoTables, options: CommonOptions, output: Output): void {
  if (options.json) return printJson(output, publishMethodologies(tables));
  printTable(
    output,
    ["version", "title", "includes", "grid"],
    tables.methodologies.map((record) => {
      const grid = gridRecord(tables, record);
      return [
        record.version,
        record.title,
        record.includes.join(", "),
        grid === undefined ? "bundled" : `${grid.sources.join("; ")} (${grid.licences.join("; ")})`,
      ];
    }),
  );
  output.out("\n");
  for (const { version, excludes } of tables.methodologies)
    output.out(`Not measured by ${version}: ${excludes.join(", ")}\n`);
}
