import { wrong } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { configOf, reasoningOf, schemaOf } from "#src/dialect/gemini/gemini-client-config.ts";
import { refuse } from "#src/dialect/gemini/gemini-client-media.ts";
import { messagesOf, systemOf } from "#src/dialect/gemini/gemini-client-messages.ts";
import { memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { steering } from "#src/dialect/gemini/gemini-client-peek.ts";
import { jsonSchemaOf } from "#src/dialect/gemini/gemini-client-schema.ts";
import { toolChoiceOf, toolsOf } from "#src/dialect/gemini/gemini-client-tools.ts";
import type { ResponseFormat, Turn } from "#src/dialect/turn.ts";
import { numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

/** Members of a body that the canonical form has words for. */
const known = [
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "generationConfig",
  "serviceTier",
];
/** The same of `generationConfig`. */
const configured = [
  "temperature",
  "topP",
  "topK",
  "candidateCount",
  "maxOutputTokens",
  "stopSequences",
  "seed",
  "presencePenalty",
  "frequencyPenalty",
  "responseLogprobs",
  "logprobs",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "_responseJsonSchema",
  "responseModalities",
  "thinkingConfig",
  "mediaResolution",
];

/** A validated generateContent request in canonical form. Throws `unsupported_feature` for what only its own wire can say. */
export function readContentRequest(ask: Ask): Turn {
  const { parsed: body, stream, choices, maxOutputTokens, user } = ask;
  const config = configOf(body);
  refuseOwn(body, config);
  const number = (name: string) => numberOf(memberOf(config, name));
  const stops = memberOf(config, "stopSequences");
  const messages = messagesOf(body.contents, detailOf(config));
  if (messages.length === 0)
    throw wrong("contents", body.contents, "at least one part that says something");
  return {
    system: systemOf(body),
    messages,
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body),
    maxOutputTokens,
    temperature: number("temperature"),
    topP: number("topP"),
    topK: number("topK"),
    frequencyPenalty: number("frequencyPenalty"),
    presencePenalty: number("presencePenalty"),
    seed: number("seed"),
    stop: Array.isArray(stops) ? stops.filter((one) => typeof one === "string") : [],
    choices,
    responseFormat: formatOf(config),
    reasoning: reasoningOf(config),
    stream,
    user,
    extra: extraOf(body, config),
  };
}

/** What would change the answer if it were left out. */
function refuseOwn(body: JsonObject, config: JsonObject): void {
  if (memberOf(body, "cachedContent") !== undefined)
    throw refuse("cachedContent", "a prompt that is cached at Google", "send all of the contents");
  const modalities = memberOf(config, "responseModalities");
  if (!Array.isArray(modalities)) return;
  if (modalities.some((kind) => stringOf(kind)?.toUpperCase() !== "TEXT"))
    throw refuse(
      "generationConfig.responseModalities",
      "other modalities than TEXT",
      "ask for TEXT",
    );
}

function formatOf(config: JsonObject): ResponseFormat | undefined {
  const type = stringOf(memberOf(config, "responseMimeType"));
  if (type !== undefined && type !== "application/json" && type !== "text/plain")
    throw refuse("generationConfig.responseMimeType", "this type", "use application/json");
  const told = schemaOf(config);
  if (told === undefined) return type === "application/json" ? { type: "json_object" } : undefined;
  const schema = "full" in told ? told.full : jsonSchemaOf(told.subset);
  return { type: "json_schema", name: "answer", schema };
}

/** How closely pictures are looked at. */
function detailOf(config: JsonObject): string | undefined {
  const resolution = stringOf(memberOf(config, "mediaResolution"));
  if (resolution === "MEDIA_RESOLUTION_LOW") return "low";
  return resolution === "MEDIA_RESOLUTION_HIGH" ? "high" : undefined;
}

/** What the canonical form has no word for and other wires do, by the names that these have. */
function extraOf(body: JsonObject, config: JsonObject): JsonObject {
  const extra: JsonObject = {};
  if (memberOf(config, "responseLogprobs") === true) {
    extra.logprobs = true;
    const top = numberOf(memberOf(config, "logprobs"));
    if (top !== undefined) extra.top_logprobs = top;
  }
  const tier = stringOf(memberOf(body, "serviceTier"))?.toLowerCase();
  if (tier === "flex" || tier === "priority") extra.service_tier = tier;
  return extra;
}

/** Names of members that no other wire can say and that change nothing about the answer's meaning. */
export function unsaid({ parsed }: Ask): string[] {
  return [
    ...left(parsed, [...known, ...steering]),
    ...left(configOf(parsed), configured).map((name) => `generationConfig.${name}`),
  ];
}

function left(holder: JsonObject, said: readonly string[]): string[] {
  const names = new Set(said.map((name) => nameIn(holder, name)));
  return Object.keys(holder).filter((name) => !names.has(name) && holder[name] !== null);
}
