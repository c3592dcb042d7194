import { answerSchema, answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import { cachePoint } from "#src/dialect/bedrock/bedrock-cache.ts";
import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import type { Entry } from "#src/dialect/conversation.ts";
import type { Target } from "#src/dialect/dialect.ts";
import { loosenedNames } from "#src/dialect/schema-refs.ts";
import { objectRoot } from "#src/dialect/schema-root.ts";
import type { ResponseFormat, Tool, Turn } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

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
  const roots = offered.map(({ parameters }, at) => objectRoot(parameters, `tools[${at}]`));
  const tools = offered.flatMap((tool, at) => writeTool(tool, roots[at]?.schema, native, family));
  const dropped = !native && offered.some((tool) => tool.strict) ? ["strict"] : [];
  const loosened = roots.flatMap((root) => root.loosened);
  dropped.push(...loosenedNames("tools", loosened));
  if (turn.parallelToolCalls === false && offered.length > 0) dropped.push("parallel_tool_calls");
  const demanded = turn.toolChoice === "required" || typeof turn.toolChoice === "object";
  const format = turn.responseFormat;
  const schema = format?.type === "json_schema" ? format : undefined;
  // A call demanded by the client comes before the answer, so the answer needs no tool yet.
  const standsIn = schema !== undefined && !native && !(demanded && offered.length > 0);
  if (standsIn) {
    const answer = answerTool(schema);
    tools.push(answer.tool);
    dropped.push(...answer.dropped);
  }
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

function writeTool(
  tool: Tool,
  schema: JsonObject = { type: "object", properties: {} },
  strictKnown: boolean,
  family: Family,
): JsonObject[] {
  const toolSpec = {
    name: tool.name,
    ...(tool.description ? { description: tool.description } : {}),
    inputSchema: { json: schema },
    ...(tool.strict && strictKnown ? { strict: true } : {}),
  };
  // Nova caches system text and messages, not tools.
  return [{ toolSpec }, ...(family === "claude" ? cachePoint(tool.carry, family) : [])];
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

function answerTool({ schema: given, description }: SchemaFormat) {
  const { schema, dropped } = answerSchema(given);
  const about = description ? ` ${description}` : "";
  const tool: JsonObject = {
    toolSpec: {
      name: answerToolName,
      description: `Gives the final answer to the user.${about}`,
      inputSchema: { json: schema },
    },
  };
  return { tool, dropped };
}
