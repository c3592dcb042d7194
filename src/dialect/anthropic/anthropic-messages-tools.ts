import { carried } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { ResponseFormat, Tool, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** The tool that stands in for a response schema; readers show its input as the answer's text. */
export const answerToolName = "lowrouter_json_answer";

/** How tools and the response format are said on this wire. */
export interface ToolPlan {
  tools: JsonObject[];
  choice?: JsonObject;
  /** The model must call a tool, which rules thinking out. */
  forced: boolean;
  /** `output_config.format`. */
  format?: JsonObject;
  dropped: string[];
}

/** Says tools, tool choice and a response schema; without native schemas one forced tool stands in. */
export function planTools(turn: Turn, target: Target): ToolPlan {
  const native = target.jsonSchema;
  const tools = turn.tools.map((tool) => writeTool(tool, native));
  const dropped = !native && turn.tools.some((tool) => tool.strict) ? ["strict"] : [];
  const format = turn.responseFormat;
  if (format?.type === "json_schema" && native) {
    const schema = { type: "json_schema", schema: format.schema };
    return { ...planChoice(turn, tools, target.model), format: schema, dropped };
  }
  // A call demanded by the client comes before the answer, so the answer needs no tool yet.
  const called = turn.toolChoice === "required" || typeof turn.toolChoice === "object";
  if (format?.type !== "json_schema" || (called && tools.length > 0)) {
    return { ...planChoice(turn, tools, target.model), dropped };
  }
  const free = tools.length > 0 && turn.toolChoice !== "none";
  const choice = free
    ? { type: "any", ...(turn.parallelToolCalls === false ? single : {}) }
    : { type: "tool", name: answerToolName, ...single };
  return { tools: [...tools, answerTool(format)], choice, forced: true, dropped };
}

const single = { disable_parallel_tool_use: true } as const;

/** Sonnet 5.5 chooses for itself whether to call a tool. */
function refusesDemand(model: string): boolean {
  return /sonnet-5[.-]5/.test(model);
}

function planChoice(
  turn: Turn,
  tools: JsonObject[],
  model: string,
): Pick<ToolPlan, "tools" | "choice" | "forced"> {
  if (tools.length === 0) return { tools, forced: false };
  const only = turn.parallelToolCalls === false ? single : {};
  const wanted = turn.toolChoice;
  if ((wanted === "required" || typeof wanted === "object") && refusesDemand(model)) {
    throw new AppError(
      "unsupported_feature",
      'Cannot demand a tool call of this model: use "auto" for `tool_choice`',
      { param: "tool_choice" },
    );
  }
  if (wanted === "none") return { tools, choice: { type: "none" }, forced: false };
  if (wanted === "required") return { tools, choice: { type: "any", ...only }, forced: true };
  if (typeof wanted === "object") {
    return { tools, choice: { type: "tool", name: wanted.name, ...only }, forced: true };
  }
  if (wanted === undefined && turn.parallelToolCalls !== false) return { tools, forced: false };
  return { tools, choice: { type: "auto", ...only }, forced: false };
}

function writeTool(tool: Tool, strictKnown: boolean): JsonObject {
  return {
    name: tool.name,
    ...(tool.description ? { description: tool.description } : {}),
    input_schema: objectSchema(tool.parameters),
    ...(tool.strict && strictKnown ? { strict: true } : {}),
    ...carried(tool.carry),
  };
}

function objectSchema(schema: Json | undefined): JsonObject {
  if (!isObject(schema) || Object.keys(schema).length === 0)
    return { type: "object", properties: {} };
  return { ...schema, type: "object" };
}

function answerTool(format: Extract<ResponseFormat, { type: "json_schema" }>): JsonObject {
  const { schema } = format;
  if (!isObject(schema) || (schema.type !== undefined && schema.type !== "object")) {
    throw new AppError(
      "unsupported_feature",
      `Cannot enforce the schema on this model: its root must be of type "object"`,
      { param: "response_format" },
    );
  }
  const about = format.description ? ` ${format.description}` : "";
  return {
    name: answerToolName,
    description: `Gives the final answer to the user.${about}`,
    input_schema: objectSchema(schema),
  };
}
