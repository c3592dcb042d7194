import { type EndedRequest, hasFailed } from "#src/observe/ended.ts";
import { operationOf } from "#src/observe/meter.ts";
import {
  type Attributes,
  attributes,
  unixNano,
  resource,
  scope,
  type Sender,
} from "#src/observe/otlp-json.ts";
import type { TraceContext } from "#src/observe/trace-context.ts";

/** A request whose span is to be sent. */
export interface TracedRequest {
  request: EndedRequest;
  /** The trace that its client began. */
  context: TraceContext | undefined;
}

/** Hexadecimal digits of so many random bytes. */
export type Hex = (bytes: number) => string;

/** The question of a model to a provider is a client's, as the GenAI conventions have it. */
const client = 3;
const error = 2;
const longestName = 200;

/** Providers by the names of the GenAI conventions, where those have one. Source: opentelemetry.io/docs/specs/semconv/gen-ai */
const providerNames: Readonly<Record<string, string>> = {
  azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  google: "gcp.gemini",
  vertex: "gcp.vertex_ai",
  mistral: "mistral_ai",
  xai: "x_ai",
};

/** A provider in the words of the GenAI conventions; its own id where they have none. */
export function providerName(provider: string): string {
  return Object.hasOwn(providerNames, provider) ? (providerNames[provider] ?? provider) : provider;
}

/** Figures that stay fractions even where they happen to be whole. */
const doubles: ReadonlySet<string> = new Set([
  "lowrouter.cost",
  "lowrouter.eco.energy_wh",
  "lowrouter.eco.carbon_g",
  "lowrouter.eco.carbon_per_1k_tokens_g",
  "lowrouter.eco.grid_g_per_kwh",
]);

/** The body of an export of spans, one for each request. */
export function traceExport(
  requests: readonly TracedRequest[],
  sender: Sender,
  currency: string,
  hex: Hex,
): object {
  const spans = requests.map((one) => spanOf(one, currency, hex));
  return {
    resourceSpans: [{ resource: resource(sender), scopeSpans: [{ scope: scope(sender), spans }] }],
  };
}

function spanOf({ request, context }: TracedRequest, currency: string, hex: Hex): object {
  const { status, errorCode, createdAt, completedAt } = request;
  const operation = operationOf(request.dialect);
  const name = request.model ?? request.requestedModel?.slice(0, longestName);
  const isBroken = status === "upstream_error" || status === "client_error";
  return {
    traceId: context?.traceId ?? hex(16),
    spanId: hex(8),
    ...(context === undefined ? {} : { parentSpanId: context.parentId }),
    ...(context?.state === undefined ? {} : { traceState: context.state }),
    name: name === undefined ? operation : `${operation} ${name}`,
    kind: client,
    startTimeUnixNano: unixNano(createdAt),
    endTimeUnixNano: unixNano(Math.max(createdAt, completedAt)),
    attributes: attributes(factsOf(request, operation, currency), doubles),
    events: request.trace.filter(hasFailed).map((attempt) => ({
      name: "lowrouter.attempt_failed",
      timeUnixNano: unixNano(createdAt),
      attributes: attributes({
        "gen_ai.provider.name": providerName(attempt.provider),
        "lowrouter.region": attempt.region,
        "lowrouter.reason": attempt.reason,
        "lowrouter.attempt_ms": attempt.ms,
      }),
    })),
    status: isBroken ? { code: error, message: errorCode ?? status } : {},
  };
}

function factsOf(request: EndedRequest, operation: string, currency: string): Attributes {
  const { provider, tokens, status, cost } = request;
  const written = tokens && tokens.cacheWrite5m + tokens.cacheWrite1h;
  return {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": provider === undefined ? undefined : providerName(provider),
    "gen_ai.request.model": request.requestedModel?.slice(0, longestName),
    "gen_ai.response.model": request.model,
    "gen_ai.response.id": request.completionId,
    "gen_ai.usage.input_tokens": tokens && tokens.inputFresh + tokens.cacheRead + (written ?? 0),
    "gen_ai.usage.output_tokens": tokens && tokens.outputVisible + tokens.reasoning,
    "gen_ai.usage.cache_read.input_tokens": tokens?.cacheRead,
    "gen_ai.usage.cache_creation.input_tokens": written,
    "error.type": status === "ok" ? undefined : (request.errorCode ?? status),
    "lowrouter.generation_id": request.id,
    "lowrouter.provider": provider,
    "lowrouter.region": request.region,
    "lowrouter.status": status,
    "lowrouter.settlement": request.settlement,
    "lowrouter.streamed": request.streamed,
    "lowrouter.latency_ms": Math.round(request.latencyMs),
    "lowrouter.is_byok": request.isByok,
    "lowrouter.usage.reasoning_tokens": tokens?.reasoning,
    "lowrouter.cost": cost === undefined ? undefined : cost / 1e9,
    "lowrouter.currency": cost === undefined ? undefined : currency,
    "lowrouter.eco.energy_wh": request.energyWh,
    "lowrouter.eco.carbon_g": request.carbonG,
    "lowrouter.eco.carbon_per_1k_tokens_g": request.carbonPer1kG,
    "lowrouter.eco.accuracy": request.accuracy,
    "lowrouter.eco.methodology_version": request.methodology,
    "lowrouter.eco.grid_g_per_kwh": request.gridGPerKwh,
    "lowrouter.eco.grid_zone": request.gridZone,
  };
}
