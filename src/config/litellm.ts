/** Long, because every section of one foreign document is followed here, in the order it is written in. */
import { litellmCompatible, litellmNotes, litellmProviders } from "#src/config/litellm-names.ts";
import {
  addressOf,
  amountOf,
  azure,
  defined,
  filled,
  flagOf,
  hostName,
  listOf,
  objectOf,
  textOf,
  wholeOf,
} from "#src/config/litellm-values.ts";
import type { FileConfig, ModelConfig, ProviderConfig } from "#src/config/schema.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** What the conversion needs to know of the catalogue. */
export interface KnownCatalogue {
  /** The id of a model by any of its names, or undefined. */
  modelId(name: string): string | undefined;
  /** Whether a provider offers a model, by their ids. */
  offers(provider: string, model: string): boolean;
  /** Variables that may hold a provider's key, the usual one first; undefined for an unknown provider. */
  keyNames(provider: string): readonly string[] | undefined;
}

/** A configuration of LiteLLM in our terms. */
export interface Imported {
  config: FileConfig;
  /** Environment variables that have to be set, as the file names them. */
  environment: string[];
  /** Commands that finish what a file cannot hold. */
  commands: string[];
  /** What could not be carried over, or means something else here; each begins with where it stands. */
  notes: string[];
}

/**
 * Turns a parsed `config.yaml` of LiteLLM into a configuration. Keys are never copied: where one is written in
 * the file, a note says which variable to put it in. Throws TypeError for a document that is no such file.
 */
export function fromLitellm(document: unknown, catalogue: KnownCatalogue): Imported {
  if (!isObject(document) || !("model_list" in document || "router_settings" in document))
    throw new TypeError('no "model_list" was found in it');
  return new Conversion(catalogue).run(document);
}

/** One route of the file: a name that clients use, and where it leads. */
interface Deployment {
  at: string;
  name: string;
  prefix: string;
  /** Model name without the prefix. */
  model: string;
  params: JsonObject;
  info: JsonObject;
}

/** Parameters of a route that are used, or that a note of their own speaks of. */
const carriedParams: ReadonlySet<string> = new Set([
  ...["model", "api_key", "api_base", "base_url", "custom_llm_provider", "region_name"],
  ...["input_cost_per_token", "output_cost_per_token", "api_version"],
  ...["cache_read_input_token_cost", "cache_creation_input_token_cost"],
  ...["rpm", "tpm", "max_parallel_requests", "weight", "order", "tags"],
  ...["temperature", "top_p", "max_tokens", "extra_headers", "extra_body"],
]);

/** Where a parameter that is not carried over belongs here. */
function hint(name: string): string {
  if (name.startsWith("aws_"))
    return ": set AWS's own variables, and regions of [providers.bedrock]";
  if (name.startsWith("vertex_"))
    return ": set GOOGLE_APPLICATION_CREDENTIALS, and regions of [providers.vertex]";
  if (name.includes("budget")) return ": limit keys or accounts instead";
  if (name.includes("timeout")) return ": timeouts are the same on every route, under [timeouts]";
  return "";
}

/** The prices that a route says, in our terms. */
function pricesOf({ params, info }: Deployment) {
  const price = (name: string) => {
    const perToken = amountOf(params[name]) ?? amountOf(info[name]);
    return perToken === undefined ? undefined : Number((perToken * 1e6).toPrecision(12));
  };
  return defined({
    input_per_million: price("input_cost_per_token"),
    output_per_million: price("output_cost_per_token"),
    cache_read_per_million: price("cache_read_input_token_cost"),
    cache_write_per_million: price("cache_creation_input_token_cost"),
  });
}

class Conversion {
  readonly #catalogue: KnownCatalogue;
  readonly #providers: Record<string, ProviderConfig> = {};
  readonly #models: ModelConfig[] = [];
  /** By names of the file, which may be any, those of an object's own members among them. */
  readonly #aliases: Record<string, string> = Object.create(null);
  readonly #fallbacks: Record<string, string[]> = Object.create(null);
  readonly #environment = new Set<string>();
  readonly #commands: string[] = [];
  readonly #notes: string[] = [];

  constructor(catalogue: KnownCatalogue) {
    this.#catalogue = catalogue;
  }

