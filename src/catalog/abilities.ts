import type { Capabilities, Endpoint, Model } from "#src/catalog/model.ts";

/** What a model can at an endpoint: what the operator says of it there goes before what the catalogue says of the model. */
export function abilitiesAt(model: Model, { abilities }: Endpoint): Capabilities {
  return abilities === undefined ? model.capabilities : { ...model.capabilities, ...abilities };
}
