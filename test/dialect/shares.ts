import type { Effort } from "#src/dialect/effort.ts";

/** Per cent of the client's limit that each effort stands for, where a wire takes a number. */
export const shares: [Effort, number][] = [
  ["minimal", 10],
  ["low", 20],
  ["medium", 50],
  ["high", 80],
  ["xhigh", 95],
  ["max", 95],
];
