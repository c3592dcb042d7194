import { objectIn, booleanIn, wrong } from "#src/dialect/ask.ts";
import type { Tool, Turn } from "#src/dialect/turn.ts";
import { membersBeside } from "#src/dialect/anthropic/anthropic-client-parts.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Validates tools and the choice among them. Returns whether there are any. */
export function readTools(body: JsonObject): boolean {
  const { tools } = body;
  readChoice(body);
  if (tools === undefined || tools === null) return false;
  if (!Array.isArray(tools)) throw wrong("tools", tools, "an array of tools");
  for (const [index, tool] of tools.entries()) readTool(tool, `tools[${index}]`);
  return tools.length > 0;
}

function readTool(tool: Json, at: string): void {
  if (!isObject(tool)) throw wrong(at, tool, "an object");
  if (isObject(tool.function)) {
    throw new AppError(
      "invalid_value",
      `Cannot use "${at}": a tool with "function" is in OpenAI's shape, which belongs to /v1/chat/completions`,
      { param: at },
    );
  }
  // The provider's own tools have a dated type and travel as they are.
  if (!isOwn(tool)) return;
  if (typeof tool.name !== "string" || tool.name === "")
    throw wrong(`${at}.name`, tool.name, "a name");
  if (!isObject(tool.input_schema))
    throw wrong(`${at}.input_schema`, tool.input_schema, "an object");
}

/** A tool that the client describes and runs itself. */
function isOwn({ type }: JsonObject): boolean {
  return typeof type !== "string" || type === "custom";
}

const choices = ["auto", "any", "tool", "none"];

function readChoice(body: JsonObject): void {
  const choice = objectIn(body, "tool_choice");
  if (choice === undefined) return;
  const { type, name } = choice;
  if (typeof type !== "string" || !choices.includes(type))
    throw wrong("tool_choice.type", type, `one of ${choices.join(", ")}`);
  booleanIn(choice, "disable_parallel_tool_use", "tool_choice.disable_parallel_tool_use");
  if (type === "tool" && (typeof name !== "string" || name === ""))
    throw wrong("tool_choice.name", name, "a name");
}

/** Tools in canonical form. Throws `unsupported_feature` for a provider's own tool. */
export function toolsOf({ tools }: JsonObject): Tool[] {
  if (!Array.isArray(tools)) return [];
  return tools.filter(isObject).map((tool, index) => {
    if (!isOwn(tool)) throw foreign(tool, `tools[${index}]`);
    return {
      name: stringOf(tool.name) ?? "",
      description: stringOf(tool.description),
      parameters: tool.input_schema ?? undefined,
      strict: typeof tool.strict === "boolean" ? tool.strict : undefined,
      ...membersBeside(tool, described),
    };
  });
}

const described = ["type", "name", "description", "input_schema", "strict"];

function foreign({ type }: JsonObject, param: string): AppError {
  const said = /^[a-z0-9_]{1,64}$/.test(stringOf(type) ?? "") ? ` of type "${String(type)}"` : "";
  return new AppError(
    "unsupported_feature",
    `Cannot send "${param}"${said} to this model: Anthropic runs it, so ask a Claude model, or describe a tool with "input_schema"`,
    { param },
  );
}

/** The choice among tools; none where there are no tools to choose from. */
export function toolChoiceOf({
  tools,
  tool_choice: choice,
}: JsonObject): Pick<Turn, "toolChoice" | "parallelToolCalls"> {
  if (!Array.isArray(tools) || tools.length === 0 || !isObject(choice)) return {};
  return {
    toolChoice: wordFor(choice),
    ...(choice.disable_parallel_tool_use === true ? { parallelToolCalls: false } : {}),
  };
}

function wordFor({ type, name }: JsonObject): Turn["toolChoice"] {
  if (type === "any") return "required";
  if (type === "auto" || type === "none") return type;
  return type === "tool" && typeof name === "string" ? { name } : undefined;
}
