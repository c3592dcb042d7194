import { readFileSync } from "node:fs";
import { createCatalogue } from "#src/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { configOf } from "#src/cli/configuration.ts";
import { parseFile } from "#src/config/file.ts";
import { entriesOf, shownSettings, type ShownSetting } from "#src/config/show.ts";
import { systemClock } from "#src/lib/clock.ts";

/** The `config show` command. */
export async function showConfig(options: CommonOptions, output: Output): Promise<void> {
  const config = configOf(options);
  const entries = entriesOf(config).map((entry): ShownSetting => ({
    ...entry,
    origin: "file",
    name: null,
  }));
  const values = [...shownSettings(config), ...entries];
  if (options.json)
    return printJson(output, {
      data: values,
      providers: Object.keys(config.providers),
      models: config.models.map((model) => model.id),
    });
  printTable(
    output,
    ["key", "value", "from"],
    values.map((one) => [one.key, one.value, one.name ? `${one.origin} ${one.name}` : one.origin]),
  );
}

/** The `config check` command. */
export async function checkConfig(
  file: string | undefined,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  if (file !== undefined) {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      throw new CommandError(
        `Cannot read "${file}"\nGive an existing file: lowrouter config check FILE`,
        2,
      );
    }
    parseFile(file, text);
  }
  // A name that the bundled tables do not have shows only here.
  createCatalogue(configOf({ ...options, config: file ?? options.config }), systemClock);
  if (options.json) printJson(output, { data: { file: file ?? null, valid: true } });
  else output.out(file === undefined ? "The configuration is valid\n" : `${file} is valid\n`);
}
