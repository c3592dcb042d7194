import * as v from "valibot";
import type { Model, Provider } from "#src/catalog/model.ts";

const day = v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/, "a day, YYYY-MM-DD"));
const source = v.pipe(v.string(), v.minLength(1));
const sourced = { source, read: day };
const decimal = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/, "a decimal string"));
const prices = {
  input: decimal,
  output: decimal,
  cacheRead: v.optional(decimal),
  cacheWrite: v.optional(decimal),
  cacheWrite1h: v.optional(decimal),
  reasoning: v.optional(decimal),
};
const protocol = v.picklist([
  "openai-chat",
  "openai-completions",
  "anthropic-messages",
  "gemini",
  "openai-responses",
  "openai-embeddings",
  "cohere-v2",
  "cohere-v2-embed",
  "gemini-embed",
  "bedrock-converse",
  "bedrock-invoke",
]);
const basis = v.picklist(["published", "assumed", "operator-config"]);
const zdr = v.picklist(["default", "self-serve", "approval", "none", "depends", "unknown"]);
const policy = v.strictObject({
  trainsOnData: v.nullable(v.boolean()),
  retentionDays: v.nullable(v.number()),
  zdr,
  ...sourced,
});

const endpoint = v.strictObject({
  id: v.string(),
  provider: v.string(),
  upstreamModel: v.string(),
  protocol,
  regions: v.array(v.string()),
  regionBasis: basis,
  contextWindow: v.number(),
  maxOutputTokens: v.optional(v.number()),
  prices: v.array(
    v.strictObject({
      ...prices,
      ...sourced,
      from: v.optional(day),
      tiers: v.optional(v.array(v.strictObject({ ...prices, aboveInputTokens: v.number() }))),
    }),
  ),
  quantization: v.optional(v.string()),
  variant: v.optional(v.string()),
  dataPolicy: policy,
  requestOverrides: v.optional(
    v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  ),
  deprecationDate: v.optional(v.string()),
  selfHosted: v.boolean(),
});

const model = v.strictObject({
  id: v.pipe(v.string(), v.includes("/")),
  author: v.string(),
  name: v.string(),
  kind: v.picklist(["chat", "completion", "embedding"]),
  family: v.optional(v.string()),
  releaseDate: v.optional(v.string()),
  knowledgeCutoff: v.optional(v.string()),
  openWeights: v.boolean(),
  contextWindow: v.number(),
  maxOutputTokens: v.optional(v.number()),
  inputModalities: v.array(v.string()),
  outputModalities: v.array(v.string()),
  capabilities: v.strictObject({
    tools: v.boolean(),
    structuredOutputs: v.boolean(),
    jsonMode: v.boolean(),
    reasoning: v.boolean(),
    streaming: v.boolean(),
    vision: v.boolean(),
    pdf: v.boolean(),
    audio: v.boolean(),
    logprobs: v.optional(v.boolean()),
    seed: v.optional(v.boolean()),
    parallelToolCalls: v.optional(v.boolean()),
    assistantPrefill: v.optional(v.boolean()),
    midConversationSystem: v.optional(v.boolean()),
    samplingParams: v.boolean(),
    promptCaching: v.union([v.literal(false), v.literal("automatic"), v.literal("explicit")]),
  }),
  reasoning: v.optional(
    v.strictObject({
      efforts: v.optional(v.array(v.string())),
      budget: v.optional(
        v.strictObject({ min: v.optional(v.number()), max: v.optional(v.number()) }),
      ),
      mandatory: v.optional(v.boolean()),
    }),
  ),
  parameters: v.optional(v.array(v.string())),
  aliases: v.array(v.string()),
  status: v.picklist(["active", "preview", "deprecated", "superseded"]),
  endpoints: v.array(endpoint),
  ...sourced,
});

const provider = v.strictObject({
  id: v.string(),
  name: v.string(),
  headquarters: v.optional(v.string()),
  protocol,
  alsoSpeaks: v.optional(v.array(protocol)),
  baseUrl: v.string(),
  auth: v.union([
    v.strictObject({
      type: v.literal("header"),
      header: v.string(),
      format: v.string(),
      extra: v.optional(v.record(v.string(), v.string())),
    }),
    v.strictObject({ type: v.picklist(["none"]) }),
    v.strictObject({ type: v.picklist(["oauth2"]) }),
    v.strictObject({ type: v.picklist(["sigv4"]) }),
  ]),
  env: v.array(v.string()),
  regions: v.array(
    v.strictObject({
      id: v.string(),
      native: v.optional(v.string()),
      country: v.optional(v.string()),
      gridZone: v.optional(v.string()),
      basis,
      baseUrl: v.optional(v.string()),
    }),
  ),
  dataPolicy: policy,
  defaultZone: v.optional(v.strictObject({ zone: v.string(), ...sourced })),
  quirks: v.optional(v.array(v.string())),
  statusPage: v.optional(v.string()),
  docsUrl: v.optional(v.string()),
  idempotencyHeader: v.optional(v.string()),
  selfHosted: v.boolean(),
  ...sourced,
});

/** Models of a data file. Throws naming the row and the member at fault. */
export function checkModels(file: unknown): Model[] {
  return check(
    v.strictObject({ schema: v.literal(1), models: v.array(model) }),
    file,
    "data/models.json",
  ).models;
}

/** Providers of a data file. Throws naming the row and the member at fault. */
export function checkProviders(file: unknown): Provider[] {
  return check(
    v.strictObject({ schema: v.literal(1), providers: v.array(provider) }),
    file,
    "data/providers.json",
  ).providers;
}

function check<T extends v.GenericSchema>(
  schema: T,
  file: unknown,
  name: string,
): v.InferOutput<T> {
  const parsed = v.safeParse(schema, file, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const row = issue.path
    ?.map((part) => (isRow(part.value) ? part.value.id : undefined))
    .findLast((id) => id !== undefined);
  const at = v.getDotPath(issue) ?? "the file";
  throw new Error(`Cannot load ${name}: ${row ? `row "${row}", ` : ""}${at}: ${issue.message}`);
}

function isRow(value: unknown): value is { id: string } {
  return (
    typeof value === "object" && value !== null && "id" in value && typeof value.id === "string"
  );
}
