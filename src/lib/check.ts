/** One thing looked at. `fix` says what to do when it is not well. */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  fix?: string;
}

/** Looks, and takes what is thrown for the finding. */
export async function guarded(
  name: string,
  fix: string,
  look: () => Promise<Check> | Check,
): Promise<Check> {
  try {
    return await look();
  } catch (thrown) {
    return {
      name,
      ok: false,
      found: thrown instanceof Error ? thrown.message : String(thrown),
      fix,
    };
  }
}
