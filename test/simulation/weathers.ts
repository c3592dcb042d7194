import type { Weather } from "#test/simulation/world.ts";

const minute = 60_000;
const fair: Weather = {
  nodes: 5,
  rows: 1,
  delay: 15,
  loss: 0,
  awayFor: 200_000,
  skew: 0,
  drift: 0,
};

/** What may go wrong without a limit being exceeded by anything at all. */
export const exact: Readonly<Record<string, Weather>> = {
  "fair weather": fair,
  "answers and questions that are lost": { ...fair, loss: 0.02 },
  "messages that are carried out long after their sender gave up": { ...fair, late: 0.1 },
  "such messages, and so few requests that leases are returned": {
    ...fair,
    ...{ late: 0.1, requestEvery: 4000 },
  },
  "a slow database": { ...fair, delay: 400 },
  "a slow database, and so few requests that windows end while they wait": {
    ...fair,
    ...{ delay: 500, requestEvery: 4000 },
  },
  "rows that nobody can keep": { ...fair, loss: 0.01, spoilt: 0.02 },
  "rows of which nobody knows what became, on a disk that refuses them": {
    ...fair,
    ...{ unsure: 0.05, rows: 20, delay: 100, loss: 0.05, late: 0.1 },
  },
  "crashes, with rows left on a disk": { ...fair, crashEvery: minute },
  "nodes that are cut off for up to 200 seconds": { ...fair, cutEvery: minute },
  "nodes that sleep for up to 200 seconds": { ...fair, sleepEvery: 1.5 * minute },
  "clocks that are five minutes off, drift and jump": {
    ...fair,
    ...{ skew: 5 * minute, drift: 0.001, jumpEvery: minute },
  },
  "a slow database, and clocks that jump at once": {
    ...fair,
    ...{ delay: 300, skew: 5 * minute, jumpEvery: minute / 12 },
  },
  "all of it together": {
    ...fair,
    ...{
      rows: 500,
      loss: 0.02,
      late: 0.05,
      spoilt: 0.002,
      crashEvery: minute,
      cutEvery: minute,
      sleepEvery: 1.5 * minute,
    },
    ...{ skew: 5 * minute, drift: 0.001, jumpEvery: 2 * minute },
  },
};

const twentyMinutes = { ...fair, awayFor: 20 * minute };

/** Nodes that are away for longer than others leave their leases alone: what they had promised before can be spent twice. */
export const tooLong: Readonly<Record<string, Weather>> = {
  "nodes that are cut off for up to 20 minutes": { ...twentyMinutes, cutEvery: 2 * minute },
  "nodes that sleep for up to 20 minutes, and a slow database": {
    ...twentyMinutes,
    ...{ sleepEvery: minute, delay: 400, rows: 500 },
  },
};

/** That a limit was exceeded, of what was found. */
export const isOfLimit = (finding: string) => /^\d+ beyond/.test(finding);
