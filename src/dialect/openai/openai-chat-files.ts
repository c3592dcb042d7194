import type { Ask, RemoteSource } from "#src/dialect/dialect.ts";
import { fromRaw, rawOf, readRaw } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, membersOf } from "#src/dialect/splice.ts";
import { isObject } from "#src/lib/json.ts";

/** Files that a chat request names by address: this wire takes their bytes only. */
export function fileAddresses({ needs, parsed }: Ask): RemoteSource[] {
  if (!needs.pdf || !Array.isArray(parsed.messages)) return [];
  return parsed.messages.flatMap((message) => {
    const content = isObject(message) && Array.isArray(message.content) ? message.content : [];
    return content.flatMap((part): RemoteSource[] => {
      const file = isObject(part) && part.type === "file" && isObject(part.file) ? part.file : {};
      const { file_data: url } = file;
      return typeof url === "string" && /^https?:/i.test(url) ? [{ kind: "file", url }] : [];
    });
  });
}

/** The body with data URIs, by address, in the place of addresses; all other bytes stay. */
export function inlineFiles(
  body: Uint8Array,
  ask: Ask,
  dataUris: ReadonlyMap<string, string>,
): { body: Uint8Array; ask: Ask } {
  const raw = changeMember(rawOf(body, ask), "messages", (messages) =>
    changeElements(messages, (message) =>
      changeMember(message, "content", (content) =>
        changeElements(content, (part) =>
          changeMember(part, "file", (file) => inlineFile(file, dataUris)),
        ),
      ),
    ),
  );
  return ask.ascii === undefined
    ? { body: fromRaw(raw), ask: { ...ask, raw: undefined } }
    : { body, ask: { ...ask, ascii: raw } };
}

function inlineFile(raw: string, dataUris: ReadonlyMap<string, string>): string {
  if (!raw.startsWith("{")) return raw;
  const members = membersOf(raw);
  const data = lastOf(members, "file_data");
  if (data === undefined) return raw;
  const url: unknown = JSON.parse(readRaw(raw.slice(data.valueStart, data.end)));
  const dataUri = typeof url === "string" ? dataUris.get(url) : undefined;
  if (typeof url !== "string" || dataUri === undefined) return raw;
  const filename = JSON.stringify(fileNameOf(url));
  return edit(raw, { set: { file_data: `"${dataUri}"` }, add: { filename } }, 0, members);
}

/** A name for a file that came without one: some upstreams want one. */
export function fileNameOf(url: string): string {
  const last = URL.parse(url)?.pathname.split("/").at(-1) ?? "";
  const name = last.replace(/[^A-Za-z0-9._-]+/g, "_").slice(-80);
  return /[A-Za-z0-9]/.test(name) ? name : "document";
}

function changeMember(raw: string, name: string, change: (value: string) => string): string {
  if (!/^\s*\{/.test(raw)) return raw;
  const member = lastOf(membersOf(raw), name);
  if (member === undefined) return raw;
  const value = change(raw.slice(member.valueStart, member.end));
  return raw.slice(0, member.valueStart) + value + raw.slice(member.end);
}

function changeElements(raw: string, change: (element: string) => string): string {
  if (!raw.startsWith("[")) return raw;
  let out = "";
  let at = 0;
  for (const { start, end } of elementsOf(raw, 0)) {
    out += raw.slice(at, start) + change(raw.slice(start, end));
    at = end;
  }
  return out + raw.slice(at);
}
