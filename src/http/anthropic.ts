import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import type { App } from "#src/gateway/context.ts";
import { chatFront } from "#src/gateway/front.ts";
import { countRoute } from "#src/http/anthropic-count.ts";
import { inferenceRoute, type InferenceRoute, type InferenceRoutes } from "#src/http/inference.ts";

const messages = chatFront({
  client: anthropicClient,
  splice: anthropicSplice,
  idPrefix: "msg_",
  forward: ["anthropic-beta"],
});

/** Anthropic's Messages and its token counting, at each base path. */
export function anthropicRoutes(app: App): InferenceRoutes {
  return {
    "/v1/messages": withRequestId(inferenceRoute(messages, app)),
    "/v1/messages/count_tokens": countRoute(messages, app),
    "/api/v1/anthropic/v1/messages": withRequestId(inferenceRoute(messages, app)),
    "/api/v1/anthropic/v1/messages/count_tokens": countRoute(messages, app),
  };
}

/** The same under the header from which official clients take what they say of an answer in errors and logs. */
function withRequestId(route: InferenceRoute): InferenceRoute {
  return {
    ...route,
    async POST(request, server) {
      const response = await route.POST(request, server);
      const id = response.headers.get("X-LowRouter-Generation-ID");
      if (id !== null) response.headers.set("request-id", id);
      return response;
    },
  };
}
