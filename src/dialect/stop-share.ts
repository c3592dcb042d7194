import { AppError } from "#src/lib/error.ts";

/** A client's stop sequences, each once: those that the upstream is told, and those that are left to the gateway. */
export interface StopShare {
  readonly sent: readonly string[];
  readonly left: readonly string[];
}

/** What is looked for costs time with every character of an answer. */
const mostLeft = 1000;
const mostCharacters = 65_536;

/**
 * Shares stop sequences between an upstream that takes so many of a kind and the gateway. Empty ones ask for nothing.
 * Throws `unsupported_feature` where too much is left.
 */
export function shareStops(
  stops: readonly string[],
  most: number,
  takes: (stop: string) => boolean = () => true,
): StopShare {
  const sent: string[] = [];
  const left: string[] = [];
  for (const stop of new Set(stops)) {
    if (stop === "") continue;
    if (sent.length < most && takes(stop)) sent.push(stop);
    else left.push(stop);
  }
  const characters = left.reduce((sum, stop) => sum + stop.length, 0);
  if (left.length <= mostLeft && characters <= mostCharacters) return { sent, left };
  throw new AppError(
    "unsupported_feature",
    `Cannot stop at ${sent.length + left.length} sequences: beyond what this model takes, at most ${mostLeft} of ${mostCharacters} characters together are looked for`,
    { param: "stop" },
  );
}

/** The ending of a choice with the sequence that the upstream stopped at, as far as that can be known. */
export function toldStop<T extends { stopSequence?: string | null }>(
  ending: T,
  { sent }: StopShare,
): T {
  const { stopSequence: told } = ending;
  if (told === undefined) return ending;
  if (told === null) return { ...ending, stopSequence: sent.length === 1 ? sent[0] : null };
  // Some servers put other words there.
  return sent.includes(told) ? ending : { ...ending, stopSequence: undefined };
}
