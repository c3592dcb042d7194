import type { Model } from "#src/catalog/model.ts";
import { matchesGlob } from "#src/gateway/routing/glob.ts";

/** Whether a policy's list of models has this one: by its id, its bare name, an alias, or a pattern with `*` for either of the first two. */
export function listsModel(names: readonly string[], model: Model): boolean {
  for (const name of names) if (means(name.toLowerCase(), model)) return true;
  return false;
}

/** The same, where an empty list allows all. */
export function allowsModel(names: readonly string[], model: Model): boolean {
  return names.length === 0 || listsModel(names, model);
}

/** Whether it has what a provider calls a model that the catalogue does not know. */
export function listsName(names: readonly string[], provider: string, model: string): boolean {
  const bare = model.toLowerCase();
  const whole = `${provider}/${bare}`;
  return names.some((name) => matchesGlob(name, whole) || matchesGlob(name, bare));
}

function means(name: string, { id, aliases }: Model): boolean {
  if (name === id || aliases.includes(name)) return true;
  if (!name.includes("*")) return id.endsWith(`/${name}`);
  return matchesGlob(name, id) || matchesGlob(name, id.slice(id.indexOf("/") + 1));
}
