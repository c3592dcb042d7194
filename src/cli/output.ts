import { tableText } from "#src/cli/table.ts";
import { AppError } from "#src/lib/error.ts";
import { shown, shownLines } from "#src/lib/shown.ts";

/** Where a command writes. Results go to `out`, talk to `err`. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** Whether `out` is a terminal that shows colour. */
  colour: boolean;
  /** How wide `out` is now; undefined where it is no terminal. */
  columns?(): number | undefined;
  /** Reads a secret, in place of the standard input. */
  secret?(): Promise<string>;
}

export const terminal: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  columns: () => (process.stdout.isTTY === true ? process.stdout.columns || undefined : undefined),
};

/**
 * Hears that the standard output takes no more, which would end the process amid its work with the words of the runtime.
 * Who only reads the first lines, as `head` does, has what they wanted; a full disk is a failure.
 */
export function hearLostOutput(): void {
  process.stdout.on("error", (fault) => {
    const code = "code" in fault ? String(fault.code) : fault.message;
    if (code === "EPIPE" || process.exitCode === 1) return;
    process.exitCode = 1;
    terminal.err(`lowrouter: Cannot write the output (${code}): what was printed is not whole\n`);
  });
}

/** The same output, on which what others named, such as keys and users, is text and nothing more. */
export function guardedOutput(output: Output): Output {
  return {
    ...output,
    out: (text) => output.out(shownLines(text)),
    err: (text) => output.err(shownLines(text)),
  };
}

/** A command that cannot go on. The message says what would work. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    message: string,
    /** 1 failed, 2 usage, 78 bad configuration. */
    readonly exitCode: 1 | 2 | 78 = 1,
  ) {
    super(message);
  }
}

/** Runs a check of what was given on the command line; what it refuses is a mistake of usage. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (thrown instanceof AppError) throw new CommandError(thrown.message, 2);
    throw thrown;
  }
}

/** A value as one JSON document on stdout. */
export function printJson(output: Output, value: unknown): void {
  output.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Rows under headings, in the width of the terminal where there is one. */
export function printTable(output: Output, headings: string[], cells: string[][]): void {
  const rows = cells.map((row) => row.map(shown));
  output.out(tableText(headings, rows, output.columns?.()));
}
