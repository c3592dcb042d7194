import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { unsentRows } from "#src/cli/unsent.ts";
import type { Config } from "#src/config/load.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { findGeneration, isAsked } from "#src/ledger/generations.ts";
import { filedGeneration } from "#src/ledger/spool-filed.ts";
import { generationRecord } from "#src/report/generation-record.ts";
import type { Store } from "#src/store/store.ts";

/** The `generation show` command. */
export async function showGenerationCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const { row, waits } = await generationBy(store, config, id);
    const waiting = waits ? { waits_for_database: true } : {};
    printJson(output, { ...generationRecord(row), ...waiting });
  });
}

/** A request by its id or that of its completion, whoever's it is, and whether a database elsewhere does not have it yet. */
export async function generationBy(
  store: Store,
  config: Config,
  id: string,
): Promise<{ row: Generation; waits: boolean }> {
  const unsent = await unsentRows(store, config);
  const row = await findGeneration(store, undefined, id);
  if (row) return { row, waits: false };
  const filed = unsent.find((one) => isAsked(one, undefined, id));
  const waiting = filed && (await filedGeneration(filed));
  if (waiting) return { row: waiting, waits: true };
  throw new CommandError(
    `Cannot find the generation "${id}"\nGive its gen_… id, from the answer's X-LowRouter-Generation-ID header, or the id of the completion`,
  );
}
