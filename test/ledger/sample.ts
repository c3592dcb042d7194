import { nano } from "#src/ledger/money.ts";
import { ulidStart } from "#src/lib/id.ts";
import type { Generation } from "#src/ledger/generation.ts";

let made = 0;

/** An ordinary generation with an id of its own; parts as given. */
export function sampleGeneration(parts: Partial<Generation> = {}): Generation {
  const { createdAt = Date.UTC(2026, 0, 15, 10, 30) } = parts;
  // As the gateway makes them: by the time of the request, and in one moment by their order.
  const id = `gen_${ulidStart(createdAt).slice(0, 10)}${String(++made).padStart(16, "0")}`;
  return {
    id,
    completionId: `chatcmpl-${id.slice(4)}`,
    upstreamId: "chatcmpl-up1",
    accountId: "acc_1",
    keyId: "f01d52",
    keyName: "prod-server",
    user: "customer_abc123",
    app: undefined,
    dialect: "openai-chat",
    requestedModel: "lowrouter/auto",
    model: "openai/gpt-5.4",
    provider: "openai",
    region: "eu-west",
    streamed: false,
    status: "ok",
    errorCode: undefined,
    settlement: "final",
    createdAt,
    completedAt: Date.UTC(2026, 0, 15, 10, 30, 1),
    latencyMs: 1240.5,
    tokens: {
      inputFresh: 400,
      cacheRead: 100,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      outputVisible: 150,
      reasoning: 50,
    },
    rawUsage: '{"prompt_tokens":500,"completion_tokens":200}',
    cost: nano(4_200_000),
    costPrompt: nano(1_200_000),
    costCompletion: nano(3_000_000),
    upstreamCost: nano(4_000_000),
    usdRate: 1,
    isByok: false,
    energyWh: 0.0942832,
    carbonG: 0.02558846,
    carbonPer1kG: 0.0365,
    energyBounds: { low: 0.0731, high: 0.1154664 },
    accuracy: "medium",
    methodology: "v0.4-2026-01",
    gridGPerKwh: 271.4,
    gridZone: "IE",
    measured: undefined,
    trace: [
      {
        provider: "openai",
        region: "us-east",
        model: "openai/gpt-5.4",
        decision: "filtered",
        reason: "region_pin",
      },
      {
        provider: "openai",
        region: "eu-west",
        model: "openai/gpt-5.4",
        decision: "selected",
        reason: "lowest_carbon",
      },
    ],
    ...parts,
  };
}
