import { partsAtProvider } from "#src/catalog/price.ts";
import type { EcoBlock } from "#src/dialect/dialect.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { toCredits, toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";

/** One request as GET /v1/generation and the command line show it. Holds no prompt and no answer. */
export function generationRecord(row: Generation) {
  const { tokens } = row;
  const prompt =
    tokens && tokens.inputFresh + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
  const completion = tokens && tokens.outputVisible + tokens.reasoning;
  const total = prompt === undefined || completion === undefined ? undefined : prompt + completion;
  const eco = ecoOf(row);
  const upstream = partsOf(row, prompt, completion);
  return {
    id: row.id,
    generation_id: row.id,
    completion_id: row.completionId ?? null,
    upstream_id: row.upstreamId ?? null,
    created_at: rfc3339(row.createdAt),
    completed_at: rfc3339(row.completedAt),
    key_id: row.keyId,
    key_name: row.keyName,
    user: row.user ?? null,
    app: row.app ?? null,
    dialect: row.dialect,
    requested_model: row.requestedModel ?? null,
    resolved_model: row.model ?? null,
    model: row.model ?? null,
    provider: row.provider ?? null,
    region: row.region ?? null,
    streamed: row.streamed,
    latency_ms: row.latencyMs,
    status: row.status,
    error_code: row.errorCode ?? null,
    settlement: row.settlement,
    prompt_tokens: prompt ?? null,
    completion_tokens: completion ?? null,
    total_tokens: total ?? null,
    cost_credits: row.cost === undefined ? null : toCredits(row.cost),
    usage:
      tokens === undefined
        ? null
        : {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: total,
            cost: units(row.cost),
            is_byok: row.isByok,
            prompt_tokens_details: {
              cached_tokens: tokens.cacheRead,
              cache_write_tokens: tokens.cacheWrite5m + tokens.cacheWrite1h,
            },
            completion_tokens_details: { reasoning_tokens: tokens.reasoning },
            cost_details: {
              upstream_inference_cost: units(row.upstreamCost),
              upstream_inference_prompt_cost: units(upstream?.prompt),
              upstream_inference_completions_cost: units(upstream?.completion),
            },
          },
    ...(eco === undefined ? {} : { eco }),
    routing_trace: row.trace,
  };
}

/** The parts of the price at the provider, as the answer had them. */
function partsOf(
  { costPrompt, costCompletion, upstreamCost }: Generation,
  inputs = 0,
  outputs = 0,
): { prompt: number; completion: number } | undefined {
  if (costPrompt === undefined || costCompletion === undefined || upstreamCost === undefined)
    return undefined;
  const parts = { prompt: costPrompt, completion: costCompletion, upstream: upstreamCost };
  return partsAtProvider(parts, inputs, outputs);
}

function units(amount: number | undefined): number | null {
  return amount === undefined ? null : toUnits(amount);
}

/** The block of a recorded request; undefined where there was no estimate. */
export function ecoOf(row: Generation): EcoBlock | undefined {
  const { energyWh, carbonG, carbonPer1kG, accuracy, methodology } = row;
  if (
    energyWh === undefined ||
    carbonG === undefined ||
    carbonPer1kG === undefined ||
    accuracy === undefined ||
    methodology === undefined
  )
    return undefined;
  return {
    energy_wh: energyWh,
    carbon_g: carbonG,
    carbon_per_1k_tokens_g: carbonPer1kG,
    accuracy,
    methodology_version: methodology,
  };
}
