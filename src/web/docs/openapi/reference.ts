import { isObject } from "#src/lib/json.ts";
import { inWords, type JsonSchema } from "#src/web/docs/json-schema.ts";
import { mounts } from "#src/web/docs/openapi/document.ts";
import type { Operation } from "#src/web/docs/openapi/kit.ts";
import { operations } from "#src/web/docs/openapi/operations.ts";
import { schemas } from "#src/web/docs/openapi/schemas.ts";

const callers: Readonly<Record<Operation["caller"], string>> = {
  anyone: "No key needed.",
  key: "Any key.",
  inference: "An API key (`lr_live_…`).",
  management: "A management key (`lr_mgmt_…`).",
};

/** The reference in Markdown, from the same descriptions as /openapi.json. */
export function referenceMarkdown(): string {
  const shown = operations.filter(({ sameAs }) => sameAs === undefined);
  const byTag = Map.groupBy(shown, ({ tag }) => tag);
  const parts = [...byTag].map(
    ([tag, group]) => `## ${tag}\n\n${group.map(operationMarkdown).join("\n\n")}`,
  );
  const used = Object.entries(schemas).filter(([, schema]) => isObject(schema.properties));
  const shapes = used.map(
    ([name, schema]) => `### ${name}\n\n${membersMarkdown(schema) ?? "Any members."}`,
  );
  return `${parts.join("\n\n")}\n\n## Shapes\n\n${shapes.join("\n\n")}`;
}

function operationMarkdown(operation: Operation): string {
  const { method, path, base, summary, about, caller, query = [], body, answer } = operation;
  const others = [
    ...mounts[base].slice(1).map((mount) => mount + path),
    ...operations.filter(({ sameAs }) => sameAs === path).map((one) => one.path),
  ].filter((one) => one !== path);
  const also = [...new Set(others)].map((one) => `\`${one}\``).join(", ");
  const status = operation.status ?? 200;
  const lines = [
    `### ${method.toUpperCase()} ${path}`,
    `${summary}. ${callers[caller]}${also === "" ? "" : ` Also at ${also}.`}${about === undefined ? "" : ` ${about}`}`,
    query.length === 0
      ? undefined
      : table(
          ["Query", "Takes", "Meaning"],
          query.map((one) => [`\`${one.name}\``, inWords(one.schema), one.about]),
        ),
    body === undefined ? undefined : `Takes: ${shape(body)}.`,
    `Answers ${status}: ${shape(answer)}${(operation.also ?? []).map((one) => `, or \`${one}\``).join("")}.`,
  ];
  return lines.filter((line) => line !== undefined).join("\n\n");
}

/** A schema by its name where it has one, with a link to it. */
function shape(schema: JsonSchema): string {
  if (typeof schema.$ref === "string") {
    const name = inWords(schema);
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (isObject(schema.items)) return `a list of ${shape(schema.items)}`;
  if (!isObject(schema.properties)) return "JSON in the provider's or dialect's own shape";
  const members = Object.entries(schema.properties).map(([name, member]) => {
    const named = isObject(member) && ("$ref" in member || "items" in member);
    return named ? `\`${name}\`: ${shape(member)}` : `\`${name}\``;
  });
  return `an object with ${members.join(", ")}`;
}

function membersMarkdown(schema: JsonSchema): string | undefined {
  if (!isObject(schema.properties)) return undefined;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const rows = Object.entries(schema.properties).flatMap(([name, member]) =>
    isObject(member)
      ? [
          [
            `\`${name}\`${required.includes(name) ? "" : " (optional)"}`,
            linked(member),
            typeof member.description === "string" ? member.description : "",
          ],
        ]
      : [],
  );
  return table(["Member", "Type", "Meaning"], rows);
}

function linked(member: JsonSchema): string {
  if (typeof member.$ref === "string") return shape(member);
  if (isObject(member.items) && typeof member.items.$ref === "string")
    return `list of ${shape(member.items)}`;
  return inWords(member);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
