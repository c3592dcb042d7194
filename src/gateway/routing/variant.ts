import { isVariant, type Variant } from "#src/catalog/find.ts";
import type { Model } from "#src/catalog/model.ts";
import type { App } from "#src/gateway/context.ts";
import type { SortBy } from "#src/gateway/routing/ranked.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Throws `model_not_found` for a suffix that is none of ours. */
export function variantOf(suffix: string | undefined, name: string): Variant | undefined {
  if (suffix === undefined) return undefined;
  if (isVariant(suffix)) return suffix;
  throw new AppError(
    "model_not_found",
    `Cannot find the variant ":${suffix.slice(0, 60)}" of "${name}": call the model without it, or with :nitro, :floor, :free, :thinking or :extended`,
    { param: "model" },
  );
}

/** What a variant sorts by; a sort of the request goes before. */
export function sortOf(variant: Variant | undefined): SortBy | undefined {
  if (variant === "nitro") return "throughput";
  return variant === "floor" ? "price" : undefined;
}

const made = new WeakMap<readonly Route[], Map<Variant, readonly Route[]>>();

/** The routes of a model that a variant means. Throws `model_not_found` where there is none. */
export function routesOf(model: Model, variant: Variant | undefined, app: App): readonly Route[] {
  const all = app.routes.of(model);
  if (variant === undefined || sortOf(variant) !== undefined || all.length === 0) return all;
  const known = made.get(all) ?? new Map<Variant, readonly Route[]>();
  made.set(all, known);
  const found = known.get(variant) ?? only(all, model, variant);
  known.set(variant, found);
  if (found.length > 0) return found;
  const what = variant === "free" ? "at no price" : "with a larger context window";
  throw new AppError(
    "model_not_found",
    `Cannot find an endpoint of "${model.id}" ${what}: call the model without ":${variant}"`,
    { param: "model" },
  );
}

function only(all: readonly Route[], model: Model, variant: Variant): readonly Route[] {
  if (variant === "free")
    return all
      .filter(({ price }) => price?.input === 0 && price.output === 0)
      .map((route) => ({ ...route, variant }));
  if (variant === "thinking") return all.map((route) => ({ ...route, variant }));
  const windows = model.endpoints.map(({ contextWindow }) => contextWindow);
  const largest = Math.max(...windows);
  if (Math.min(...windows) === largest) return [];
  return all.filter(({ endpoint }) => endpoint.contextWindow === largest);
}
