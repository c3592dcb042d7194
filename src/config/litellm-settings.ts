import { litellmNotes } from "#src/config/litellm-names.ts";
import { amountOf, defined, objectOf, textOf } from "#src/config/litellm-values.ts";
import { type FileConfig, mostAttempts, mostSeconds, mostUnits } from "#src/config/schema.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** What a conversion tells besides its configuration. */
export interface Told {
  /** Variables that have to be set. */
  readonly environment: Set<string>;
  /** Commands that finish what a file cannot hold. */
  readonly commands: string[];
  /** What could not be carried over, or means something else here. */
  readonly notes: string[];
}

/** The sections of settings of a file of LiteLLM, but for the names of models in them. */
export class LitellmSettings {
  readonly #document: JsonObject;
  readonly #settings: JsonObject;
  readonly #router: JsonObject;
  readonly #told: Told;

  constructor(document: JsonObject, told: Told) {
    this.#document = document;
    this.#settings = objectOf(document.litellm_settings);
    this.#router = objectOf(document.router_settings);
    this.#told = told;
  }

  /** How often and by what policy a request is routed. */
  routing(): Pick<NonNullable<FileConfig["routing"]>, "policy" | "max_attempts"> {
    const retries = this.#first("num_retries", "num_retries", mostAttempts - 1);
    const strategy = textOf(this.#router.routing_strategy);
    const cheapest = strategy === "cost-based-routing";
    if (strategy !== undefined && !cheapest)
      this.#told.notes.push(
        `router_settings.routing_strategy: "${strategy}" has no twin; the policy "balanced" weighs carbon, price and latency`,
      );
    return defined({
      policy: cheapest ? ("prefer-cheapest" as const) : undefined,
      max_attempts: retries === undefined ? undefined : Math.round(retries) + 1,
    });
  }

  timeouts(): FileConfig["timeouts"] {
    const total = this.#first("timeout", "request_timeout", mostSeconds);
    return total === undefined ? undefined : { total_s: total };
  }

  /** Says how what a file may spend is held here. */
  budgets(): void {
    const { max_budget: most, budget_duration: duration } = this.#settings;
    const budget = this.#within("litellm_settings.max_budget", most, mostUnits);
    if (budget === undefined) return;
    const reset = new Map([
      ["1d", "daily"],
      ["24h", "daily"],
      ["7d", "weekly"],
      ["30d", "monthly"],
      ["1mo", "monthly"],
    ]).get(textOf(duration) ?? "");
    this.#told.commands.push(
      `lowrouter key create --account NAME --name NAME --limit ${budget}${reset ? ` --limit-reset ${reset}` : ""}`,
    );
    this.#told.notes.push(
      "litellm_settings.max_budget: a budget belongs to a key or an account here; the command below makes such a key",
    );
  }

  /** Says of every setting that is left what became of it. */
  rest(): void {
    const document = this.#document;
    const done = new Set([
      "litellm_settings.fallbacks",
      "litellm_settings.default_fallbacks",
      "litellm_settings.num_retries",
      "litellm_settings.request_timeout",
      "litellm_settings.max_budget",
      "litellm_settings.budget_duration",
      "litellm_settings.context_window_fallbacks",
      "litellm_settings.content_policy_fallbacks",
      "router_settings.fallbacks",
      "router_settings.default_fallbacks",
      "router_settings.num_retries",
      "router_settings.timeout",
      "router_settings.routing_strategy",
      "router_settings.model_group_alias",
      "router_settings.context_window_fallbacks",
      "router_settings.content_policy_fallbacks",
    ]);
    for (const section of ["litellm_settings", "router_settings", "general_settings"]) {
      const found = document[section];
      if (found !== undefined && found !== null && !isObject(found))
        this.#told.notes.push(`${section}: it is no section and is left out`);
      for (const name of Object.keys(objectOf(document[section]))) {
        const path = `${section}.${name}`;
        if (!done.has(path))
          this.#told.notes.push(`${path}: ${litellmNotes[path] ?? "not carried over"}`);
      }
    }
    for (const name of Object.keys(objectOf(document.environment_variables))) {
      this.#told.environment.add(name);
      this.#told.notes.push(
        `environment_variables.${name}: set it in the environment; its value is not copied`,
      );
    }
    const sections = new Set([
      "model_list",
      "litellm_settings",
      "router_settings",
      "general_settings",
      "environment_variables",
    ]);
    for (const name of Object.keys(document))
      if (!sections.has(name)) this.#told.notes.push(`${name}: not carried over`);
  }

  /** A number that the router's section may say, and that of the settings where it does not. */
  #first(ofRouter: string, ofSettings: string, most: number): number | undefined {
    const found = this.#within(`router_settings.${ofRouter}`, this.#router[ofRouter], most);
    const path = `litellm_settings.${ofSettings}`;
    const other = this.#within(path, this.#settings[ofSettings], most);
    if (found !== undefined && other !== undefined && found !== other)
      this.#told.notes.push(`${path}: left out, as router_settings.${ofRouter} counts`);
    return found ?? other;
  }

  /** A number of the file from 0 to the most that we take, which is taken for more; undefined where there is none. */
  #within(path: string, said: unknown, most: number): number | undefined {
    if (said === undefined || said === null) return undefined;
    const found = amountOf(said);
    if (found !== undefined && found >= 0 && found <= most) return found;
    const isMore = found !== undefined && found > most;
    this.#told.notes.push(
      `${path}: ${JSON.stringify(said)} is no number from 0 to ${most}${isMore ? ", which is taken instead" : ", and is left out"}`,
    );
    return isMore ? most : undefined;
  }
}
