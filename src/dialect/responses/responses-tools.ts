import { objectIn, wrong } from "#src/dialect/ask.ts";
import { flatName } from "#src/dialect/responses/responses-namespaces.ts";
import type { Tool, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Validates tools and the choice among them. Returns whether the caller runs any of them. */
export function readResponsesTools(body: JsonObject): boolean {
  const { tools } = body;
  readChoice(body.tool_choice);
  if (tools === undefined || tools === null) return false;
  if (!Array.isArray(tools)) throw wrong("tools", tools, "an array of tools");
  for (const [index, tool] of tools.entries()) readTool(tool, `tools[${index}]`);
  return tools.some((tool) => isObject(tool) && callers.has(tool.type));
}

/** Types of tools that the caller runs. */
const callers: ReadonlySet<Json | undefined> = new Set(["function", "custom", "namespace"]);

function readTool(tool: Json, at: string): void {
  if (!isObject(tool)) throw wrong(at, tool, "an object");
  // The provider's own tools are of many types, which travel as they are to those who have them.
  if (typeof tool.type !== "string") throw wrong(`${at}.type`, tool.type, '"function"');
  if (!callers.has(tool.type)) return;
  if (isObject(tool.function)) {
    throw new AppError(
      "invalid_value",
      `Cannot use "${at}.function": a tool is flat here, with its name and parameters beside its type`,
      { param: `${at}.function` },
    );
  }
  if (typeof tool.name !== "string" || tool.name === "")
    throw wrong(`${at}.name`, tool.name, "a name");
  objectIn(tool, "parameters", `${at}.parameters`);
  if (tool.type !== "namespace") return;
  if (!Array.isArray(tool.tools)) throw wrong(`${at}.tools`, tool.tools, "an array of tools");
  for (const [index, inner] of tool.tools.entries()) readTool(inner, `${at}.tools[${index}]`);
}

const modes = ["auto", "none", "required"];

function readChoice(choice: Json | undefined): void {
  if (choice === undefined || choice === null) return;
  if (typeof choice === "string" && modes.includes(choice)) return;
  if (!isObject(choice))
    throw wrong("tool_choice", choice, '"auto", "none", "required" or an object');
  if (typeof choice.type !== "string")
    throw wrong("tool_choice.type", choice.type, "function, allowed_tools or a type of tool");
  if (choice.type === "function" && (typeof choice.name !== "string" || choice.name === ""))
    throw wrong("tool_choice.name", choice.name, "a name");
  if (choice.type !== "allowed_tools") return;
  if (choice.mode !== "auto" && choice.mode !== "required")
    throw wrong("tool_choice.mode", choice.mode, '"auto" or "required"');
  if (!Array.isArray(choice.tools))
    throw wrong("tool_choice.tools", choice.tools, "an array of tools");
}

/** Tools in canonical form. Throws `unsupported_feature` for those that a provider runs itself. */
export function toolsOf(body: JsonObject): Tool[] {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const isAllowed = allowedBy(body.tool_choice);
  const idle = idleTools(body);
  return tools.flatMap((tool, index) => {
    const at = `tools[${index}]`;
    if (at in idle) return [];
    if (tool.type !== "namespace") return isAllowed(tool) ? [toolOf(tool, at)] : [];
    return spacedTools(tool, at, isAllowed);
  });
}

/** The functions of a namespace, each by a name that holds both. What the namespace says stands with its first. */
function spacedTools(space: JsonObject, at: string, isAllowed: Allowed): Tool[] {
  const namespace = stringOf(space.name) ?? "";
  const inner = Array.isArray(space.tools) ? space.tools.filter(isObject) : [];
  const said = inner.flatMap((tool, index) => {
    const made = toolOf(tool, `${at}.tools[${index}]`);
    return isAllowed(tool, namespace) ? [{ ...made, name: flatName(made.name, namespace) }] : [];
  });
  const [first, ...rest] = said;
  const about = stringOf(space.description);
  if (first === undefined || about === undefined) return said;
  const description = first.description === undefined ? about : `${about}\n\n${first.description}`;
  return [{ ...first, description }, ...rest];
}

/**
 * Tools that a request offers and can do without, by their place: a search that may not go out to the web. Agents
 * offer it with every request, so it is left out and named, where any other search is refused.
 */
export function idleTools({ tools, tool_choice: choice }: JsonObject): JsonObject {
  if (!Array.isArray(tools) || choice === "required" || isObject(choice)) return {};
  return Object.fromEntries(
    tools.flatMap((tool, index) =>
      isObject(tool) && tool.type === "web_search" && tool.external_web_access === false
        ? [[`tools[${index}]`, tool]]
        : [],
    ),
  );
}

function toolOf(tool: JsonObject, param: string): Tool {
  if (tool.type !== "function") throw hosted(tool.type, param);
  return {
    name: stringOf(tool.name) ?? "",
    description: stringOf(tool.description),
    parameters: tool.parameters ?? undefined,
    strict: typeof tool.strict === "boolean" ? tool.strict : undefined,
  };
}

/** The type is a word of the wire's own, so it may be named; anything else may not. */
function hosted(type: Json | undefined, param: string): AppError {
  const named =
    typeof type === "string" && /^[a-z0-9_]{1,64}$/.test(type)
      ? `of type "${type}"`
      : "of its type";
  return new AppError(
    "unsupported_feature",
    `Cannot use "${param}" with this model: a tool ${named} needs a provider that speaks Responses; others take tools of type "function" only`,
    { param },
  );
}

type Allowed = (tool: JsonObject, namespace?: string) => boolean;

/** Whether a choice of `allowed_tools` leaves a tool, which it names itself or by its namespace. */
function allowedBy(choice: Json | undefined): Allowed {
  if (!isObject(choice) || choice.type !== "allowed_tools" || !Array.isArray(choice.tools))
    return () => true;
  const told = choice.tools.filter(isObject);
  return (tool, namespace) =>
    told.some(({ type, name, namespace: space }) =>
      type === "namespace"
        ? name === namespace
        : name === tool.name && (space ?? undefined) === namespace,
    );
}

/** The choice among tools in canonical form. Throws `unsupported_feature` for tools that a provider runs itself. */
export function toolChoiceOf({ tool_choice: choice }: JsonObject): Turn["toolChoice"] {
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isObject(choice)) return undefined;
  if (choice.type === "allowed_tools") return choice.mode === "required" ? "required" : "auto";
  if (choice.type !== "function") throw hosted(choice.type, "tool_choice");
  return { name: flatName(stringOf(choice.name) ?? "", stringOf(choice.namespace)) };
}
