/** A value in a JSON text, by its place. */
export interface Span {
  start: number;
  /** Just past it. */
  end: number;
  /** Where its quoted name begins, where it is a member. */
  keyStart?: number;
  depth: number;
}

/** Most values that are looked at in one text. */
const most = 2000;

/**
 * Every value of a text that is JSON, or nearly so: what is broken is passed over. Written without a look at the
 * readers under test, so that it does not share their mistakes.
 */
export function spansOf(text: string): Span[] {
  const found: Span[] = [];
  const open: Span[] = [];
  let keyStart: number | undefined;
  let isKey = false;
  const holders: string[] = [];
  for (let at = 0; at < text.length && found.length < most; at++) {
    const character = text[at] ?? "";
    if (character === '"') {
      const start = at;
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (isKey && holders.at(-1) === "{") {
        keyStart = start;
        isKey = false;
      } else found.push({ start, end: at + 1, keyStart, depth: holders.length });
    } else if (character === "{" || character === "[") {
      const span = { start: at, end: at, keyStart, depth: holders.length };
      open.push(span);
      found.push(span);
      holders.push(character);
      isKey = character === "{";
      keyStart = undefined;
    } else if (character === "}" || character === "]") {
      holders.pop();
      const span = open.pop();
      if (span !== undefined) span.end = at + 1;
      isKey = false;
      keyStart = undefined;
    } else if (character === ",") {
      isKey = holders.at(-1) === "{";
      keyStart = undefined;
    } else if (/[-\w]/.test(character)) {
      const start = at;
      while (at + 1 < text.length && /[-+.\w]/.test(text[at + 1] ?? "")) at++;
      found.push({ start, end: at + 1, keyStart, depth: holders.length });
    }
  }
  return found.filter(({ start, end }) => end > start);
}

/** Text of the members of the outermost object of a text that is JSON, by name: the last of a name counts. */
export function membersIn(text: string): Map<string, string> {
  const members = new Map<string, string>();
  for (const { start, end, keyStart, depth } of spansOf(text)) {
    if (depth !== 1 || keyStart === undefined) continue;
    const name: unknown = JSON.parse(
      text.slice(keyStart, text.indexOf(":", endOfKey(text, keyStart))),
    );
    if (typeof name === "string") members.set(name, text.slice(start, end));
  }
  return members;
}

function endOfKey(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
  return at + 1;
}
