import { CommandError } from "#src/cli/output.ts";

/** Variables that open a debugger, whose port runs whatever it is told. */
const debuggers = ["BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_NOTIFY"];

/**
 * Throws CommandError, 78, for variables that were left over from looking for a fault, and with which nobody should
 * serve. Who sets variables on purpose can do more than that: it is against accidents.
 */
export function refuseUnsafe(env: Readonly<Record<string, string | undefined>>): void {
  const open = debuggers.find((name) => env[name]);
  if (open !== undefined) throw unsafe(open, "whoever reaches the debugger has every key");
  if (/--inspect/.test(env.BUN_OPTIONS ?? ""))
    throw unsafe("BUN_OPTIONS", "whoever reaches the debugger has every key");
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0")
    throw unsafe(
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "certificates would not be checked. An authority of your own is named by NODE_EXTRA_CA_CERTS",
    );
}

function unsafe(name: string, why: string): CommandError {
  return new CommandError(`Cannot serve with ${name} set: ${why}\nUnset it and start again`, 78);
}
