import { writeGeminiError } from "#src/dialect/gemini/gemini-client-errors.ts";
import { peekCount } from "#src/dialect/gemini/gemini-client-peek.ts";
import { retargetCount } from "#src/dialect/gemini/gemini-client-splice.ts";
import type { App, Front } from "#src/gateway/context.ts";
import { count } from "#src/gateway/count.ts";
import { callOf, json, jsonHeaders, respond } from "#src/http/respond.ts";

/** Counts the tokens of contents: in the upstream's own words, or by our own rule of thumb. */
export function countTokens(front: Front, request: Request, app: App): Promise<Response> {
  const counting: Front = { ...front, peek: peekCount };
  return respond(request, app, writeGeminiError, async () => {
    const counted = await count(await callOf(request, counting, app), retargetCount, app);
    if ("estimated" in counted) return json({ totalTokens: counted.estimated });
    return new Response(Uint8Array.from(counted.told), { headers: jsonHeaders });
  });
}
