import { readFileSync, writeFileSync } from "node:fs";
import { createCatalogue } from "#src/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { configOf } from "#src/cli/configuration.ts";
import { fromLitellm, type Imported, type KnownCatalogue } from "#src/config/litellm.ts";
import { parseFile } from "#src/config/file.ts";
import { toToml } from "#src/config/toml.ts";
import { systemClock } from "#src/lib/clock.ts";

/** The `import litellm` command: a configuration on stdout or in a new file, and what was not carried over on stderr. */
export function importLitellmCommand(
  file: string,
  options: CommonOptions & { out?: string },
  output: Output,
): void {
  const imported = convert(file, knownCatalogue(options));
  const text = toToml(imported.config);
  // What we write, we must be able to read.
  parseFile("the imported configuration", text);
  if (options.out !== undefined) save(options.out, text);
  if (options.json) {
    const { config, environment, commands, notes } = imported;
    return printJson(output, { data: { config, environment, commands, notes } });
  }
  if (options.out === undefined) output.out(text);
  else output.out(`${options.out}\n`);
  output.err(talk(imported, options.out));
}

function convert(file: string, catalogue: KnownCatalogue): Imported {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new CommandError(
      `Cannot read "${file}"\nGive an existing file: lowrouter import litellm config.yaml`,
      2,
    );
  }
  try {
    return fromLitellm(Bun.YAML.parse(text), catalogue);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(
      `Cannot use "${file}" as a configuration of LiteLLM: ${reason}\nGive its config.yaml, with a model_list`,
    );
  }
}

function knownCatalogue(options: CommonOptions): KnownCatalogue {
  const { routes, services } = createCatalogue(configOf(options), systemClock);
  const providers = new Map(services.providers.map((provider) => [provider.id, provider]));
  return {
    modelId: (name) => {
      const found = routes.find(name);
      return found?.variant === undefined ? found?.model.id : undefined;
    },
    offers: (provider, id) =>
      routes.find(id)?.model.endpoints.some((endpoint) => endpoint.provider === provider) === true,
    keyNames: (id) => providers.get(id)?.env,
  };
}

function save(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw new CommandError(
      exists
        ? `Cannot write "${path}": it exists already\nGive another name with --out, or move it away`
        : `Cannot write "${path}"\nGive a place that can be written with --out`,
    );
  }
}

function talk({ environment, commands, notes }: Imported, out: string | undefined): string {
  const part = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? "" : `${heading}\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
  return [
    part("\nNot carried over, or different here:", notes),
    part("\nSet in the environment:", environment),
    part("\nRun, with your own names:", commands),
    `\nRun "lowrouter config check ${out ?? "FILE"}", then "lowrouter serve --config ${out ?? "FILE"}"\n`,
  ].join("");
}
