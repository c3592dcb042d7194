import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What this simulation signs its function calls with, base64; another one is refused when it comes back. */
export const thoughtSignature = "c2ltdWxhdGVkLXRob3VnaHQ=";
/** Google's word for a call that another model made. */
const skip = "skip_thought_signature_validator";

/** Models from this line on sign their calls and want the signatures back. */
export function signs(model: string): boolean {
  return /^gemini-([3-9]|\d{2})/.test(model);
}

/** Parts of a content. */
export function partsOf(content: Json | undefined): JsonObject[] {
  return isObject(content) && Array.isArray(content.parts) ? content.parts.filter(isObject) : [];
}

/** The first rule about contents that is broken; the text says which. */
export function brokenContents(contents: JsonObject[], model: string): string | undefined {
  if (contents.length === 0) return "* GenerateContentRequest.contents: contents is not specified";
  for (const [index, content] of contents.entries()) {
    const { role } = content;
    if (role !== undefined && role !== "user" && role !== "model" && role !== "function")
      return "Please use a valid role: user, model.";
    const parts = partsOf(content);
    if (parts.length === 0)
      return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`;
    const before = contents[index - 1];
    const broken = brokenCalls(parts, before) ?? brokenResponses(parts, before, index);
    if (broken !== undefined) return broken;
  }
  return signs(model) ? brokenSignature(contents) : undefined;
}

function brokenCalls(parts: JsonObject[], before: JsonObject | undefined): string | undefined {
  const calls = parts.some((part) => isObject(part.functionCall));
  return calls && (before === undefined || before.role === "model")
    ? "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
    : undefined;
}

/** As many responses as calls, directly after them, each of a called name and with an object in it. */
function brokenResponses(
  parts: JsonObject[],
  before: JsonObject | undefined,
  index: number,
): string | undefined {
  const responses = parts.map((part) => part.functionResponse).filter(isObject);
  const calls = partsOf(before)
    .map((part) => part.functionCall)
    .filter(isObject);
  if (responses.length === 0 && calls.length === 0) return undefined;
  if (responses.length > 0 && calls.length === 0)
    return "Please ensure that function response turn comes immediately after a function call turn.";
  if (responses.length !== calls.length)
    return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
  for (const { name, response } of responses) {
    if (!isObject(response))
      return `Invalid value at 'contents[${index}].parts[0].function_response.response' (type.googleapis.com/google.protobuf.Struct)`;
    if (!calls.some((call) => call.name === name))
      return `Function response name ${stringOf(name) ?? ""} does not match a function call`;
  }
  return undefined;
}

/** In the current turn, the first call of every step carries its signature. */
function brokenSignature(contents: JsonObject[]): string | undefined {
  const turn = contents.findLastIndex(
    (content) =>
      content.role !== "model" && partsOf(content).some((part) => typeof part.text === "string"),
  );
  for (const content of contents.slice(turn + 1)) {
    const call = partsOf(content).find((part) => isObject(part.functionCall));
    if (call === undefined) continue;
    const given = stringOf(call.thoughtSignature);
    if (given === undefined)
      return "Function call is missing a thought_signature in functionCall parts.";
    if (given !== thoughtSignature && given !== skip && given !== btoa(skip))
      return "Corrupted thought signature.";
  }
  return undefined;
}
