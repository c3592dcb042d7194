import { objectIn, textIn, textsIn, wrong } from "#src/dialect/ask.ts";
import { listOf, memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { jsonSchemaOf } from "#src/dialect/gemini/gemini-client-schema.ts";
import type { Tool, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const declarations = "functionDeclarations";
const modes = ["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"];

/** Validates `tools`, `toolConfig`. Returns whether there are functions to call. */
export function readTools(body: JsonObject): boolean {
  const { tools } = body;
  if (tools !== undefined && tools !== null && typeof tools !== "object")
    throw wrong("tools", tools, "an array of tools");
  let functions = 0;
  for (const [index, tool] of listOf(tools).entries()) functions += readTool(tool, index);
  readChoice(body);
  return functions > 0;
}

function readTool(tool: Json, index: number): number {
  const at = `tools[${index}]`;
  if (!isObject(tool)) throw wrong(at, tool, "an object");
  const name = nameIn(tool, declarations);
  const declared = tool[name];
  if (declared !== undefined && declared !== null && typeof declared !== "object")
    throw wrong(`${at}.${name}`, declared, "an array of functions");
  const functions = listOf(declared);
  for (const [place, one] of functions.entries()) readDeclaration(one, `${at}.${name}[${place}]`);
  return functions.length;
}

function readDeclaration(declaration: Json, at: string): void {
  if (!isObject(declaration)) throw wrong(at, declaration, "an object");
  const { name } = declaration;
  if (typeof name !== "string" || name === "") throw wrong(`${at}.name`, name, "a name");
  textIn(declaration, "description", `${at}.description`);
  objectIn(declaration, "parameters", `${at}.parameters`);
  const schema = nameIn(declaration, "parametersJsonSchema");
  objectIn(declaration, schema, `${at}.${schema}`);
}

function readChoice(body: JsonObject): void {
  const name = nameIn(body, "toolConfig");
  const config = objectIn(body, name);
  if (config === undefined) return;
  const calling = nameIn(config, "functionCallingConfig");
  const at = `${name}.${calling}`;
  const choice = objectIn(config, calling, at);
  if (choice === undefined) return;
  const mode = textIn(choice, "mode", `${at}.mode`);
  if (mode !== undefined && !modes.includes(mode.toUpperCase()))
    throw wrong(`${at}.mode`, mode, `one of ${modes.slice(1).join(", ")}`);
  const allowed = nameIn(choice, "allowedFunctionNames");
  textsIn(choice, allowed, `${at}.${allowed}`);
}

/** The functions in canonical form. Throws `unsupported_feature` for the tools that only Google's own models have. */
export function toolsOf(body: JsonObject): Tool[] {
  const allowed = choiceOf(body).names;
  return listOf(body.tools)
    .flatMap((tool, index) => (isObject(tool) ? functionsOf(tool, index) : []))
    .filter(({ name }) => allowed.length === 0 || allowed.includes(name));
}

function functionsOf(tool: JsonObject, index: number): Tool[] {
  const name = nameIn(tool, declarations);
  const other = Object.keys(tool).find((key) => key !== name && isObject(tool[key]));
  if (other !== undefined) {
    throw new AppError(
      "unsupported_feature",
      `Cannot use "tools[${index}]" with this model: tools that run at the provider are for Google's own models; send functionDeclarations`,
      { param: `tools[${index}]` },
    );
  }
  return listOf(tool[name]).filter(isObject).map(functionOf);
}

/** Members of a declaration that the canonical form has words for. */
const known = ["name", "description", "parameters", "parametersJsonSchema"];

function functionOf(declaration: JsonObject): Tool {
  const full = memberOf(declaration, "parametersJsonSchema");
  const subset = memberOf(declaration, "parameters");
  const said = new Set(known.map((name) => nameIn(declaration, name)));
  const rest = Object.fromEntries(Object.entries(declaration).filter(([name]) => !said.has(name)));
  return {
    name: stringOf(declaration.name) ?? "",
    description: stringOf(declaration.description),
    parameters: full ?? (subset === undefined ? undefined : jsonSchemaOf(subset)),
    ...(Object.keys(rest).length > 0 ? { carry: { gemini: rest } } : {}),
  };
}

function choiceOf(body: JsonObject): { mode: string; names: string[] } {
  const config = memberOf(body, "toolConfig");
  const calling = isObject(config) ? memberOf(config, "functionCallingConfig") : undefined;
  if (!isObject(calling)) return { mode: "", names: [] };
  const allowed = memberOf(calling, "allowedFunctionNames");
  return {
    mode: stringOf(calling.mode)?.toUpperCase() ?? "",
    names: Array.isArray(allowed) ? allowed.filter((name) => typeof name === "string") : [],
  };
}

/** How functions are chosen; to validate calls is what other models do anyway or not at all. */
export function toolChoiceOf(body: JsonObject): Turn["toolChoice"] {
  const { mode, names } = choiceOf(body);
  const [only] = names;
  if (mode === "ANY") return names.length === 1 && only ? { name: only } : "required";
  if (mode === "NONE") return "none";
  return mode === "AUTO" || mode === "VALIDATED" ? "auto" : undefined;
}
