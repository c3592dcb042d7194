import type { AccountRouting } from "#src/account/account.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { keptPolicy, keptProviders, keptRegion } from "#src/gateway/routing/kept-wishes.ts";
import { listOf } from "#src/web/dashboard/key-form.ts";
import { keptText } from "#src/web/dashboard/key-text.ts";

/** An account's wishes as the form has them; undefined where there is none. Throws `invalid_value` naming the field. */
export function routingOf(form: URLSearchParams, places: RouteTable): AccountRouting | undefined {
  const given = (name: string) => keptText(form, name);
  const providers = (name: string) => keptProviders(listOf(given(name)), name, places);
  const routing: AccountRouting = {};
  if (given("region") !== "") routing.region = keptRegion(given("region"), places);
  if (given("policy") !== "") routing.policy = keptPolicy(given("policy"), routing.region, places);
  if (form.has("prefer_low_carbon")) routing.preferLowCarbon = true;
  const [allowed, ignored] = [providers("allowed_providers"), providers("ignored_providers")];
  if (allowed.length > 0) routing.allowedProviders = allowed;
  if (ignored.length > 0) routing.ignoredProviders = ignored;
  if (form.has("data_collection")) routing.dataCollection = "deny";
  if (form.has("zdr")) routing.zdr = true;
  return Object.keys(routing).length === 0 ? undefined : routing;
}

/** What the form shows of wishes. */
export function routingFields(routing: AccountRouting = {}): URLSearchParams {
  const { region, policy, preferLowCarbon, dataCollection, zdr } = routing;
  const fields = new URLSearchParams();
  if (region !== undefined) fields.set("region", region);
  if (policy !== undefined) fields.set("policy", policy);
  fields.set("allowed_providers", (routing.allowedProviders ?? []).join("\n"));
  fields.set("ignored_providers", (routing.ignoredProviders ?? []).join("\n"));
  const checked = { prefer_low_carbon: preferLowCarbon, data_collection: dataCollection, zdr };
  for (const [name, wish] of Object.entries(checked)) if (wish) fields.set(name, "on");
  return fields;
}
