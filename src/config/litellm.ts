/** Long, because every member of a foreign list of models is followed here. */
import { litellmCompatible, litellmProviders } from "#src/config/litellm-names.ts";
import { LitellmSettings } from "#src/config/litellm-settings.ts";
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
  ollama,
  textOf,
  wholeOf,
} from "#src/config/litellm-values.ts";
import {
  type FileConfig,
  type ModelConfig,
  mostPerMillion,
  mostTokens,
  type ProviderConfig,
} from "#src/config/schema.ts";
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
  const list = document.model_list ?? [];
  if (!Array.isArray(list)) throw new TypeError('its "model_list" is no list');
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
  /** All that the file says of it. */
  entry: JsonObject;
}

/** Parameters of a route that are used, or that a note of their own speaks of. */
const carriedParams: ReadonlySet<string> = new Set([
  ...["model", "api_key", "api_base", "base_url", "custom_llm_provider", "region_name"],
  ...["input_cost_per_token", "output_cost_per_token", "api_version"],
  ...["cache_read_input_token_cost", "cache_creation_input_token_cost"],
  ...["rpm", "tpm", "max_parallel_requests", "weight", "order", "tags"],
  ...["temperature", "top_p", "max_tokens", "extra_headers", "extra_body"],
]);

/** Members of an entry beside its parameters, and of its model_info, that are used. */
const carriedMembers: ReadonlySet<string> = new Set(["model_name", "litellm_params", "model_info"]);
const carriedInfo: ReadonlySet<string> = new Set([
  ...["base_model", "mode", "max_input_tokens", "max_output_tokens"],
  ...["supports_function_calling", "supports_vision", "supports_response_schema"],
  ...["input_cost_per_token", "output_cost_per_token"],
  ...["cache_read_input_token_cost", "cache_creation_input_token_cost"],
]);
/** What a model may be for, to be served here. */
const servedModes: ReadonlySet<string> = new Set(["chat", "completion", "responses", "embedding"]);
/** Providers of the operator's own machines, of which there may be several of one kind. */
const selfHosted: ReadonlySet<string> = new Set(["vllm", "ollama", "lmstudio", "llamacpp"]);

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
  /** Names that clients use, with our ids of what they lead to, and who serves each. */
  readonly #groups = new Map<string, Map<string, Set<string>>>();

  constructor(catalogue: KnownCatalogue) {
    this.#catalogue = catalogue;
  }

  run(document: JsonObject): Imported {
    for (const [index, entry] of listOf(document.model_list).entries()) {
      const deployment = this.#read(entry, index);
      if (deployment !== undefined) this.#place(deployment);
    }
    for (const [name, ids] of this.#groups) this.#alias(name, [...ids.keys()]);
    for (const [name, ids] of this.#groups) this.#strangers(name, ids);
    this.#groupAliases(objectOf(document.router_settings));
    for (const section of ["litellm_settings", "router_settings"])
      this.#fallbacksOf(section, objectOf(document[section]));
    const settings = new LitellmSettings(document, {
      environment: this.#environment,
      commands: this.#commands,
      notes: this.#notes,
    });
    const routing = defined({
      ...settings.routing(),
      aliases: filled(this.#aliases),
      fallbacks: filled(this.#fallbacks),
    });
    const timeouts = settings.timeouts();
    settings.budgets();
    settings.rest();
    return {
      config: {
        ...(Object.keys(routing).length === 0 ? {} : { routing }),
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
      entry,
    };
  }

  /** Puts what a route needs into the configuration. */
  #place(deployment: Deployment): void {
    const { at, name, info } = deployment;
    // Ways of a route to the same model: `converse/`, `chat/`, `responses/`.
    const model = deployment.model.replace(/^(converse|invoke|chat|responses|openai)\//, "");
    this.#unsupported(deployment);
    const mode = textOf(info.mode);
    if (mode !== undefined && !servedModes.has(mode)) {
      this.#notes.push(`${at}: nothing of mode "${mode}" is served here; the route is left out`);
      return;
    }
    const provider = this.#provider(deployment);
    if (provider === undefined) return;
    if (model.includes("*")) {
      this.#notes.push(
        `${at}: "${deployment.name}" is a pattern; every model of the catalogue that ${provider} offers can be called by its id`,
      );
      return;
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
    const group = this.#groups.get(name) ?? new Map<string, Set<string>>();
    // The same model on several servers of one name is one model with several endpoints.
    const twin = this.#models.find((one) => one.upstream === model && group.has(one.id))?.id;
    const id = known ?? twin ?? `${provider}/${model}`;
    this.#groups.set(name, group.set(id, (group.get(id) ?? new Set()).add(provider)));
    if (provider === "azure" && this.#catalogue.offers(provider, id)) {
      const section = (this.#providers[provider] ??= {});
      section.deployments = { ...section.deployments, [model]: id };
    } else if (custom || !offered) {
      this.#model(id, provider, model, deployment);
      return;
    }
    const prices = this.#prices(deployment);
    if (Object.keys(prices).length > 0) this.#enter(at, { id, provider, ...prices });
  }

  /** Of several routes to a model at a provider the first counts. */
  #enter(at: string, entry: ModelConfig): void {
    const { id, provider } = entry;
    const first = this.#models.find((one) => one.id === id && one.provider === provider);
    if (first === undefined) this.#models.push(entry);
    else if (!Bun.deepEquals(first, entry))
      this.#notes.push(
        `${at}: ${id} at ${provider} stands above already, with another name, price or size; this one is left out`,
      );
  }

  /** The prices that a route says, in our terms. */
  #prices({ at, params, info }: Deployment) {
    const price = (name: string) => {
      const said = params[name] ?? info[name];
      const perToken = amountOf(said);
      const perMillion =
        perToken === undefined ? Number.NaN : Number((perToken * 1e6).toPrecision(12));
      if (perMillion >= 0 && perMillion <= mostPerMillion) return perMillion;
      if (said !== undefined && said !== null)
        this.#notes.push(
          `${at}: ${name} is no price from 0 to ${mostPerMillion / 1e6} USD a token and is left out`,
        );
      return undefined;
    };
    return defined({
      input_per_million: price("input_cost_per_token"),
      output_per_million: price("output_cost_per_token"),
      cache_read_per_million: price("cache_read_input_token_cost"),
      cache_write_per_million: price("cache_creation_input_token_cost"),
    });
  }

  /** A number of tokens that a route says. */
  #size({ at, info }: Deployment, name: string): number | undefined {
    const size = wholeOf(info[name]);
    if (size !== undefined && size <= mostTokens) return size;
    if (info[name] !== undefined && info[name] !== null)
      this.#notes.push(`${at}: ${name} is no whole number from 1 to ${mostTokens} and is left out`);
    return undefined;
  }

  #model(id: string, provider: string, upstream: string, deployment: Deployment): void {
    const { at, info } = deployment;
    const prices = this.#prices(deployment);
    if (prices.input_per_million === undefined || prices.output_per_million === undefined)
      this.#notes.push(
        `${at}: no whole price of "${id}" is said: prepaid accounts cannot call it without input_per_million and output_per_million, which may be 0, or billing.unknown_price = "allow"`,
      );
    this.#enter(
      at,
      defined({
        id,
        provider,
        ...(info.mode === "embedding" ? { kind: "embedding" as const } : {}),
        upstream,
        ...prices,
        context_window: this.#size(deployment, "max_input_tokens"),
        max_output_tokens: this.#size(deployment, "max_output_tokens"),
        tools: flagOf(info.supports_function_calling),
        vision: flagOf(info.supports_vision),
        json_schema: flagOf(info.supports_response_schema),
      }),
    );
  }

  /** The id of the provider that a route goes to, with its section made; undefined where the route is left out. */
  #provider({ at, prefix, params }: Deployment): string | undefined {
    const address = textOf(params.api_base) ?? textOf(params.base_url);
    const base = Object.hasOwn(litellmProviders, prefix) ? litellmProviders[prefix] : undefined;
    const written = address === undefined ? undefined : addressOf(address);
    const url =
      written && base === "azure" ? azure(written) : base === "ollama" ? ollama(written) : written;
    if (address !== undefined && url === undefined)
      this.#notes.push(
        `${at}: the address of its api_base comes from the environment or is no URL; set base_url of its provider`,
      );
    if (base === undefined && url === undefined)
      this.#notes.push(`${at}: "${prefix}" needs an address; set base_url of its provider`);
    const known = base === undefined ? undefined : this.#providers[base]?.base_url;
    const isSecond = url !== undefined && known !== undefined && known !== url;
    if (isSecond && prefix !== "openai" && base !== undefined && !selfHosted.has(base)) {
      this.#notes.push(
        `${at}: ${base} has a second address, ${url}, which is left out, and the route with it: give it a provider of its own name`,
      );
      return undefined;
    }
    const own = base === undefined || isSecond || (address !== undefined && prefix === "openai");
    const id = own ? hostName(url, address) : base;
    if (own && this.#providers[id] === undefined)
      this.#notes.push(
        `${at}: say region and country of [providers.${id}], so that its answers have a carbon estimate`,
      );
    const section = (this.#providers[id] ??= own ? { protocol: "openai-chat" } : {});
    if (url !== undefined) this.#address(at, id, section, url);
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

  #unsupported({ at, entry, params, info }: Deployment): void {
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
    for (const name of Object.keys(entry))
      if (!carriedMembers.has(name)) this.#notes.push(`${at}: ${name} is not carried over`);
    const more = Object.keys(info).filter((name) => !carriedInfo.has(name));
    if (more.length > 0)
      this.#notes.push(`${at}: of its model_info is not carried over: ${more.join(", ")}`);
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

  /** Says where a model that one provider alone served there has others here. */
  #strangers(name: string, ids: Map<string, Set<string>>): void {
    const all = new Set(
      [...this.#groups.values()].flatMap((group) => [...group.values()].flatMap((one) => [...one])),
    );
    for (const [id, providers] of ids) {
      const others = [...all].filter((one) => !providers.has(one) && this.#serves(one, id));
      if (others.length > 0)
        this.#notes.push(
          `model_list: "${name}" is ${id} here, which ${others.join(", ")} may serve as well as ${[...providers].join(", ")}: where that matters, give keys --allowed-providers`,
        );
    }
  }

  /** Whether a provider offers a model with this configuration. */
  #serves(provider: string, id: string): boolean {
    if (this.#models.some((one) => one.id === id && one.provider === provider)) return true;
    const deployments = this.#providers[provider]?.deployments;
    if (deployments !== undefined) return Object.values(deployments).includes(id);
    return this.#catalogue.offers(provider, id);
  }

  #groupAliases(router: JsonObject): void {
    const said = router.model_group_alias;
    if (said !== undefined && said !== null && !isObject(said))
      this.#notes.push("router_settings.model_group_alias: it is no section and is left out");
    const named = objectOf(said);
    const target = (name: string) => textOf(named[name]) ?? textOf(objectOf(named[name]).model);
    for (const alias of Object.keys(named)) {
      let name = target(alias);
      // An alias may lead to another, in any order; one that leads to itself is the group of its name.
      const seen = new Set([alias]);
      while (name !== undefined && !seen.has(name) && Object.hasOwn(named, name)) {
        seen.add(name);
        name = target(name);
      }
      const id = name === undefined ? undefined : this.#meaning(name);
      if (id !== undefined) this.#aliases[alias] = id;
      else
        this.#notes.push(
          `router_settings.model_group_alias: "${alias}" leads to no model of the file or the catalogue and is left out`,
        );
    }
  }

  #fallbacksOf(section: string, from: JsonObject): void {
    if (from.fallbacks !== undefined && from.fallbacks !== null && !Array.isArray(from.fallbacks))
      this.#notes.push(`${section}.fallbacks: it is no list and is left out`);
    for (const entry of listOf(from.fallbacks)) {
      if (!isObject(entry))
        this.#notes.push(
          `${section}.fallbacks: ${JSON.stringify(entry)} is no section and is left out`,
        );
      for (const [name, list] of Object.entries(objectOf(entry))) {
        const id = name === "*" ? name : this.#meaning(name);
        if (id === undefined) this.#unknown(`${section}.fallbacks`, name);
        else this.#fallBack(id, this.#meanings(`${section}.fallbacks`, list));
      }
    }
    const always = this.#meanings(`${section}.default_fallbacks`, from.default_fallbacks);
    this.#fallBack("*", always);
    for (const name of ["context_window_fallbacks", "content_policy_fallbacks"]) {
      if (listOf(from[name]).length > 0)
        this.#notes.push(
          `${section}.${name}: not carried over; a model too small for the request is passed over, and a filtered answer is the answer`,
        );
    }
  }

  /** Adds models to those that are tried after another. */
  #fallBack(id: string, others: readonly string[]): void {
    const all = new Set([...(this.#fallbacks[id] ?? []), ...others]);
    all.delete(id);
    if (all.size > 0) this.#fallbacks[id] = [...all];
  }

  /** What the names of a list are here; of those that are nothing, a note. */
  #meanings(path: string, list: unknown): string[] {
    return listOf(list).flatMap((one) => {
      const name = textOf(one) ?? textOf(objectOf(one).model) ?? JSON.stringify(one);
      const id = this.#meaning(name);
      if (id === undefined) this.#unknown(path, name);
      return id ?? [];
    });
  }

  #unknown(path: string, name: string): void {
    this.#notes.push(`${path}: "${name}" is no model of the file or the catalogue and is left out`);
  }

  /** What a name of the file is here; undefined where it is nothing. */
  #meaning(name: string): string | undefined {
    const own = this.#models.find(({ id }) => id === name)?.id;
    return this.#aliases[name] ?? own ?? this.#catalogue.modelId(name);
  }
}
