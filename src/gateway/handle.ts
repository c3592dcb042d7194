import { admit } from "#src/gateway/admit.ts";
import { attempt } from "#src/gateway/trying/attempt.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import { choose } from "#src/gateway/routing/choose.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { withCredentials } from "#src/gateway/keys/credentials.ts";
import { fail } from "#src/gateway/fail.ts";
import { peek } from "#src/gateway/peek.ts";
import { relay } from "#src/gateway/relay.ts";
import { open } from "#src/gateway/open.ts";

/** One inference call, from key to ledger. Read this file first. */
export async function handle(call: Call, app: App): Promise<Response> {
  const caller = await authenticateInference(call.request, app); // 401, 403
  const ask = peek(call); // 400: what routing needs, validated
  const chosen = choose(ask, caller, app.seenBy(caller)); // 403, 404, 503: pure, in memory, with reasons
  const { choice, hold } = await admit(caller, ask, withCredentials(chosen, app), app); // 402, 429: all allowances at one door
  const job = open(call, ask, caller, hold, choice.trace, app); // from here on, settled exactly once
  try {
    const answer = await attempt(job, choice, app); // 502, 503, 504; never after the first byte
    return await relay(job, answer, app); // bytes or translated; meters; settles
  } catch (thrown) {
    throw await fail(job, thrown, app); // settles what failed before the first byte
  }
}
