import { booleanIn, objectIn, wrong } from "#src/dialect/ask.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Validates tools and the choice among them, deprecated functions included. Returns whether there are any. */
export function readTools(body: JsonObject): boolean {
  const tools = arrayIn(body, "tools");
  const functions = arrayIn(body, "functions");
  for (const [index, tool] of tools.entries()) readTool(tool, `tools[${index}]`);
  for (const [index, one] of functions.entries()) readFunction(one, `functions[${index}]`);
  readChoice(body.tool_choice);
  const call = body.function_call;
  if (call !== undefined && call !== null && call !== "auto" && call !== "none" && !isObject(call))
    throw wrong("function_call", call, '"auto", "none" or an object with a name');
  booleanIn(body, "parallel_tool_calls");
  return tools.length > 0 || functions.length > 0;
}

function arrayIn(body: JsonObject, name: string): Json[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw wrong(name, value, "an array of tools");
}

function readTool(tool: Json, at: string): void {
  if (!isObject(tool)) throw wrong(at, tool, "an object");
  if (tool.input_schema !== undefined && tool.function === undefined) {
    throw new AppError(
      "invalid_value",
      `Cannot use "${at}": a tool with "input_schema" is in Anthropic's shape, which belongs to /v1/messages`,
      { param: at },
    );
  }
  if (tool.type === "function") return readFunction(tool.function, `${at}.function`);
  if (tool.type === "custom") return readName(tool.custom, `${at}.custom`);
  // Providers have tools of their own kinds, which travel as they are.
  if (typeof tool.type !== "string") throw wrong(`${at}.type`, tool.type, '"function"');
}

function readFunction(described: Json | undefined, at: string): void {
  readName(described, at);
  if (isObject(described)) objectIn(described, "parameters", `${at}.parameters`);
}

function readName(described: Json | undefined, at: string): void {
  if (!isObject(described)) throw wrong(at, described, "an object");
  if (typeof described.name !== "string" || described.name === "")
    throw wrong(`${at}.name`, described.name, "a name");
}

const modes = ["auto", "none", "required"];

function readChoice(choice: Json | undefined): void {
  if (choice === undefined || choice === null) return;
  const wanted = '"auto", "none", "required" or an object';
  if (typeof choice === "string" && modes.includes(choice)) return;
  if (!isObject(choice)) throw wrong("tool_choice", choice, wanted);
  const { type } = choice;
  if (type === "function" || type === "custom")
    return readName(choice[type], `tool_choice.${type}`);
  if (type !== "allowed_tools")
    throw wrong("tool_choice.type", type, "function, custom or allowed_tools");
  const allowed = choice.allowed_tools;
  if (!isObject(allowed)) throw wrong("tool_choice.allowed_tools", allowed, "an object");
  if (allowed.mode !== "auto" && allowed.mode !== "required")
    throw wrong("tool_choice.allowed_tools.mode", allowed.mode, '"auto" or "required"');
  if (!Array.isArray(allowed.tools))
    throw wrong("tool_choice.allowed_tools.tools", allowed.tools, "an array of tools");
}
