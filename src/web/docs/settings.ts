/** Every setting in words: one list, and so a long file. */
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { fileSchema } from "#src/config/schema.ts";
import { inWords, toJsonSchema } from "#src/web/docs/json-schema.ts";

/** What is said of a setting beside what its schema says. A test holds variables and defaults against the loader. */
interface Said {
  about: string;
  /** Environment variable, or credential file, that sets it too. */
  variable?: string;
  /** As it would be written in the variable. */
  standard?: string;
}

/** Key of the file to what is said of it. A key without an entry is listed all the same, and fails a test. */
export const said: Readonly<Record<string, Said>> = {
  listen: {
    about: "Address to listen on. The flag `--listen` goes before it.",
    variable: "LOWROUTER_LISTEN",
    standard: "127.0.0.1:4000",
  },
  workers: {
    about:
      "Processes that serve, 1 to 64: one for each core that may be used. The flag `--workers` goes before it. [Workers](/docs/operating/workers).",
    variable: "LOWROUTER_WORKERS",
    standard: "1",
  },
  public_url: {
    about:
      "Address that people open, as `https://gateway.example.org`: links in mail and back from payment lead there. Needed for mail.",
    variable: "LOWROUTER_PUBLIC_URL",
  },
  data_dir: {
    about:
      "Where the state lives. The flag `--data-dir` goes before it; under systemd it defaults to `$STATE_DIRECTORY`.",
    variable: "LOWROUTER_DATA_DIR",
    standard: "lowrouter-data",
  },
  "database.url": {
    about:
      "`file:…`, or a libSQL server: `libsql://`, `https://`, `http://`. Its token is `LOWROUTER_DATABASE_TOKEN`. By default `lowrouter.db` in the data directory.",
    variable: "LOWROUTER_DATABASE_URL",
  },
  "database.synchronous": {
    about: "`normal` survives a killed process, `full` a power loss too, at a slower commit.",
    variable: "LOWROUTER_DATABASE_SYNCHRONOUS",
    standard: "normal",
  },
  "billing.currency": {
    about: "The one currency of balances, limits and costs.",
    variable: "LOWROUTER_CURRENCY",
    standard: "USD",
  },
  "billing.usd_rate": {
    about: "Units of the currency for one USD; the catalogue's prices are in USD.",
    variable: "LOWROUTER_USD_RATE",
    standard: "1",
  },
  "billing.platform_fee_per_1k": {
    about: "Charged for 1,000 tokens on top of the provider's price, in the currency.",
    variable: "LOWROUTER_PLATFORM_FEE_PER_1K",
    standard: "0",
  },
  "billing.topup_fee_pct": {
    about: "Percent kept of what is paid for credit; the rest becomes credit.",
    variable: "LOWROUTER_TOPUP_FEE_PCT",
    standard: "0",
  },
  "billing.byok_fee_pct": {
    about: "Percent of what a request would have cost, for one on an account's own provider key.",
    variable: "LOWROUTER_BYOK_FEE_PCT",
    standard: "0",
  },
  "billing.byok_free_monthly": {
    about: "Requests on own keys that are free of that fee, for each account and month.",
    variable: "LOWROUTER_BYOK_FREE_MONTHLY",
    standard: "0",
  },
  "billing.default_max_tokens": {
    about: "Output tokens that a request is held for where it names no limit.",
    variable: "LOWROUTER_DEFAULT_MAX_TOKENS",
    standard: "4096",
  },
  "billing.unknown_price": {
    about:
      "Whether prepaid accounts may use what has no known price: `block` refuses, `allow` lets it through.",
    variable: "LOWROUTER_UNKNOWN_PRICE",
    standard: "block",
  },
  "billing.low_balance": {
    about:
      "Credit below which a prepaid account is told that it is low, in the currency; once, until it is filled up.",
    variable: "LOWROUTER_LOW_BALANCE",
    standard: "5",
  },
  "eco.methodology": {
    about:
      "Methodology of the recorded figure: `v0.4-2026-01` or `v0.11-2026-10`, or one of them on an imported grid table, as `v0.4-2026-01+grid-2026-IEA`.",
    variable: "LOWROUTER_ECO_METHODOLOGY",
    standard: "v0.4-2026-01",
  },
  "eco.grid_file": {
    about:
      "A table of grid intensities of your own, CSV, read at start in place of the bundled rows of its zones. `lowrouter grid import FILE --dry-run` shows what it changes.",
    variable: "LOWROUTER_GRID_FILE",
  },
  "eco.live_grid": {
    about:
      "Who tells grid intensities as they are now: `uk-carbon-intensity` (Great Britain), `rte-eco2mix` (France), `electricity-maps` (key in `ELECTRICITY_MAPS_TOKEN`). For routing by carbon and for a figure beside the recorded one, which stays the annual average.",
    variable: "LOWROUTER_LIVE_GRID",
  },
  "eco.live_grid_url": {
    about: "Another address of that service.",
    variable: "LOWROUTER_LIVE_GRID_URL",
  },
  "eco.carbon_alerts": {
    about:
      "Percent of a carbon budget at which `carbon_budget.reached` is sent, once each in a window.",
    variable: "LOWROUTER_CARBON_ALERTS",
    standard: "50,80,100",
  },
  "routing.policy": {
    about:
      "Order of candidates where request, key and account name none; as `prefer-region:eu-west` where it is about something.",
    variable: "LOWROUTER_POLICY",
    standard: "balanced",
  },
  "routing.strategy": {
    about: "`combined` weighs carbon, price and latency; `price` draws by 1/price².",
    variable: "DEFAULT_STRATEGY",
    standard: "combined",
  },
  "routing.eu_only": {
    about: "Nothing is served outside the EU and the EEA, whoever asks.",
    variable: "LOWROUTER_EU_ONLY",
    standard: "false",
  },
  "routing.allow_assumed_regions": {
    about: "Places that are only assumed satisfy pins too.",
    variable: "LOWROUTER_ALLOW_ASSUMED_REGIONS",
    standard: "false",
  },
  "routing.high_carbon_g_per_kwh": {
    about: "Grids above this come last, unless they are pinned.",
    variable: "LOWROUTER_HIGH_CARBON_G_PER_KWH",
    standard: "500",
  },
  "routing.default_model": {
    about: "Model of requests that name none.",
    variable: "LOWROUTER_DEFAULT_MODEL",
    standard: "lowrouter/auto",
  },
  "routing.max_attempts": {
    about: "Most upstreams tried for one request.",
    variable: "LOWROUTER_MAX_ATTEMPTS",
    standard: "3",
  },
  "routing.aliases": {
    about:
      "Names of your own, each with the model that it means, or a variant of it such as `:nitro`.",
  },
  "routing.fallbacks": {
    about:
      "Models to try after one that fails, where the request lists none; the key `*` is for every model.",
  },
  "limits.requests_per_minute": {
    about: "For each key that has no limit of its own; 0 is none.",
    variable: "LOWROUTER_REQUESTS_PER_MINUTE",
    standard: "0",
  },
  "limits.byok_private_addresses": {
    about: "Accounts may give addresses of private networks for their own provider keys.",
    variable: "LOWROUTER_BYOK_PRIVATE_ADDRESSES",
    standard: "false",
  },
  "limits.max_body_mb": {
    about: "Largest body of a request.",
    variable: "LOWROUTER_MAX_BODY_MB",
    standard: "10",
  },
  "timeouts.connect_s": {
    about: "To connect to an upstream.",
    variable: "LOWROUTER_CONNECT_S",
    standard: "5",
  },
  "timeouts.first_byte_s": {
    about: "To its first byte.",
    variable: "LOWROUTER_FIRST_BYTE_S",
    standard: "60",
  },
  "timeouts.idle_s": {
    about: "Between two pieces of an answer.",
    variable: "LOWROUTER_IDLE_S",
    standard: "60",
  },
  "timeouts.total_s": {
    about: "For a whole answer; 0 is no limit.",
    variable: "LOWROUTER_TOTAL_S",
    standard: "0",
  },
  "timeouts.drain_s": {
    about: "For answers in flight when the gateway is told to stop.",
    variable: "LOWROUTER_DRAIN_S",
    standard: "30",
  },
  "timeouts.leave_s": {
    about:
      "How long new requests are still answered after SIGTERM, while `/readyz` is 503 already: as long as a balancer takes to notice. With 0 they are answered only while others are under way, for half of `timeouts.drain_s` at most.",
    variable: "LOWROUTER_LEAVE_S",
    standard: "0",
  },
  "webhooks.allow_private": {
    about: "Webhooks may go to addresses of private networks, to any port, and without TLS.",
    variable: "LOWROUTER_WEBHOOKS_ALLOW_PRIVATE",
    standard: "false",
  },
  "mail.url": {
    about:
      "Server that takes our mail, `smtp://user@host:587` or `smtps://user@host:465`; without it no mail is sent. Its password is `LOWROUTER_MAIL_PASSWORD`.",
    variable: "LOWROUTER_MAIL_URL",
  },
  "mail.from": {
    about: "Sender, as `LowRouter <gateway@example.org>`.",
    variable: "LOWROUTER_MAIL_FROM",
  },
  "stripe.min_amount": {
    about: "Least that may be paid for credit at a time, in the currency.",
    variable: "STRIPE_MIN_AMOUNT",
    standard: "5",
  },
  "stripe.max_amount": {
    about: "Most that may be paid for credit at a time, in the currency.",
    variable: "STRIPE_MAX_AMOUNT",
    standard: "1000",
  },
  "stripe.api_base": {
    about:
      "Where Stripe's API is. Credit can be bought where `STRIPE_SECRET_KEY` and `STRIPE_WEBHOOK_SECRET` are set.",
    variable: "STRIPE_API_BASE",
    standard: "https://api.stripe.com",
  },
  "retention.usage_days": {
    about:
      "Days for which each request is kept by itself; its sums stay. At least 32, or 0 to keep all: [old usage](/docs/operating/configuration#old-usage).",
    variable: "USAGE_RETENTION_DAYS",
    standard: "396",
  },
  "metrics.enabled": {
    about:
      "Counters for Prometheus at `/metrics`: for this machine alone, or for whoever has `LOWROUTER_METRICS_TOKEN` where that is set.",
    variable: "LOWROUTER_METRICS",
    standard: "false",
  },
  "metrics.overhead_header": {
    about:
      "Answers say in `X-LowRouter-Overhead-Ms` what the gateway itself took: see [where the microseconds go](/docs/operating/microseconds).",
    variable: "LOWROUTER_OVERHEAD_HEADER",
    standard: "false",
  },
  "otel.endpoint": {
    about:
      "Collector to which traces and metrics are sent by OTLP over HTTP, as `http://127.0.0.1:4318`. Its headers are `OTEL_EXPORTER_OTLP_HEADERS`.",
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
  },
  "otel.service_name": {
    about: "What this gateway is called there.",
    variable: "OTEL_SERVICE_NAME",
    standard: "lowrouter",
  },
  "log.level": {
    about: "Least that is logged.",
    variable: "LOWROUTER_LOG_LEVEL",
    standard: "info",
  },
  "log.format": {
    about: "`auto` is pretty on a terminal and JSON elsewhere.",
    variable: "LOWROUTER_LOG_FORMAT",
    standard: "auto",
  },
  "oidc.ID.name": { about: "What the button to sign in with it says." },
  "oidc.ID.issuer": { about: "Address of the OpenID provider." },
  "oidc.ID.client_id": { about: "What it calls this gateway." },
  "oidc.ID.client_secret_env": { about: "Variable or credential file that holds the secret." },
  "providers.ID.protocol": {
    about:
      "The wire that it speaks, `openai-chat` where nothing is said. One that is bundled has its own, and no other.",
  },
  "providers.ID.also_speaks": { about: "Wires that it takes for the same models besides." },
  "providers.ID.name": { about: "What it is called on pages." },
  "providers.ID.base_url": {
    about: "Its address. `<ID>_BASE_URL`, such as `OPENAI_BASE_URL`, does the same.",
  },
  "providers.ID.base_urls": { about: "Region id to address, for a provider with several." },
  "providers.ID.region": {
    about: "Where that address computes. `<ID>_REGION` does the same.",
  },
  "providers.ID.regions": { about: "Regions to reach besides its first." },
  "providers.ID.deployments": {
    about:
      "Name of a deployment to the model id that it serves; the provider then serves these alone.",
  },
  "providers.ID.api_version": { about: "Azure's older interface, by its version." },
  "providers.ID.country": {
    about: "Two letters, such as FR: whose grid counts. `<ID>_COUNTRY` does the same.",
  },
  "providers.ID.api_key_env": { about: "Variable or credential file that holds its key." },
  "providers.ID.keys": {
    about: "Further keys; requests are spread over them by weight.",
  },
  "providers.ID.keys[].env": { about: "Variable or credential file that holds the key." },
  "providers.ID.keys[].weight": { about: "How often it is taken among its like." },
  "providers.ID.keys[].rpm": { about: "Requests per minute that it takes." },
  "providers.ID.wh_per_1k_tokens": {
    about:
      "Measured energy of your own machines for 1,000 tokens, prompt and completion, Wh. Only for a `base_url` of your own.",
  },
  "providers.ID.pue": {
    about:
      "What the building draws for each watt of the machines. Goes with `wh_per_1k_tokens`, of the provider or of a model there.",
  },
  "providers.ID.enabled": { about: "`false` leaves it out, whatever key there is." },
  "providers.ID.max_in_flight": {
    about:
      "Most requests of one gateway at a time; more wait for a place. Workers share it out, so it is at least their number.",
  },
  "models[].id": {
    about:
      "`author/name`; one that is bundled, or one of your own. Where the provider is known to have it, what the entry says goes before the bundled value and all else stays; one entry for each.",
  },
  "models[].provider": { about: "Who serves it." },
  "models[].kind": { about: "What it is for; that of a bundled one cannot be another." },
  "models[].upstream": { about: "What the provider calls it." },
  "models[].input_per_million": {
    about:
      "Price of a million prompt tokens, USD, on every day and for prompts of every length. Bundled prices of cached ones stay, and fall in proportion where it is lower than the bundled one.",
  },
  "models[].output_per_million": {
    about: "Price of a million completion tokens, USD; the same holds.",
  },
  "models[].cache_read_per_million": {
    about: "Price of a million prompt tokens that were read from a cache, USD.",
  },
  "models[].cache_write_per_million": {
    about: "Price of a million prompt tokens that were written to one, USD.",
  },
  "models[].wh_per_1k_tokens": {
    about: "Measured energy of this model there; goes before its provider's figure.",
  },
  "models[].context_window": { about: "Tokens of prompt and answer together." },
  "models[].max_output_tokens": { about: "Tokens of an answer." },
  "models[].tools": {
    about: "Whether it takes tools there. Of a bundled one it counts at this provider alone.",
  },
  "models[].vision": { about: "Whether it takes pictures there; the same holds." },
  "models[].json_schema": {
    about: "Whether it keeps to a JSON Schema there; the same holds.",
  },
};

