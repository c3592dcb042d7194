import { arrange } from "#src/dialect/conversation.ts";
import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { planConfig, takesJsonSchema } from "#src/dialect/gemini/gemini-config.ts";
import { isOwnReasoning, writeContent } from "#src/dialect/gemini/gemini-content.ts";
import { leftover } from "#src/dialect/leftover.ts";
import { reduceSchema } from "#src/dialect/schema-openapi.ts";
import { loosenedNames } from "#src/dialect/schema-refs.ts";
import { objectRoot } from "#src/dialect/schema-root.ts";
import type { Tool, Turn } from "#src/dialect/turn.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A canonical request as a generateContent request. Throws `unsupported_feature` for what would change the answer. */
export function writeRequest(turn: Turn, target: Target): UpstreamRequest {
  const { system, entries } = arrange(turn, isOwnReasoning);
  const { config, dropped, stops } = planConfig(turn, target);
  const checksSignatures = target.reasoning?.efforts !== undefined;
  const body: JsonObject = {
    ...(system.length > 0
      ? { systemInstruction: { parts: [{ text: system.map((part) => part.text).join("\n\n") }] } }
      : {}),
    contents: entries.map((entry) => writeContent(entry, { checksSignatures })),
    ...writeTools(turn, target, dropped),
    ...(Object.keys(config).length > 0 ? { generationConfig: config } : {}),
  };
  if (turn.parallelToolCalls === false && turn.tools.length > 0)
    dropped.push("parallel_tool_calls");
  dropped.push(...leftover(turn, turn.extra.logprobs === true ? ["logprobs", "top_logprobs"] : []));
  const model = target.model.split("/").map(encodeURIComponent).join("/");
  const action = turn.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  const bytes = jsonBody(mergeJson(body, target.overrides));
  return { path: `/models/${model}:${action}`, body: bytes, dropped, stops };
}

function writeTools(turn: Turn, target: Target, dropped: string[]): JsonObject {
  if (turn.tools.length === 0) return {};
  if (turn.responseFormat && isSecondGeneration(target.model)) {
    // Tools that must not be called are as good as none.
    if (turn.toolChoice === "none") return {};
    throw new AppError(
      "unsupported_feature",
      "Cannot combine `tools` with `response_format` on this model: send one of them",
      { param: "response_format" },
    );
  }
  const choice = callingConfig(turn);
  const loosened: string[] = [];
  const write = takesJsonSchema(target.model)
    ? (tool: Tool) => writeTool(tool, fullParameters(tool))
    : (tool: Tool, at: number) => writeTool(tool, reducedParameters(tool, at, loosened));
  const functionDeclarations = turn.tools.map(write);
  dropped.push(...loosenedNames("tools", loosened));
  return {
    tools: [{ functionDeclarations }],
    ...(choice ? { toolConfig: { functionCallingConfig: choice } } : {}),
  };
}

function isSecondGeneration(model: string): boolean {
  return /gemini-[12]([.-]|$)/.test(model);
}

function callingConfig({ toolChoice }: Turn): JsonObject | undefined {
  if (toolChoice === undefined) return undefined;
  if (typeof toolChoice === "object") {
    return { mode: "ANY", allowedFunctionNames: [toolChoice.name] };
  }
  const modes = { none: "NONE", auto: "AUTO", required: "ANY" } as const;
  return { mode: modes[toolChoice] };
}

function writeTool(tool: Tool, parameters: JsonObject): JsonObject {
  return {
    name: tool.name,
    ...(tool.description ? { description: tool.description } : {}),
    ...parameters,
    ...tool.carry?.gemini,
  };
}

function fullParameters({ parameters }: Tool): JsonObject {
  return takesArguments(parameters) ? { parametersJsonSchema: parameters } : {};
}

/** Parameters as older models take them. */
function reducedParameters({ parameters }: Tool, at: number, loosened: string[]): JsonObject {
  if (!takesArguments(parameters)) return {};
  const param = `tools[${at}]`;
  const root = objectRoot(parameters, param);
  const reduced = reduceSchema(root.schema, param);
  loosened.push(...root.loosened, ...reduced.loosened);
  return reduced.schema.type === "OBJECT" ? { parameters: reduced.schema } : {};
}

/** Older models refuse an object without properties, so a schema that says nothing is left out. */
function takesArguments(schema: Json | undefined): boolean {
  if (!isObject(schema)) return false;
  if (isObject(schema.properties) && Object.keys(schema.properties).length > 0) return true;
  const open = ["anyOf", "oneOf", "allOf", "$ref", "patternProperties"];
  return open.some((name) => schema[name] !== undefined) || isObject(schema.additionalProperties);
}
