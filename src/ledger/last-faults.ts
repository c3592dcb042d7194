import { numberIn, textOf, type Store } from "#src/store/store.ts";

/** A failed attempt at a provider, as the trace of its request has it. */
export interface LastFault {
  at: number;
  /** Such as `upstream_503` or `timeout_first_byte`; see TraceEntry. */
  reason: string;
  status: number | undefined;
  model: string;
  region: string;
  generationId: string;
}

/** Requests that are looked through: more would make who looks wait. */
export const faultsAmong = 2000;

/** The last failure of each provider's own credentials, among the last requests of all accounts. */
export async function lastFaults(store: Store): Promise<ReadonlyMap<string, LastFault>> {
  const rows = await store.read(
    `SELECT generation.id AS id, created_at, entry.value ->> 'provider' AS provider,
      entry.value ->> 'model' AS model, entry.value ->> 'region' AS region, entry.value ->> 'reason' AS reason,
      entry.value ->> 'status' AS status FROM generation, json_each(generation.trace) AS entry
      WHERE position > (SELECT coalesce(max(position), 0) FROM generation_record) - ?
      AND entry.value ->> 'decision' = 'failed' AND entry.value ->> 'is_byok' IS NULL
      AND entry.value ->> 'reason' <> 'client_left' ORDER BY position`,
    [faultsAmong],
  );
  // The later one takes the place of those before it.
  return new Map(
    rows.map((row) => [
      textOf(row, "provider") ?? "",
      {
        at: numberIn(row, "created_at") ?? 0,
        reason: textOf(row, "reason") ?? "",
        status: numberIn(row, "status"),
        model: textOf(row, "model") ?? "",
        region: textOf(row, "region") ?? "",
        generationId: textOf(row, "id") ?? "",
      },
    ]),
  );
}
