import { isObject, type JsonObject } from "#src/lib/json.ts";

/** A function of a namespace, as calls of it name it. */
export interface SpacedName {
  namespace: string;
  name: string;
}

/** The one name of a function that other wires get; without a namespace its own. */
export function flatName(name: string, namespace: string | undefined): string {
  if (namespace === undefined || namespace === "") return name;
  return namespace.endsWith("__") ? namespace + name : `${namespace}__${name}`;
}

const none: ReadonlyMap<string, SpacedName> = new Map();

/** The functions of a request's namespaces, by the names that other wires got. */
export function spacedNames({ tools }: JsonObject = {}): ReadonlyMap<string, SpacedName> {
  if (!Array.isArray(tools)) return none;
  let names: Map<string, SpacedName> | undefined;
  for (const space of tools) {
    if (!isObject(space) || space.type !== "namespace" || !Array.isArray(space.tools)) continue;
    const { name: namespace } = space;
    if (typeof namespace !== "string") continue;
    names ??= new Map();
    for (const tool of space.tools)
      if (isObject(tool) && typeof tool.name === "string")
        names.set(flatName(tool.name, namespace), { namespace, name: tool.name });
  }
  return names ?? none;
}
