import { readFileSync } from "node:fs";
import { createCatalogue } from "#src/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { configOf } from "#src/cli/configuration.ts";
import { ConfigError } from "#src/config/error.ts";
import { parseFile } from "#src/config/file.ts";
import type { Config } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";

/** The `config show` command. */
export async function showConfig(options: CommonOptions, output: Output): Promise<void> {
  const config = configOf(options);
  const values = [...config.origins].map(([path, { origin, name }]) => ({
    key: path,
    value: valueOf(config, path),
    origin,
    name: name ?? null,
  }));
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

/** What a setting is now. Database addresses may hold secrets and are cut to their scheme and path. */
function valueOf(config: Config, path: string): string {
  switch (path) {
    case "data_dir":
      return config.dataDir;
    case "listen":
      return `${config.listen.hostname}:${config.listen.port}`;
    case "database.url":
      return config.database.url.replace(/\/\/[^@/]*@/, "//").replace(/\?.*$/, "");
    case "log.format":
      return config.log.format ?? "auto";
    case "limits.max_body_mb":
      return String(config.limits.maxBodyBytes / 1_048_576);
    default:
      return settingOf(config, path);
  }
}

function settingOf(config: Config, path: string): string {
  const [section = "", key = ""] = path.split(".");
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const group: unknown = Reflect.get(config, section);
  if (typeof group !== "object" || group === null) throw new ConfigError(`Cannot show "${path}"`);
  const seconds: unknown = Reflect.get(group, camel.replace(/S$/, "Ms"));
  const value: unknown =
    Reflect.get(group, camel) ?? (typeof seconds === "number" ? seconds / 1000 : undefined);
  return String(value ?? "");
}
