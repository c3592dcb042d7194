import type { LinearMethodology, Methodology, MlenergyMethodology } from "#src/eco/load.ts";

/** What the formulas need to know of a model: billions of parameters. */
export interface Size {
  activeB: number;
  totalB: number;
}

/** Energy of one counted token, Wh. Source: data/SOURCES.md#ecologits */
export function whPerToken(methodology: Methodology, size: Size, pue?: number): number {
  return methodology.formula === "linear"
    ? linear(methodology, size)
    : mlenergy(methodology, size, pue);
}

function linear({ coefficients: { alpha, beta } }: LinearMethodology, { activeB }: Size): number {
  return alpha * activeB + beta;
}

function mlenergy({ coefficients: c }: MlenergyMethodology, size: Size, pue = c.pue): number {
  const gpus = gpuCount(c, size.totalB);
  const gpuWh = c.energyAlpha * Math.exp(c.energyBeta * c.batch) * size.activeB + c.energyGamma;
  const seconds = c.latencyAlpha * size.activeB + c.latencyBeta * c.batch + c.latencyGamma;
  const serverWh = ((seconds / 3600) * c.serverKw * 1000 * (gpus / c.gpusPerServer)) / c.batch;
  return pue * (serverWh + gpus * gpuWh);
}

/** GPUs that hold the weights, rounded up to a power of two. */
export function gpuCount(
  c: Pick<MlenergyMethodology["coefficients"], "memoryOverhead" | "bits" | "gpuMemoryGb">,
  totalB: number,
): number {
  const memoryGb = (c.memoryOverhead * totalB * c.bits) / 8;
  return 2 ** Math.ceil(Math.log2(Math.ceil(memoryGb / c.gpuMemoryGb)));
}
