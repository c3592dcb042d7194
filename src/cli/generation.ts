import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { findGeneration } from "#src/ledger/generations.ts";
import { generationRecord } from "#src/report/generation-record.ts";
import type { Store } from "#src/store/store.ts";

/** The `generation show` command. */
export async function showGenerationCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    printJson(output, generationRecord(await generationBy(store, id)));
  });
}

/** A request by its id or that of its completion, whoever's it is. */
export async function generationBy(store: Store, id: string): Promise<Generation> {
  const found = await findGeneration(store, undefined, id);
  if (found) return found;
  throw new CommandError(
    `Cannot find the generation "${id}"\nGive its gen_… id, from the answer's X-LowRouter-Generation-ID header, or the id of the completion`,
  );
}
