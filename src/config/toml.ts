import type { FileConfig } from "#src/config/schema.ts";

/** A configuration as the text of a file. Members that are undefined are left out. */
export function toToml(config: FileConfig): string {
  const lines: string[] = [];
  const { models, ...sections } = config;
  writeTable([], sections, lines);
  for (const model of models ?? []) {
    lines.push("", "[[models]]");
    writeTable(["models"], model, lines);
  }
  return `${lines.join("\n").trim()}\n`;
}

/** Plain values first: what follows a heading belongs to it. */
function writeTable(path: readonly string[], table: object, lines: string[]): void {
  const tables: [string, object][] = [];
  for (const [name, value] of Object.entries(table)) {
    if (value === undefined) continue;
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      tables.push([name, value]);
    else lines.push(`${keyOf(name)} = ${valueOf(value)}`);
  }
  for (const [name, inner] of tables) {
    const at = [...path, name];
    const plain = Object.values(inner).some(
      (value) => typeof value !== "object" || Array.isArray(value),
    );
    if (plain) lines.push("", `[${at.map(keyOf).join(".")}]`);
    writeTable(at, inner, lines);
  }
}

function valueOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueOf).join(", ")}]`;
  if (typeof value === "string") return textOf(value);
  return String(value);
}

/** A basic string: JSON's escapes are TOML's, but for one control character that JSON leaves as it is. */
function textOf(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

function keyOf(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : textOf(name);
}
