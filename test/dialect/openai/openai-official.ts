import OpenAI from "openai";
import type { StreamHead, Summary } from "#src/dialect/dialect.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { EcoBlock } from "#src/dialect/dialect.ts";

/** The official client, which gets these bytes as the answer to whatever it asks. */
export function clientThatHears(body: string | Uint8Array<ArrayBuffer>, type: string): OpenAI {
  return new OpenAI({
    apiKey: "test",
    baseURL: "http://gateway/v1",
    maxRetries: 0,
    fetch: async () => new Response(body, { headers: { "content-type": type } }),
  });
}

export const eco: EcoBlock = {
  energy_wh: 0.0942832,
  carbon_g: 0.02558846,
  carbon_per_1k_tokens_g: 0.5815559,
  accuracy: "medium",
  methodology_version: "v0.4-2026-01",
};

export const usage: Usage = {
  input: { fresh: 11, cacheRead: 5, cacheWrite5m: 2, cacheWrite1h: 0 },
  output: { visible: 20, reasoning: 6 },
  raw: null,
};

export const head: StreamHead = {
  completionId: "chatcmpl-1",
  created: 1_767_225_600,
  model: "openai/gpt-4o-mini",
  provider: "openai",
  includeUsage: false,
};

export const summary: Summary = {
  completionId: "chatcmpl-1",
  created: 1_767_225_600,
  model: "openai/gpt-4o-mini",
  provider: "openai",
  usage,
  cost: { total: 0.000132, prompt: 0.00003, completion: 0.000102 },
  isByok: false,
  block: { generation_id: "gen_1", provider: "openai", region: "eu-west", eco },
};
