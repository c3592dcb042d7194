/** Patterns are few and come again with every request: each is taken apart once. */
const known = new Map<string, readonly string[]>();
const most = 1000;

/** Whether a name fits a pattern in which `*` stands for anything. `name` in lower case. */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = partsOf(pattern);
  const first = parts[0] ?? "";
  if (parts.length === 1) return name === first;
  const last = parts[parts.length - 1] ?? "";
  if (!name.startsWith(first) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (let index = 1; index < parts.length - 1; index++) {
    const part = parts[index] ?? "";
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return name.endsWith(last);
}

function partsOf(pattern: string): readonly string[] {
  const before = known.get(pattern);
  if (before !== undefined) return before;
  if (known.size >= most) known.clear();
  const parts = pattern.toLowerCase().split("*");
  known.set(pattern, parts);
  return parts;
}
