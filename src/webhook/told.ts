import type { Generation } from "#src/ledger/generation.ts";
import { generationRecord } from "#src/report/generation-record.ts";

/** A client's own words in an event, at most. */
const longestWords = 500;

/** The usage record, without the routes that were considered: those can be read by its id. */
export function toldOf(generation: Generation): object {
  const { routing_trace: _, ...record } = generationRecord({
    ...generation,
    user: shortened(generation.user),
    app: shortened(generation.app),
    requestedModel: shortened(generation.requestedModel),
  });
  return record;
}

function shortened(words: string | undefined): string | undefined {
  return words === undefined || words.length <= longestWords ? words : words.slice(0, longestWords);
}