  run(document: JsonObject): Imported {
    const groups = new Map<string, string[]>();
    for (const [index, entry] of listOf(document.model_list).entries()) {
      const deployment = this.#read(entry, index);
      const id = deployment && this.#place(deployment);
      if (deployment === undefined || id === undefined) continue;
      const group = groups.get(deployment.name) ?? [];
      if (!group.includes(id)) group.push(id);
      groups.set(deployment.name, group);
    }
    for (const [name, ids] of groups) this.#alias(name, ids);
    const settings = objectOf(document.litellm_settings);
    const router = objectOf(document.router_settings);
    this.#groupAliases(router);
    for (const [section, from] of [
      ["litellm_settings", settings],
      ["router_settings", router],
    ] as const)
      this.#fallbacksOf(section, from);
    const routing = this.#routing(settings, router);
    const timeouts = this.#timeouts(settings, router);
    this.#budgets(settings);
    this.#rest(document);
    return {
      config: {
        ...(routing === undefined ? {} : { routing }),
        ...(timeouts === undefined ? {} : { timeouts }),
        ...(Object.keys(this.#providers).length === 0 ? {} : { providers: this.#providers }),
        ...(this.#models.length === 0 ? {} : { models: this.#models }),
      },
      environment: [...this.#environment],
      commands: this.#commands,
      notes: this.#notes,
    };
  }

  #read(entry: unknown, index: number): Deployment | undefined {
    const at = `model_list[${index}]`;
    const params = objectOf(isObject(entry) ? entry.litellm_params : undefined);
    const model = textOf(params.model);
    if (!isObject(entry) || model === undefined) {
      this.#notes.push(`${at}: it has no litellm_params.model and is left out`);
      return undefined;
    }
    if (/\s/.test(model)) {
      this.#notes.push(`${at}: the name of its model has white space in it and is left out`);
      return undefined;
    }
    // Of `groq/` or `groq/chat/` nothing is left when the ways to it are taken off.
    if (/^([^/]*\/)*$/.test(model)) {
      this.#notes.push(`${at}: its model "${model}" names none behind the slash and is left out`);
      return undefined;
    }
    const slash = model.indexOf("/");
    const first = slash < 0 ? "" : model.slice(0, slash);
    const prefix = textOf(params.custom_llm_provider) ?? first;
    const known = Object.hasOwn(litellmProviders, prefix) || litellmCompatible.has(prefix);
    return {
      at,
      name: textOf(entry.model_name) ?? model,
      prefix: known ? prefix : "openai",
      model: known && first === prefix ? model.slice(slash + 1) : model,
      params,
      info: objectOf(entry.model_info),
    };
  }

  /** Puts what a route needs into the configuration; returns our id of its model, undefined for a wildcard. */
  #place(deployment: Deployment): string | undefined {
    const { at, params, info } = deployment;
    // Ways of a route to the same model: `converse/`, `chat/`, `responses/`.
    const model = deployment.model.replace(/^(converse|invoke|chat|responses|openai)\//, "");
    const provider = this.#provider(deployment);
    this.#unsupported(at, params);
    if (model.includes("*")) {
      this.#notes.push(
        `${at}: "${deployment.name}" is a pattern; every model of the catalogue that ${provider} offers can be called by its id`,
      );
      return undefined;
    }
    const own = textOf(info.base_model);
    const known =
      this.#catalogue.modelId(`${provider}/${model}`) ??
      this.#catalogue.modelId(model) ??
      (own === undefined
        ? undefined
        : this.#catalogue.modelId(own.slice(own.lastIndexOf("/") + 1))) ??
      (provider === "azure" ? this.#catalogue.modelId(deployment.name) : undefined);
    const offered = this.#catalogue.modelId(`${provider}/${model}`) !== undefined;
    const custom = this.#catalogue.keyNames(provider) === undefined;
    const id = known ?? `${provider}/${model}`;
    if (provider === "azure" && this.#catalogue.offers(provider, id)) {
      const section = (this.#providers[provider] ??= {});
      section.deployments = { ...section.deployments, [model]: id };
    } else if (custom || !offered) {
      this.#model(id, provider, model, deployment);
      return id;
    }
    const prices = pricesOf(deployment);
    if (Object.keys(prices).length > 0) this.#enter({ id, provider, ...prices });
    return id;
  }

  /** Of several routes to a model at a provider the first counts. */
  #enter(entry: ModelConfig): void {
    const { id, provider } = entry;
    if (this.#models.some((one) => one.id === id && one.provider === provider)) return;
    this.#models.push(entry);
  }

  #model(id: string, provider: string, upstream: string, deployment: Deployment): void {
    const { info } = deployment;
    this.#enter(
      defined({
        id,
        provider,
        ...(info.mode === "embedding" ? { kind: "embedding" as const } : {}),
        upstream,
        ...pricesOf(deployment),
        context_window: wholeOf(info.max_input_tokens),
        max_output_tokens: wholeOf(info.max_output_tokens),
        tools: flagOf(info.supports_function_calling),
        vision: flagOf(info.supports_vision),
        json_schema: flagOf(info.supports_response_schema),
      }),
    );
  }

  /** The id of the provider that a route goes to, with its section made. */
  #provider({ at, prefix, params }: Deployment): string {
    const address = textOf(params.api_base) ?? textOf(params.base_url);
    const base = Object.hasOwn(litellmProviders, prefix) ? litellmProviders[prefix] : undefined;
    const url = address === undefined ? undefined : addressOf(address);
    if (address !== undefined && url === undefined)
      this.#notes.push(
        `${at}: the address of its api_base comes from the environment or is no URL; set base_url of its provider`,
      );
    if (base === undefined && url === undefined)
      this.#notes.push(`${at}: "${prefix}" needs an address; set base_url of its provider`);
    const own = base === undefined || (url !== undefined && prefix === "openai");
    const id = own ? hostName(url) : base;
    if (own && this.#providers[id] === undefined)
      this.#notes.push(
        `${at}: say region and country of [providers.${id}], so that its answers have a carbon estimate`,
      );
    const section = (this.#providers[id] ??= own ? { protocol: "openai-chat" } : {});
    if (url !== undefined) this.#address(at, id, section, prefix === "azure" ? azure(url) : url);
    this.#key(at, id, section, params);
    const region = textOf(params.region_name);
    if (region !== undefined)
      this.#notes.push(
        `${at}: region_name "${region}" is not carried over: say regions of ${id} in our names`,
      );
    if (Object.keys(section).length === 0) delete this.#providers[id];
    return id;
  }

  #address(at: string, id: string, section: ProviderConfig, url: string): void {
    if (section.base_url === undefined || section.base_url === url) section.base_url = url;
    else
      this.#notes.push(
        `${at}: ${id} has a second address, ${url}, which is left out: give it a provider of its own name`,
      );
  }

  #key(at: string, id: string, section: ProviderConfig, params: JsonObject): void {
    const given = textOf(params.api_key);
    if (given === undefined) {
      for (const name of this.#catalogue.keyNames(id)?.slice(0, 1) ?? [])
        this.#environment.add(name);
      return;
    }
    const usual = this.#catalogue.keyNames(id) ?? [];
    const named = /^os\.environ\/(\w+)$/.exec(given)?.[1];
    const name = named ?? usual[0] ?? `${id.toUpperCase().replaceAll("-", "_")}_API_KEY`;
    if (named === undefined)
      this.#notes.push(
        `${at}: a key is written in the file; it is not copied: put it into ${name}`,
      );
    if (section.api_key_env !== undefined && section.api_key_env !== name) {
      this.#notes.push(
        `${at}: ${id} has a second key, ${name}, which is left out: add it with "lowrouter provider key ${id}"`,
      );
      return;
    }
    this.#environment.add(name);
    if (!usual.includes(name)) section.api_key_env = name;
  }

  #unsupported(at: string, params: JsonObject): void {
    for (const name of ["rpm", "tpm", "max_parallel_requests", "weight", "order", "tags"]) {
      if (params[name] !== undefined)
        this.#notes.push(
          `${at}: ${name} is per route there; here limits belong to keys ("lowrouter key create --rpm") and the policy chooses among routes`,
        );
    }
    for (const name of ["temperature", "top_p", "max_tokens", "extra_headers", "extra_body"]) {
      if (params[name] !== undefined)
        this.#notes.push(
          `${at}: ${name} as a default of the route is not carried over: clients send it`,
        );
    }
    for (const name of Object.keys(params)) {
      if (!carriedParams.has(name) && !name.startsWith("_"))
        this.#notes.push(`${at}: ${name} is not carried over${hint(name)}`);
    }
  }

  /** A name that clients use: nothing where it already means the model, else an alias, and fallbacks for the rest. */
  #alias(name: string, ids: string[]): void {
    const [first, ...others] = ids;
    if (first === undefined) return;
    if (this.#catalogue.modelId(name) !== first && name !== first) this.#aliases[name] = first;
    if (others.length === 0) return;
    this.#fallbacks[first] = [...(this.#fallbacks[first] ?? []), ...others];
    this.#notes.push(
      `model_list: "${name}" leads to ${ids.length} different models; here it means ${first}, and the others are its fallbacks`,
    );
  }

  #groupAliases(router: JsonObject): void {
    for (const [alias, target] of Object.entries(objectOf(router.model_group_alias))) {
      const name = textOf(target) ?? textOf(objectOf(target).model);
      if (name === undefined) continue;
      this.#aliases[alias] = this.#meaning(name);
    }
  }

  #fallbacksOf(section: string, from: JsonObject): void {
    for (const entry of listOf(from.fallbacks)) {
      for (const [name, list] of Object.entries(objectOf(entry))) {
        const id = this.#meaning(name);
        const wanted = listOf(list).flatMap((one) => textOf(one) ?? []);
        const all = [...(this.#fallbacks[id] ?? []), ...wanted.map((one) => this.#meaning(one))];
        this.#fallbacks[id] = [...new Set(all)].filter((one) => one !== id);
      }
    }
    const always = listOf(from.default_fallbacks).flatMap((one) => textOf(one) ?? []);
    if (always.length > 0) this.#fallbacks["*"] = always.map((one) => this.#meaning(one));
    for (const name of ["context_window_fallbacks", "content_policy_fallbacks"]) {
      if (listOf(from[name]).length > 0)
        this.#notes.push(
          `${section}.${name}: not carried over; a model too small for the request is passed over, and a filtered answer is the answer`,
        );
    }
  }

  /** What a name of the file is here. */
  #meaning(name: string): string {
    return this.#aliases[name] ?? this.#catalogue.modelId(name) ?? name;
  }

  #routing(settings: JsonObject, router: JsonObject): FileConfig["routing"] {
    const retries = wholeOf(router.num_retries) ?? wholeOf(settings.num_retries);
    const strategy = textOf(router.routing_strategy);
    const cheapest = strategy === "cost-based-routing";
    if (strategy !== undefined && !cheapest)
      this.#notes.push(
        `router_settings.routing_strategy: "${strategy}" has no twin; the policy "balanced" weighs carbon, price and latency`,
      );
    const routing = defined({
      policy: cheapest ? ("prefer-cheapest" as const) : undefined,
      max_attempts: retries === undefined ? undefined : Math.min(10, retries + 1),
      aliases: filled(this.#aliases),
      fallbacks: filled(this.#fallbacks),
    });
    return Object.keys(routing).length === 0 ? undefined : routing;
  }

  #timeouts(settings: JsonObject, router: JsonObject): FileConfig["timeouts"] {
    const total = amountOf(router.timeout) ?? amountOf(settings.request_timeout);
    return total === undefined ? undefined : { total_s: total };
  }

  #budgets(settings: JsonObject): void {
    const budget = amountOf(settings.max_budget);
    if (budget === undefined) return;
    const reset = new Map([
      ["1d", "daily"],
      ["24h", "daily"],
      ["7d", "weekly"],
      ["30d", "monthly"],
      ["1mo", "monthly"],
    ]).get(textOf(settings.budget_duration) ?? "");
    this.#commands.push(
      `lowrouter key create --account NAME --name NAME --limit ${budget}${reset ? ` --limit-reset ${reset}` : ""}`,
    );
    this.#notes.push(
      "litellm_settings.max_budget: a budget belongs to a key or an account here; the command below makes such a key",
    );
  }

  /** Says of every setting that is left what became of it. */
  #rest(document: JsonObject): void {
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
      for (const name of Object.keys(objectOf(document[section]))) {
        const path = `${section}.${name}`;
        if (!done.has(path))
          this.#notes.push(`${path}: ${litellmNotes[path] ?? "not carried over"}`);
      }
    }
    for (const name of Object.keys(objectOf(document.environment_variables))) {
      this.#environment.add(name);
      this.#notes.push(
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
      if (!sections.has(name)) this.#notes.push(`${name}: not carried over`);
  }
}
