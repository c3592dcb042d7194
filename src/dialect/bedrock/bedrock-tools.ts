import { answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import { cachePoint } from "#src/dialect/bedrock/bedrock-cache.ts";
import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import type { Entry } from "#src/dialect/conversation.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { ResponseFormat, Tool, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** How tools and the response format are said on this wire. */
export interface ToolPlan {
  toolConfig?: JsonObject;
  /** `outputConfig.textFormat`. */
  textFormat?: JsonObject;
  /** The model must call a tool, which rules thinking out at Claude. */
  forced: boolean;
  /** No tool is offered, and the conversation has calls: their blocks would be refused. */
  callsAsText: boolean;
  dropped: string[];
}

/**
 * Says tools, tool choice and a response schema. The wire has no word for "no calls" but to offer no tool.
 * A schema is enforced by the host where it can, and by one forced tool for Nova and models without.
 */
export function planTools(
  turn: Turn,
  entries: readonly Entry[],
  target: Target,
  family: Family,
): ToolPlan {
  // Nova is not among the models whose schemas the host enforces.
  const native = target.jsonSchema && family !== "nova";
  const offered = turn.toolChoice === "none" ? [] : turn.tools;
  const tools = offered.flatMap((tool) => writeTool(tool, native, family));
  const dropped = !native && offered.some((tool) => tool.strict) ? ["strict"] : [];
  if (turn.parallelToolCalls === false && offered.length > 0) dropped.push("parallel_tool_calls");
  const demanded = turn.toolChoice === "required" || typeof turn.toolChoice === "object";
  const format = turn.responseFormat;
  const schema = format?.type === "json_schema" ? format : undefined;
  // A call demanded by the client comes before the answer, so the answer needs no tool yet.
  const standsIn = schema !== undefined && !native && !(demanded && offered.length > 0);
  if (standsIn) tools.push(answerTool(schema));
  const choice = standsIn ? standInChoice(offered) : choiceOf(turn, offered);
  return {
    ...(tools.length > 0
      ? { toolConfig: { tools, ...(choice ? { toolChoice: choice } : {}) } }
      : {}),
    ...(schema !== undefined && native ? { textFormat: textFormat(schema) } : {}),
    forced: standsIn || (demanded && offered.length > 0),
    callsAsText: tools.length === 0 && entries.some(hasCalls),
    dropped,
  };
}

function hasCalls(entry: Entry): boolean {
  return entry.role === "assistant" && entry.parts.some((part) => part.type === "tool_call");
}

function standInChoice(offered: readonly Tool[]): JsonObject {
  return offered.length > 0 ? { any: {} } : { tool: { name: answerToolName } };
}

function choiceOf({ toolChoice }: Turn, offered: readonly Tool[]): JsonObject | undefined {
  if (offered.length === 0 || toolChoice === undefined || toolChoice === "none") return undefined;
  if (typeof toolChoice === "object") return { tool: { name: toolChoice.name } };
  return toolChoice === "required" ? { any: {} } : { auto: {} };
}

function writeTool(tool: Tool, strictKnown: boolean, family: Family): JsonObject[] {
  const toolSpec = {
    name: tool.name,
    ...(tool.description ? { description: tool.description } : {}),
    inputSchema: { json: objectSchema(tool.parameters) },
    ...(tool.strict && strictKnown ? { strict: true } : {}),
  };
  // Nova caches system text and messages, not tools.
  return [{ toolSpec }, ...(family === "claude" ? cachePoint(tool.carry, family) : [])];
}

function objectSchema(schema: Json | undefined): JsonObject {
  if (!isObject(schema) || Object.keys(schema).length === 0)
    return { type: "object", properties: {} };
  return { ...schema, type: "object" };
}

type SchemaFormat = Extract<ResponseFormat, { type: "json_schema" }>;

function textFormat({ name, schema, description }: SchemaFormat): JsonObject {
  const jsonSchema = {
    // The wire wants the schema as text.
    schema: JSON.stringify(schema),
    name,
    ...(description ? { description } : {}),
  };
  return { type: "json_schema", structure: { jsonSchema } };
}

function answerTool({ name, schema, description }: SchemaFormat): JsonObject {
  if (!isObject(schema) || (schema.type !== undefined && schema.type !== "object")) {
    throw new AppError(
      "unsupported_feature",
      `Cannot enforce the schema "${name}" on this model: its root must be of type "object"`,
      { param: "response_format" },
    );
  }
  const about = description ? ` ${description}` : "";
  return {
    toolSpec: {
      name: answerToolName,
      description: `Gives the final answer to the user.${about}`,
      inputSchema: { json: objectSchema(schema) },
    },
  };
}
