import { join } from "node:path";
import * as v from "valibot";
import { outcomeSchema, type Outcome, type Plan } from "#test/bench/plan.ts";
import { use, withDescriptors } from "#test/bench/process.ts";
import type { Target } from "#test/bench/target.ts";

/** One run of load against one target. */
export interface Measured extends Outcome {
  perSecond: number;
  /** Processor time that the target's own processes used per request, in microseconds. */
  cpuMicroseconds: number | undefined;
  /** Resident memory right after the run, in MB. */
  residentMegabytes: number | undefined;
}

/** What to send, without where. */
export type Load = Omit<Plan, "port" | "path" | "headers">;

/** Sends load to a target from a process of its own. */
export async function measure(target: Target, load: Load): Promise<Measured> {
  const { running, path, headers, model } = target;
  const body = model === undefined ? load.body : withModel(load.body, model);
  const plan: Plan = { ...load, body, port: running.port, path, headers };
  const before = await use(running.pid);
  const child = Bun.spawn(
    withDescriptors([process.execPath, join(import.meta.dir, "load.ts")]),
    // A picture is too long for an argument.
    { stdin: Buffer.from(JSON.stringify(plan)), stderr: "inherit" },
  );
  const [code, out] = await Promise.all([child.exited, child.stdout.text()]);
  if (code !== 0) throw new Error(`Cannot measure: the load generator ended with ${code}`);
  const outcome = v.parse(outcomeSchema, JSON.parse(out));
  const after = await use(running.pid);
  const cpuSeconds =
    before === undefined || after === undefined ? undefined : after.cpuSeconds - before.cpuSeconds;
  return {
    ...outcome,
    perSecond: outcome.elapsedSeconds > 0 ? outcome.ok / outcome.elapsedSeconds : 0,
    cpuMicroseconds:
      cpuSeconds === undefined || outcome.ok === 0 ? undefined : (cpuSeconds / outcome.ok) * 1e6,
    residentMegabytes: after?.residentMegabytes,
  };
}

function withModel(body: string, model: string): string {
  return JSON.stringify({ ...JSON.parse(body), model });
}
