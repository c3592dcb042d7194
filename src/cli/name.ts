import { CommandError } from "#src/cli/output.ts";

/** Characters that a name may have, as over HTTP. */
const mostCharacters = 200;

/** A name by which things such as keys are told apart, that tables and pages can show. Throws CommandError. */
export function nameOf(name: string, things: string, flag = "--name"): string {
  if (name.trim() === "")
    throw new CommandError(`Cannot use an empty ${flag}: ${things} are told apart by it`, 2);
  if (name.length > mostCharacters)
    throw new CommandError(
      `Cannot use a ${flag} of ${name.length} characters: give one of 1 to ${mostCharacters}`,
      2,
    );
  return name;
}
