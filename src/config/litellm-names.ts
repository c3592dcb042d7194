/** Prefixes of LiteLLM's model names, with our providers. Source: LiteLLM's documentation of its providers, read 2026-11. */
export const litellmProviders: Readonly<Record<string, string>> = {
  openai: "openai",
  text_completion_openai: "openai",
  "text-completion-openai": "openai",
  anthropic: "anthropic",
  gemini: "google",
  vertex_ai: "vertex",
  vertex_ai_beta: "vertex",
  mistral: "mistral",
  codestral: "mistral",
  cohere: "cohere",
  cohere_chat: "cohere",
  deepseek: "deepseek",
  xai: "xai",
  groq: "groq",
  together_ai: "together",
  fireworks_ai: "fireworks",
  deepinfra: "deepinfra",
  cerebras: "cerebras",
  sambanova: "sambanova",
  scaleway: "scaleway",
  ovhcloud: "ovhcloud",
  nebius: "nebius",
  azure: "azure",
  azure_text: "azure",
  bedrock: "bedrock",
  bedrock_converse: "bedrock",
  huggingface: "huggingface",
  perplexity: "perplexity",
  moonshot: "moonshot",
  zai: "zai",
  openrouter: "openrouter",
  dashscope: "alibaba",
  minimax: "minimax",
  voyage: "voyage",
  ollama: "ollama",
  ollama_chat: "ollama",
  hosted_vllm: "vllm",
  lm_studio: "lmstudio",
  llamacpp: "llamacpp",
};

/** Prefixes that mean a server of the operator's own, of OpenAI's shape. */
export const litellmCompatible: ReadonlySet<string> = new Set([
  "custom_openai",
  "openai_like",
  "llamafile",
  "litellm_proxy",
  "xinference",
  "infinity",
]);

/** What a setting of LiteLLM is here, or why there is none. Keys are `section.name`. */
export const litellmNotes: Readonly<Record<string, string>> = {
  "litellm_settings.drop_params":
    "nothing to set: what a provider cannot take is dropped and named in X-LowRouter-Dropped, or refused where it would change the answer",
  "litellm_settings.callbacks": "logging callbacks are not carried over: see /metrics and the log",
  "litellm_settings.success_callback":
    "logging callbacks are not carried over: see /metrics and the log",
  "litellm_settings.failure_callback":
    "logging callbacks are not carried over: see /metrics and the log",
  "litellm_settings.cache": "answers are not cached here; prompt caches of providers are used",
  "litellm_settings.cache_params":
    "answers are not cached here; prompt caches of providers are used",
  "litellm_settings.set_verbose": 'set [log] level = "debug" where it is needed',
  "router_settings.redis_host": "no Redis is needed: several nodes share one database",
  "router_settings.redis_port": "no Redis is needed: several nodes share one database",
  "router_settings.redis_password": "no Redis is needed: several nodes share one database",
  "router_settings.redis_url": "no Redis is needed: several nodes share one database",
  "router_settings.allowed_fails":
    "a route is set aside after 3 failures in 30 seconds; that is not configurable",
  "router_settings.cooldown_time":
    "a route is tried again after 30, 60 and 120 seconds; that is not configurable",
  "router_settings.enable_pre_call_checks":
    "nothing to set: context length and regions are always checked first",
  "router_settings.provider_budget_config":
    "budgets per provider are not carried over: limit keys or accounts instead",
  "general_settings.master_key":
    'the master key is not carried over: "lowrouter init" makes the first account and its key',
  "general_settings.database_url":
    'the database is not carried over: keys, teams and spend stay there; make new keys with "lowrouter key create"',
  "general_settings.store_model_in_db":
    "models that were added in the other gateway's database are not in this file and not carried over",
};
