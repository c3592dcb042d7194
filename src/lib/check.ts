/** One thing looked at. `fix` says what to do when it is not well. */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  fix?: string;
}

/** Looks, and takes what is thrown for the finding; the fix may depend on what that says. */
export async function guarded(
  name: string,
  fix: string | ((found: string) => string),
  look: () => Promise<Check> | Check,
): Promise<Check> {
  try {
    return await look();
  } catch (thrown) {
    const found = thrown instanceof Error ? thrown.message : String(thrown);
    return { name, ok: false, found, fix: typeof fix === "string" ? fix : fix(found) };
  }
}
