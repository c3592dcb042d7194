import type { Log } from "#src/observe/log.ts";

/*
 * Signals that somebody may send who has another server in mind, and that would end the process where nobody takes them.
 */

/** Why nothing is done at one. */
export interface Declined {
  signal: "SIGUSR1" | "SIGUSR2";
  why: string;
}

/** Many servers open their log files anew at it. */
export const nothingToOpen: Declined = {
  signal: "SIGUSR1",
  why: "The log goes to stderr, and there is no file to open anew",
};

/** It says "as they are": reading the file all the same could put one to use that is half written. */
export const nobodyToReplace: Declined = {
  signal: "SIGUSR2",
  why: "One process has no workers to replace: SIGHUP reads the configuration anew, and with --workers 2 or more SIGUSR2 replaces them one by one",
};

/** Takes such signals from now on: the log says why nothing is done, and the process goes on. */
export function decline(signals: readonly Declined[], logNow: () => Log): void {
  for (const { signal, why } of signals)
    process.on(signal, () => logNow().write("warn", "signal_ignored", { signal, why }));
}
