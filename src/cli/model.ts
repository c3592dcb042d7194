import { signOf } from "#src/catalog/shown-price.ts";
import { figure, withCatalogue } from "#src/cli/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { describeEndpoints, describeModel } from "#src/http/describe.ts";

/** The `model list` command. */
export async function listModelsCommand(
  options: CommonOptions & { routable?: boolean },
  output: Output,
): Promise<void> {
  await withCatalogue(options, ({ view, services, config }) => {
    const models = services.models.filter(
      (model) => !options.routable || view.routes.of(model).length > 0,
    );
    const records = models.map((model) => describeModel(model, view, services));
    if (options.json) return printJson(output, { object: "list", data: records });
    if (records.length === 0) {
      output.err(
        'No model is routable: set a provider key such as OPENAI_API_KEY\nRun "lowrouter model list" to see the whole catalogue\n',
      );
      return;
    }
    const unit = signOf(config.billing.currency);
    const million = (price: string | undefined) =>
      price === undefined ? "—" : String(Number((Number(price) * 1e6).toPrecision(6)));
    const rows = records.map((record, index) => {
      const model = models[index];
      const best = model && view.routes.of(model)[0];
      return [
        record.id,
        million(record.pricing?.prompt),
        million(record.pricing?.completion),
        record.lowrouter.regions.slice(0, 4).join(" ") +
          (record.lowrouter.regions.length > 4 ? " …" : ""),
        figure(record.lowrouter.eco?.energy_wh_per_1k_tokens),
        figure(best?.carbonPer1k),
        record.lowrouter.eco?.accuracy ?? "—",
      ];
    });
    printTable(
      output,
      ["model", `${unit}/M in`, `${unit}/M out`, "regions", "Wh/1K", "g/1K", "accuracy"],
      rows,
    );
    output.err(
      "Wh and g are estimates per 1,000 tokens; — is unknown. Not measured: training, hardware, real-time grid, embeddings\n",
    );
  });
}

/** The `model show` command. */
export async function showModelCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withCatalogue(options, ({ view, services }) => {
    const found = view.routes.find(id);
    if (found === undefined)
      throw new CommandError(
        `Cannot find the model "${id}"\nRun "lowrouter model list" to see the catalogue`,
      );
    printJson(output, {
      data: {
        ...describeModel(found.model, view, services),
        endpoints: describeEndpoints(found.model, view, services),
      },
    });
  });
}
