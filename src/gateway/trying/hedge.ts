import type { App } from "#src/gateway/context.ts";
import type { Course } from "#src/gateway/trying/course.ts";
import { Outrun, type Run } from "#src/gateway/trying/run.ts";
import { traced } from "#src/gateway/routing/traced.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { heldOutputTokens } from "#src/gateway/reserve.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { Tried } from "#src/gateway/trying/try-route.ts";
import { toUnits } from "#src/ledger/money.ts";

/*
 * A hedge is a second request that starts when the first takes longer than nineteen of twenty do. Whichever answers first
 * is passed on, the other is called off. The client is charged for the winner alone; what the other may still cost the
 * operator at its provider is written into the trace, as an estimate. So the hold of the dearest route covers a hedged
 * request as it covers any other.
 */

/** The answer of a try, or of the next route's, should that be faster. Throws what the first threw, when both failed. */
export async function hedged(first: Run, job: Job, course: Course, app: App): Promise<Tried> {
  const patience = app.health.percentile(first.route, "latency", 95);
  if (patience === undefined || (await endsWithin(first, patience))) return first.answer;
  const stop = await course.free();
  if (stop === undefined) return first.answer;
  const second = course.start(stop);
  // A refusal of the request itself is the answer: a second opinion would only cost.
  first.answer.catch(() => {
    if (course.lastFault?.moveOn === false) second.leash.callOff(new Outrun());
  });
  let won: Tried;
  try {
    won = await Promise.any([first.answer, second.answer]);
  } catch {
    return first.answer;
  }
  const loser = won.route === first.route ? second : first;
  callOff(loser, job, course, app);
  return won;
}

/** Whether a try ends, well or badly, within so many milliseconds. */
async function endsWithin({ answer }: Run, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  const ended = () => true;
  try {
    return await Promise.race([answer.then(ended, ended), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the slower try, and states what it may cost. */
function callOff(
  { route, startedAt, leash, answer }: Run,
  job: Job,
  course: Course,
  app: App,
): void {
  // It may have failed before, or be called off because of this; one that answered in the same moment has its place yet.
  answer.then(
    ({ exchange }) => exchange.abort(new Outrun()),
    () => {},
  );
  if (leash.isOver) return;
  leash.callOff(new Outrun());
  const ms = app.clock.monotonic() - startedAt;
  // Were the slow ones not counted, each would make the next hedge start earlier.
  app.health.outran(route, ms);
  course.trace.push({
    ...traced(route, "considered", "hedged"),
    ms: Math.round(ms),
    ...mayCost(route, job, app),
  });
}

/** What a request that was called off may cost at its provider: its input, and an answer as long as it may be. */
function mayCost(route: Run["route"], { ask, call }: Job, app: App) {
  const usage = estimateUsage(ask, 0);
  const cap = route.endpoint.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const most = Math.min(ask.maxOutputTokens ?? heldOutputTokens(ask, route, app), cap);
  const output = { visible: most * ask.choices, reasoning: 0 };
  const cost = app.price(route, { ...usage, output }, call.receivedAt);
  return cost === undefined ? {} : { may_cost: toUnits(cost.upstream), estimated: true as const };
}
