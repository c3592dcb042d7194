import type { Model } from "#src/catalog/model.ts";

/** What a suffix of a model's name asks for. */
export type Variant = "nitro" | "floor" | "free" | "thinking" | "extended";

/** Suffixes that ask for a way of serving rather than for a model. */
const variants: ReadonlySet<string> = new Set(["nitro", "floor", "free", "thinking", "extended"]);

export interface Found {
  model: Model;
  /** What followed the last colon of a name that is no model by itself. */
  variant: string | undefined;
}

/**
 * Looks models up by exact id, alias, or unique bare name; else by `openai/` and the name.
 * `own` are names that the operator gives: each wins over every other meaning of it.
 */
export function createFinder(
  models: readonly Model[],
  own: Readonly<Record<string, string>> = {},
): (name: string) => Found | undefined {
  const exact = new Map<string, Model>();
  const bare = new Map<string, Model | undefined>();
  const claim = (name: string, model: Model): void => {
    const key = name.toLowerCase();
    if (!exact.has(key)) exact.set(key, model);
  };
  // In this order: no alias hides an id, and no provider's name for a model hides either.
  for (const model of models) claim(model.id, model);
  for (const model of models) for (const alias of model.aliases) claim(alias, model);
  for (const model of models)
    for (const alias of model.aliases)
      if (!alias.includes("/")) claim(`${model.author}/${alias}`, model);
  for (const model of models)
    for (const { provider, upstreamModel } of model.endpoints)
      claim(`${provider}/${upstreamModel}`, model);
  for (const model of models) {
    const name = model.id.slice(model.id.indexOf("/") + 1).toLowerCase();
    // A bare name that two authors use names neither.
    bare.set(name, bare.has(name) && bare.get(name) !== model ? undefined : model);
  }
  const known = (name: string): Model | undefined =>
    exact.get(name) ?? bare.get(name) ?? exact.get(`openai/${name}`);
  const given = new Map<string, Model>();
  for (const [name, target] of Object.entries(own)) {
    const model = known(target.toLowerCase());
    if (model) given.set(name.toLowerCase(), model);
  }
  const lookup = (name: string): Model | undefined => given.get(name) ?? known(name);
  return (asked) => {
    const name = asked.toLowerCase();
    const whole = lookup(name);
    if (whole) return { model: whole, variant: undefined };
    const colon = name.lastIndexOf(":");
    if (colon < 0) return undefined;
    const model = lookup(name.slice(0, colon));
    return model && { model, variant: name.slice(colon + 1) };
  };
}

/** Whether a suffix is one that we know. */
export function isVariant(suffix: string): suffix is Variant {
  return variants.has(suffix);
}
