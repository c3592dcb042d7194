import { callsNeedResponses } from "#src/dialect/openai/openai-quirks.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import type { Ask, DialectId } from "#src/dialect/dialect.ts";
import type { Protocol } from "#src/catalog/model.ts";
import type { Front } from "#src/gateway/context.ts";
import { isSpoken } from "#src/dialect/upstreams.ts";
import type { Route } from "#src/provider/deployment.ts";

/** The dialect in which a route is asked: the client's own where the provider takes it for this model, else the catalogue's. */
export function wireOf(route: Route, ask: Ask, front: Front): DialectId {
  const { endpoint, deployment } = route;
  const own: Protocol = front.wire;
  if (needsResponses(route, ask, front)) return "openai-responses";
  if (endpoint.protocol === own) return front.wire;
  if (deployment.alsoSpeaks.includes(own) && ask.kind === "chat") return front.wire;
  if (isSpoken(endpoint.protocol)) return endpoint.protocol;
  throw new Error(`Cannot speak ${endpoint.protocol} to an upstream`);
}

/** Some models call functions over chat completions only while they do not reason. */
function needsResponses({ endpoint, deployment, model }: Route, ask: Ask, front: Front): boolean {
  if (endpoint.protocol !== "openai-chat" || ask.kind !== "chat" || !ask.needs.tools) return false;
  if (!callsNeedResponses(deployment.provider.id, endpoint.upstreamModel)) return false;
  const canRest = model.reasoning?.efforts?.includes("none") === true;
  const rests = front.wire === "openai-chat" && reasoningOf(ask.parsed)?.effort === "none";
  return !(canRest && rests);
}
