import { existsSync, statSync } from "node:fs";
import { isGiven, type KeyPlace, masterKeyFile, readMasterKeys } from "#src/account/master-key.ts";
import { namedMasterKey, openProviderKeys } from "#src/account/provider-keys.ts";
import type { Check } from "#src/lib/check.ts";
import type { Store } from "#src/store/store.ts";

const name = "provider keys";

/** Whether every kept provider key opens, and whether the master key is kept from others. Throws VaultError where one does not. */
export async function checkKeptKeys(store: Store, place: KeyPlace): Promise<Check> {
  const keys = await openProviderKeys(store, place);
  const file = masterKeyFile(place);
  const isFile = !isGiven(place) && existsSync(file);
  if (isFile && (statSync(file).mode & 0o077) !== 0)
    return { name, ok: false, found: `others can read ${file}`, fix: `chmod 600 ${file}` };
  if (keys.length === 0) return { name, ok: true, found: "none is kept" };
  const named = await namedMasterKey(store);
  const { current } = readMasterKeys(place);
  const opened = `${keys.length} ${keys.length === 1 ? "opens" : "open"}`;
  if (current?.id !== named)
    return {
      name,
      ok: false,
      found: `${opened}, sealed under ${named} and not under the master key ${current?.id ?? "that is missing"}`,
      fix: 'run "lowrouter provider rotate"',
    };
  const where = isFile ? `${file}, which no backup of the database holds` : current?.from;
  return { name, ok: true, found: `${opened}, sealed under ${current?.id} of ${where}` };
}
