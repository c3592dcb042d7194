import { AppError } from "#src/lib/error.ts";
import alerts from "#src/web/content/downloads/lowrouter-alerts.yml" with { type: "text" };
import dashboard from "#src/web/content/downloads/lowrouter-dashboard.json" with { type: "json" };

/** What monitoring takes as a file, by its name at /docs/downloads: the text, and its type. */
export const downloads: ReadonlyMap<string, readonly [text: string, type: string]> = new Map([
  ["lowrouter-alerts.yml", [alerts, "application/yaml"]],
  [
    "lowrouter-dashboard.json",
    [`${JSON.stringify(dashboard, undefined, 2)}\n`, "application/json"],
  ],
] as const);

/** One of them, to be kept. Throws not_found for another name. */
export function download(name: string): Response {
  const [text, type] = downloads.get(name) ?? [];
  if (text === undefined || type === undefined)
    throw new AppError(
      "not_found",
      `There is no such file: there are ${[...downloads.keys()].join(" and ")}`,
    );
  return new Response(text, {
    headers: {
      "content-type": `${type}; charset=utf-8`,
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    },
  });
}
