import { booleanIn, refuseUnknown, textIn, textsIn, wrong } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** What is ours of the plugins that clients know. */
const router = "auto-router";
const routerMembers = ["id", "enabled", "allowed_models"];

/** Plugins of other gateways without which the answer is of the same kind: models read PDF themselves, or are not asked. */
const harmless: readonly string[] = [
  "context-compression",
  "file-parser",
  "pdf",
  "pdf-inputs",
  "response-healing",
];

/** Plugins without which the answer would be another one, and what would work instead. */
const cannot: ReadonlyMap<string, string> = new Map([
  ...["web", "web-search", "web-fetch"].map(
    (id) =>
      [id, "nothing is looked up on the web here; leave it out, or give the model a tool"] as const,
  ),
  ["moderation", "nothing is moderated here; leave it out, or ask a model that moderates"],
]);

type Plugins = Pick<Ask, "autoAllowed" | "unusedPlugins">;

/** What `plugins` narrow, and which of them are left out. Throws `invalid_value`, `unsupported_feature`. */
export function pluginsIn({ plugins }: JsonObject): Plugins | undefined {
  if (plugins === undefined || plugins === null) return undefined;
  if (!Array.isArray(plugins)) throw wrong("plugins", plugins, "an array");
  const found: Plugins = {};
  let isRouted = false;
  plugins.forEach((plugin, index) => {
    const path = `plugins[${index}]`;
    if (plugin === null) return;
    if (!isObject(plugin)) throw wrong(path, plugin, 'an object such as {"id": "auto-router"}');
    const id = textIn(plugin, "id", `${path}.id`);
    if (booleanIn(plugin, "enabled", `${path}.enabled`) === false) return;
    if (id !== router) {
      requireHarmless(id, path);
      (found.unusedPlugins ??= []).push(path);
      return;
    }
    if (isRouted) throw twice(path);
    isRouted = true;
    refuseUnknown(plugin, path, routerMembers);
    found.autoAllowed = textsIn(plugin, "allowed_models", `${path}.allowed_models`);
  });
  return found;
}

function requireHarmless(id: string | undefined, path: string): void {
  if (id !== undefined && harmless.includes(id)) return;
  const why = id === undefined ? undefined : cannot.get(id);
  if (why !== undefined)
    throw new AppError("unsupported_feature", `Cannot use the plugin "${id}": ${why}`, {
      param: path,
    });
  const known = `"${router}" is known, and ${harmless.join(", ")} are taken and left out`;
  throw new AppError("invalid_value", `Cannot use the plugin of "${path}.id": ${known}`, {
    param: `${path}.id`,
  });
}

function twice(path: string): AppError {
  const message = `Cannot follow two plugins of the id "${router}": give one, with all its "allowed_models"`;
  return new AppError("invalid_value", message, { param: path });
}
