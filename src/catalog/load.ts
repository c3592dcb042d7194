import modelsFile from "#data/models.json" with { type: "json" };
import providersFile from "#data/providers.json" with { type: "json" };
import type { Model, Provider } from "#src/catalog/model.ts";
import { checkModels, checkProviders } from "#src/catalog/check.ts";

/** The bundled models and providers. */
export interface Catalog {
  models: Model[];
  providers: Provider[];
}

/** Reads and checks the bundled catalogue. Throws naming the row that lacks a source or breaks the schema. */
export function loadCatalog(): Catalog {
  return { models: checkModels(modelsFile), providers: checkProviders(providersFile) };
}
