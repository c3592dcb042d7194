import { peekCount } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { retargetCount } from "#src/dialect/anthropic/anthropic-client-splice.ts";
import { errorObject } from "#src/dialect/fault.ts";
import type { App, Front } from "#src/gateway/context.ts";
import { count } from "#src/gateway/count.ts";
import type { InferenceRoute } from "#src/http/inference.ts";
import { callOf, json, respond } from "#src/http/respond.ts";
import { refuseOthers } from "#src/http/wrong-method.ts";
import { countOf } from "#src/lib/json.ts";

/** Counts the tokens of a Messages request; our own rule of thumb is marked as estimated. */
export function countRoute(front: Front, app: App): InferenceRoute {
  const counting: Front = { ...front, peek: peekCount };
  return {
    ...refuseOthers(["POST"], front.writeError, app),
    POST: (request) =>
      respond(request, app, front.writeError, async () => {
        const counted = await count(await callOf(request, counting, app), retargetCount, app);
        const told = "told" in counted ? countOf(errorObject(counted.told)?.input_tokens) : 0;
        if (told > 0) return json({ input_tokens: told });
        const estimated = "estimated" in counted ? counted.estimated : 1;
        return json({ input_tokens: estimated, estimated: true });
      }),
  };
}
