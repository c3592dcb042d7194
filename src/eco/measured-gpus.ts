import * as v from "valibot";
import file from "#data/measured-gpus.json" with { type: "json" };
import { checkRows } from "#src/eco/load.ts";

const text = v.pipe(v.string(), v.minLength(1));
const positive = v.pipe(v.number(), v.gtValue(0));

/** One configuration as a laboratory measured it: the GPUs' own energy for one output token, Wh. */
export const measuredGpu = v.strictObject({
  id: text,
  task: text,
  model: text,
  /** Billions of parameters. */
  totalB: positive,
  activeB: positive,
  gpu: text,
  gpus: positive,
  /** How its weights were stored. */
  precision: text,
  /** Requests at a time, in the mean. */
  batch: positive,
  outputTokens: positive,
  whPerOutputToken: positive,
  year: v.number(),
  source: text,
  sourceUrl: text,
  licence: text,
  read: v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/, "a day, YYYY-MM-DD")),
});
export type MeasuredGpu = v.InferOutput<typeof measuredGpu>;

/** Reads and checks them. They are part of no estimate: they stand beside. */
export function loadMeasuredGpus(): MeasuredGpu[] {
  return checkRows("data/measured-gpus.json", measuredGpu, file.measurements);
}
