import { responsesClient, responsesSplice } from "#src/dialect/responses/openai-responses.ts";
import type { App } from "#src/gateway/context.ts";
import { chatFront } from "#src/gateway/front.ts";
import { inferenceRoute, type InferenceRoutes } from "#src/http/inference.ts";

const responses = chatFront({
  client: responsesClient,
  splice: responsesSplice,
  idPrefix: "resp_",
});

/** OpenAI's Responses, at each base path. */
export function responsesRoutes(app: App): InferenceRoutes {
  return {
    "/v1/responses": inferenceRoute(responses, app),
    "/api/v1/responses": inferenceRoute(responses, app),
  };
}
