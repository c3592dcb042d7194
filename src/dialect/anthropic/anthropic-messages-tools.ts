import { carried } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import type { Entry } from "#src/dialect/conversation.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { ResponseFormat, Tool, Turn } from "#src/dialect/turn.ts";
import { loosenedNames, refuseSchema } from "#src/dialect/schema-refs.ts";
import { objectRoot } from "#src/dialect/schema-root.ts";
import { AppError } from "#src/lib/error.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

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

/**
 * Says tools, tool choice and a response schema; without native schemas one forced tool stands in. A conversation with
 * calls is refused where no tool is told, so those that were called are, and none may be called again.
 */
export function planTools(turn: Turn, target: Target, entries: readonly Entry[]): ToolPlan {
  const native = target.jsonSchema;
  const hasTools = turn.tools.length > 0;
  const roots = turn.tools.map(({ parameters }, at) => objectRoot(parameters, `tools[${at}]`));
  const tools = hasTools
    ? turn.tools.map((tool, at) => writeTool(tool, roots[at]?.schema, native))
    : calledTools(entries);
  const dropped = !native && turn.tools.some((tool) => tool.strict) ? ["strict"] : [];
  const loosened = roots.flatMap((root) => root.loosened);
  dropped.push(...loosenedNames("tools", loosened));
  const format = turn.responseFormat;
  if (format?.type === "json_schema" && native) {
    const schema = { type: "json_schema", schema: format.schema };
    return { ...planChoice(turn, tools, target.model), format: schema, dropped };
  }
  // A call demanded by the client comes before the answer, so the answer needs no tool yet.
  const called = turn.toolChoice === "required" || typeof turn.toolChoice === "object";
  if (format?.type !== "json_schema" || (called && hasTools)) {
    return { ...planChoice(turn, tools, target.model), dropped };
  }
  const free = hasTools && turn.toolChoice !== "none";
  const choice = free
    ? { type: "any", ...(turn.parallelToolCalls === false ? single : {}) }
    : { type: "tool", name: answerToolName, ...single };
  const answer = answerTool(format);
  dropped.push(...answer.dropped);
  return { tools: [...tools, answer.tool], choice, forced: true, dropped };
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
  if (turn.tools.length === 0) return { tools, choice: { type: "none" }, forced: false };
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

/** Tools by the names of the calls in a conversation: nothing else is known of them. */
function calledTools(entries: readonly Entry[]): JsonObject[] {
  const names = new Set<string>();
  for (const { role, parts } of entries)
    if (role === "assistant")
      for (const part of parts) if (part.type === "tool_call") names.add(part.name);
  return [...names].map((name) => ({ name, input_schema: anyObject }));
}

function writeTool(
  tool: Tool,
  input_schema: JsonObject = anyObject,
  strictKnown: boolean,
): JsonObject {
  return {
    name: tool.name,
    ...(tool.description ? { description: tool.description } : {}),
    input_schema,
    ...(tool.strict && strictKnown ? { strict: true } : {}),
    ...carried(tool.carry),
  };
}

const anyObject: JsonObject = { type: "object", properties: {} };

/** A response schema as an object. Throws `unsupported_feature` where an answer may be something else. */
export function answerSchema(schema: Json): { schema: JsonObject; dropped: string[] } {
  const { schema: root, loosened, narrowed } = objectRoot(schema, "response_format");
  if (!narrowed) return { schema: root, dropped: loosenedNames("response_format", loosened) };
  throw refuseSchema("response_format", 'its root has to be of type "object" alone');
}

function answerTool({
  schema: given,
  description,
}: Extract<ResponseFormat, { type: "json_schema" }>) {
  const { schema, dropped } = answerSchema(given);
  const about = description ? ` ${description}` : "";
  const tool = {
    name: answerToolName,
    description: `Gives the final answer to the user.${about}`,
    input_schema: schema,
  };
  return { tool, dropped };
}
