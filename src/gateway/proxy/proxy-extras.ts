import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * What a call in a provider's own words may ask for besides tokens of a model: what others left there, under the account
 * that we all share, and what is charged in another way. Neither can be told apart by a price.
 */

/** Members that name something kept at the provider, wherever they stand. */
const references: ReadonlySet<string> = new Set([
  "previous_response_id",
  "conversation",
  "cachedContent",
  "cached_content",
  "container",
  "file_id",
  "file_ids",
  "vector_store_ids",
  "fileUri",
  "file_uri",
  "mcp_servers",
]);

/** Names in a query that change neither the price nor what is told of it. */
const harmlessQuery: ReadonlySet<string> = new Set(["alt", "beta", "api-version"]);
const plainTiers: ReadonlySet<Json | undefined> = new Set([
  undefined,
  null,
  "auto",
  "default",
  "flex",
  "standard",
  "standard_only",
]);

/** Whether a call asks for more than tokens of its model. */
export function hasExtras(body: JsonObject, query: string): boolean {
  const { tools, prompt } = body;
  return (
    refers(body) ||
    (isObject(prompt) && prompt.id !== undefined) ||
    (Array.isArray(tools) && tools.some(isHosted)) ||
    body.web_search_options !== undefined ||
    !plainTiers.has(body.service_tier) ||
    !plainTiers.has(body.serviceTier) ||
    !plainTiers.has(body.speed) ||
    !hasHarmlessQuery(query)
  );
}

function refers(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(refers);
  if (!isObject(value)) return false;
  return Object.entries(value).some(
    ([name, member]) => (references.has(name) && member !== null) || refers(member),
  );
}

/** A tool that the provider runs: not a function of the client, in any wire. */
function isHosted(tool: Json): boolean {
  if (!isObject(tool)) return false;
  const { type } = tool;
  if (type !== undefined && type !== null) return type !== "function" && type !== "custom";
  if (stringOf(tool.name) !== undefined || isObject(tool.function)) return false;
  const own = ["functionDeclarations", "function_declarations"];
  return Object.keys(tool).some((name) => !own.includes(name));
}

function hasHarmlessQuery(query: string): boolean {
  return [...new URLSearchParams(query)].every(
    ([name, value]) =>
      harmlessQuery.has(name) && (name !== "alt" || value === "sse" || value === "json"),
  );
}
