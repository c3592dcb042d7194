import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App, Call } from "#src/gateway/context.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";

/** Gives an admitted request its ids. */
export function open(
  call: Call,
  ask: Ask,
  caller: Caller,
  hold: Hold,
  trace: TraceEntry[],
  app: App,
): Job {
  const generationId = app.ids.next("gen");
  const job: Job = {
    call,
    ask,
    caller,
    hold,
    generationId,
    completionId: call.front.idPrefix + generationId.slice("gen_".length),
    trace,
    keyHolds: [],
    settled: false,
    place: -1,
  };
  app.open.add(job);
  return job;
}
