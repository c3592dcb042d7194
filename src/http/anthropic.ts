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

/** Anthropic's Messages and its token counting, at each base path and at the one that is Anthropic's alone. */
export function anthropicRoutes(app: App): InferenceRoutes {
  const answer = withRequestId(inferenceRoute(messages, app));
  const counting = countRoute(messages, app);
  return {
    "/v1/messages": answer,
    "/v1/messages/count_tokens": counting,
    "/api/v1/messages": answer,
    "/api/v1/messages/count_tokens": counting,
    "/api/v1/anthropic/v1/messages": answer,
    "/api/v1/anthropic/v1/messages/count_tokens": counting,
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
