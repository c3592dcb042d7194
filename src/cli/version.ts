import modelsFile from "#data/models.json" with { type: "json" };
import { catalogueDate } from "#src/catalog/date.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { type Output, printJson } from "#src/cli/output.ts";
import { loadEco } from "#src/eco/load.ts";
import { commit, version } from "#src/lib/version.ts";
import { sqliteVersion } from "#src/store/sqlite-version.ts";

/** The `version` command. */
export function versionCommand(options: CommonOptions, output: Output): void {
  const facts = {
    version,
    commit,
    bun: Bun.version,
    sqlite: sqliteVersion(),
    methodologies: loadEco().methodologies.map((record) => record.version),
    catalogue: catalogueDate(),
    models: modelsFile.models.length,
  };
  if (options.json) return printJson(output, facts);
  output.out(
    `lowrouter ${facts.version} (${facts.commit})\nBun ${facts.bun}, SQLite ${facts.sqlite}\nmethodologies ${facts.methodologies.join(", ")}\ncatalogue of ${facts.catalogue}, ${facts.models} models\n`,
  );
}
