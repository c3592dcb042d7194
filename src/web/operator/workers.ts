import * as v from "valibot";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import type { Answer } from "#src/workers/messages.ts";

const stateSchema = v.strictObject({
  processId: v.string(),
  pid: v.number(),
  /** Requests that are not settled. */
  inFlight: v.number(),
  memoryBytes: v.number(),
  upSeconds: v.number(),
});

/** How one worker is. */
export type WorkerState = v.InferOutput<typeof stateSchema> & { worker: number };

/** How this one is, for its siblings: JSON. */
export function workerState({ app, services }: { app: App; services: Services }): string {
  return JSON.stringify({
    processId: services.processId,
    pid: process.pid,
    inFlight: app.open.size,
    memoryBytes: process.memoryUsage.rss(),
    upSeconds: Math.round(process.uptime()),
  });
}

/** What the workers said of themselves. */
export function readWorkers(answers: readonly Answer[]): WorkerState[] {
  return answers.flatMap(({ worker, text }) => {
    // Who has nothing to say yet is just being started.
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), stateSchema), text);
    return read.success ? [{ worker, ...read.output }] : [];
  });
}
