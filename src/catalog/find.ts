import type { Model } from "#src/catalog/model.ts";

/** What a suffix of a model's name asks for. */
export type Variant = "nitro" | "floor" | "free" | "thinking" | "extended";

/** Suffixes that ask for a way of serving rather than for a model. */
const variants: ReadonlySet<string> = new Set(["nitro", "floor", "free", "thinking", "extended"]);

export interface Found {
  model: Model;
  /** What followed the last colon of a name that is no model by itself, or what an operator's name stands for. */
  variant: string | undefined;
  /** Who serves it, where the name is that of one provider's offer of it: nobody else is meant. */
  provider: string | undefined;
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
  const offers = new Map<string, string>();
  const claim = (name: string, model: Model): boolean => {
    const key = name.toLowerCase();
    if (exact.has(key)) return false;
    exact.set(key, model);
    return true;
  };
  const offer = (provider: string, name: string, model: Model): void => {
    const whole = `${provider}/${name}`;
    if (claim(whole, model) && provider !== model.author) offers.set(whole.toLowerCase(), provider);
  };
  // In this order: no alias hides an id, and no provider's name for a model hides either.
  for (const model of models) claim(model.id, model);
  for (const model of models) for (const alias of model.aliases) claim(alias, model);
  for (const model of models)
    for (const alias of model.aliases)
      if (!alias.includes("/")) claim(`${model.author}/${alias}`, model);
  for (const model of models)
    for (const { provider, upstreamModel } of model.endpoints)
      offer(provider, upstreamModel, model);
  for (const model of models)
    for (const { provider } of model.endpoints)
      for (const name of [model.id, bareOf(model)]) offer(provider, name, model);
  for (const model of models) {
    const name = bareOf(model).toLowerCase();
    // A bare name that two authors use names neither.
    bare.set(name, bare.has(name) && bare.get(name) !== model ? undefined : model);
  }
  const known = (name: string): Model | undefined =>
    exact.get(name) ?? bare.get(name) ?? exact.get(`openai/${name}`);
  const meant = new Map<string, string>();
  for (const [name, target] of Object.entries(own))
    meant.set(name.toLowerCase(), target.toLowerCase());
  const plain = (name: string): Found | undefined => {
    const model = known(name);
    return model && { model, variant: undefined, provider: offers.get(name) };
  };
  const given = new Map<string, Found>();
  for (const name of meant.keys()) {
    const found = follow(name, meant, plain);
    if (found) given.set(name, found);
  }
  const lookup = (name: string): Found | undefined => given.get(name) ?? plain(name);
  return (asked) => split(asked.toLowerCase(), lookup);
}

/** A name as a whole, else without what follows its last colon, which then is the variant. */
function split(name: string, lookup: (name: string) => Found | undefined): Found | undefined {
  const whole = lookup(name);
  if (whole) return whole;
  const colon = name.lastIndexOf(":");
  if (colon < 0) return undefined;
  const found = lookup(name.slice(0, colon));
  return found && { ...found, variant: name.slice(colon + 1) };
}

function bareOf({ id }: Model): string {
  return id.slice(id.indexOf("/") + 1);
}

/** What a name of the operator's stands for: a model, or else what another such name does. */
function follow(
  name: string,
  meant: ReadonlyMap<string, string>,
  plain: (name: string) => Found | undefined,
  seen: readonly string[] = [],
): Found | undefined {
  const target = meant.get(name);
  if (target === undefined || seen.includes(name)) return undefined;
  return split(target, (one) => plain(one) ?? follow(one, meant, plain, [...seen, name]));
}

/** Whether a suffix is one that we know. */
export function isVariant(suffix: string): suffix is Variant {
  return variants.has(suffix);
}
