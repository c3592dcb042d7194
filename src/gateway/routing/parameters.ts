import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** The words of the catalogue's lists of parameters. Of others it tells nothing: whether they travel shows when they are written. */
export const cataloguedParameters: ReadonlySet<string> = new Set([
  ...["max_tokens", "temperature", "top_p", "top_k", "min_p", "top_a", "seed", "stop"],
  ...["frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias"],
  ...["logprobs", "top_logprobs", "tools", "tool_choice", "response_format", "structured_outputs"],
  ...["reasoning", "verbosity", "prediction", "web_search_options"],
]);

/** Parameters that ask for what the catalogue lists under another word. */
export const otherWords: ReadonlyMap<string, string> = new Map([
  ["max_completion_tokens", "max_tokens"],
  ["reasoning_effort", "reasoning"],
  ["parallel_tool_calls", "tools"],
  ["functions", "tools"],
  ["function_call", "tool_choice"],
]);

/** Whether a model takes parameters, as far as the catalogue tells; where it has no list, it tells nothing. */
export function takes(parameters: readonly string[], model: Model): boolean {
  return untaken(parameters, model).length === 0;
}

/** Those that a model is known not to take. */
export function untaken(parameters: readonly string[], { parameters: known }: Model): string[] {
  if (known === undefined) return [];
  return parameters.filter((name) => {
    const word = wordOf(name);
    return cataloguedParameters.has(word) && !known.some((one) => wordOf(one) === word);
  });
}

/** Throws `unsupported_feature` where parameters that a route has to take could not be written for it. */
export function requireWritten(
  dropped: readonly string[],
  { provider, parameters }: Ask,
  { model, deployment }: Route,
): void {
  if (provider.requireParameters !== true || dropped.length === 0) return;
  const lost = parameters.filter(
    (name) => dropped.includes(name) || dropped.includes(wordOf(name)),
  );
  const [param] = lost;
  if (param === undefined) return;
  const names = lost.map((name) => `"${name.slice(0, 60)}"`).join(", ");
  throw new AppError(
    "unsupported_feature",
    `Cannot give ${names} to "${model.id}" at ${deployment.provider.id}, as provider.require_parameters asks: leave it out, or call a model that takes it`,
    { param },
  );
}

function wordOf(name: string): string {
  return otherWords.get(name) ?? name;
}
