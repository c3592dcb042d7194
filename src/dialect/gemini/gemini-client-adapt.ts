import type { Target } from "#src/dialect/dialect.ts";
import { listOf, memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { edit, elementsOf, lastOf, membersOf } from "#src/dialect/splice.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Makes the upstream skip its check of a call that another model made. */
const unsigned = '"skip_thought_signature_validator"';

/**
 * Contents, in raw text, with a mark on calls that another model made, where the target checks signatures:
 * it would refuse the conversation otherwise. Undefined where nothing has to be changed.
 */
export function adaptContents(
  body: JsonObject,
  raw: () => string,
  target: Target,
): string | undefined {
  if (target.reasoning?.efforts === undefined || !Array.isArray(body.contents)) return undefined;
  const places = body.contents.map(unsignedCall);
  if (places.every((place) => place === -1)) return undefined;
  const text = raw();
  let out = "";
  let at = 0;
  for (const [index, { start, end }] of elementsOf(text, 0).entries()) {
    const place = places[index] ?? -1;
    if (place === -1) continue;
    out += text.slice(at, start) + signed(text.slice(start, end), place);
    at = end;
  }
  return out + text.slice(at);
}

/**
 * Contents, in raw text, without any signature of another host. Calls get the mark of those that another model made,
 * where the target checks them. Undefined where there is none.
 */
export function withoutSignatures(
  body: JsonObject,
  raw: () => string,
  target: Target,
): string | undefined {
  const { contents } = body;
  if (!Array.isArray(contents) || !contents.some(isSigned)) return undefined;
  const text = raw();
  const isChecked = target.reasoning?.efforts !== undefined;
  let out = "";
  let at = 0;
  for (const [index, { start, end }] of elementsOf(text, 0).entries()) {
    const content = contents[index] ?? null;
    if (!isSigned(content)) continue;
    out += text.slice(at, start) + unproven(text.slice(start, end), content, isChecked);
    at = end;
  }
  return out + text.slice(at);
}

function isSigned(content: Json): boolean {
  return isObject(content) && listOf(content.parts).some(holdsSignature);
}

function holdsSignature(part: Json): boolean {
  return isObject(part) && memberOf(part, "thoughtSignature") !== undefined;
}

/** A content, in raw text, whose calls are marked and whose other parts are not signed. */
function unproven(content: string, parsed: Json, isChecked: boolean): string {
  const member = lastOf(membersOf(content), "parts");
  if (member === undefined || !isObject(parsed)) return content;
  const given = listOf(parsed.parts);
  const isList = content[member.valueStart] === "[";
  const places = isList
    ? elementsOf(content, member.valueStart)
    : [{ start: member.valueStart, end: member.end }];
  let out = "";
  let at = 0;
  for (const [index, { start, end }] of places.entries()) {
    const part = given[index];
    if (!isObject(part) || !holdsSignature(part)) continue;
    const isCall = isObject(memberOf(part, "functionCall"));
    const put = isCall && isChecked ? unsigned : undefined;
    const set = { [nameIn(part, "thoughtSignature")]: put };
    out += content.slice(at, start) + edit(content.slice(start, end), { set });
    at = end;
  }
  return out + content.slice(at);
}

/** Where the first call of a turn stands among its parts when it is not signed; of parallel calls only the first is checked. */
function unsignedCall(content: Json): number {
  if (!isObject(content) || content.role !== "model") return -1;
  const parts = listOf(content.parts);
  const first = parts.findIndex(
    (part) => isObject(part) && isObject(memberOf(part, "functionCall")),
  );
  const call = parts[first];
  return isObject(call) && memberOf(call, "thoughtSignature") === undefined ? first : -1;
}

/** A content, in raw text, with the part at this place signed. */
function signed(content: string, place: number): string {
  const parts = lastOf(membersOf(content), "parts");
  if (parts === undefined) return content;
  const isList = content[parts.valueStart] === "[";
  const part = isList
    ? elementsOf(content, parts.valueStart)[place]
    : { start: parts.valueStart, end: parts.end };
  if (part === undefined) return content;
  const written = edit(content.slice(part.start, part.end), {
    set: { thoughtSignature: unsigned },
    add: { thoughtSignature: unsigned },
  });
  return content.slice(0, part.start) + written + content.slice(part.end);
}