/** One key of lowrouter.toml. */
export interface Setting {
  key: string;
  /** Its type in words. */
  type: string;
}

/** Every key that the file may hold, from the schema that reads it. */
export function settings(): Setting[] {
  return leaves("", toJsonSchema(fileSchema));
}

function leaves(path: string, schema: JsonObject | Record<string, unknown>): Setting[] {
  const { properties, additionalProperties: each, items } = schema;
  if (isObject(properties))
    return Object.entries(properties).flatMap(([name, member]) =>
      isObject(member) ? leaves(path === "" ? name : `${path}.${name}`, member) : [],
    );
  if (isObject(each) && isObject(each.properties)) return leaves(`${path}.ID`, each);
  if (isObject(items) && isObject(items.properties)) {
    const inner = leaves(`${path}[]`, items);
    return path === "models" ? inner : [{ key: path, type: "list" }, ...inner];
  }
  return [{ key: path, type: inWords(schema) }];
}

/** The settings as Markdown, a table for each section of the file. */
export function settingsMarkdown(): string {
  const sections = Map.groupBy(settings(), ({ key }) => sectionOf(key));
  return [...sections]
    .map(([section, found]) => `### ${titleOf(section)}\n\n${tableOf(found)}`)
    .join("\n\n");
}

function sectionOf(key: string): string {
  return /^(\w+)[.[]/.exec(key)?.[1] ?? "";
}

function titleOf(section: string): string {
  if (section === "") return "Top level";
  if (section === "providers" || section === "oidc") return `\`[${section}.ID]\``;
  return section === "models" ? "`[[models]]`" : `\`[${section}]\``;
}

function tableOf(found: readonly Setting[]): string {
  const isSet = found.some(({ key }) => said[key]?.variable !== undefined);
  const head = isSet
    ? "| Key | Takes | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |"
    : "| Key | Takes | Meaning |\n| --- | --- | --- |";
  const rows = found.map(({ key, type }) => {
    const { about = "", variable, standard } = said[key] ?? {};
    const cells = isSet
      ? [code(key), type, code(standard), code(variable), about]
      : [code(key), type, about];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [head, ...rows].join("\n");
}

function code(text: string | undefined): string {
  return text === undefined ? "—" : `\`${text}\``;
}
