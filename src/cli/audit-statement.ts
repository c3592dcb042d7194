import { existsSync, readFileSync } from "node:fs";
import type { CommonOptions } from "#src/cli/program.ts";
import { asUsage, CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { findHeads, type LostHeads } from "#src/statement/find-heads.ts";
import { keysPath, readKeys } from "#src/statement/keys.ts";
import { carbonEnds, energyEnds, figureOf, titleOf } from "#src/statement/show.ts";
import { type Verdict, VerifyError, verifyFile } from "#src/statement/verify.ts";

/** What `audit verify FILE` takes. */
export interface VerifyFileOptions extends CommonOptions {
  /** Public key, or a file that holds it. */
  key?: string;
  /** Looks for the heads in this installation's ledger, too. */
  ledger?: boolean;
  /** Of a ledger alone. */
  heads?: string;
  withoutHeads?: boolean;
}

/** The `audit verify FILE` command: checks a statement with nothing but the file and a public key. */
export async function verifyStatementCommand(
  file: string,
  options: VerifyFileOptions,
  output: Output,
): Promise<void> {
  if (options.heads !== undefined || options.withoutHeads)
    throw new CommandError(
      `Cannot use ${options.heads === undefined ? "--without-heads" : "--heads"} with a statement: it is of the ledger's own check, "lowrouter audit verify" without a file`,
      2,
    );
  const bytes = read(file);
  const side = existsSync(`${file}.sig`) ? read(`${file}.sig`) : undefined;
  const { key } = options;
  const keys = key === undefined ? [] : asUsage(() => readKeys(existsSync(key) ? text(key) : key));
  const verdict = checked(file, () => verifyFile({ bytes, side, keys }));
  const lost = options.ledger === true ? await lostHeads(file, verdict, options) : undefined;
  const { missing, removed } = lost ?? { missing: [], removed: [] };
  if (options.json)
    printJson(output, {
      data: {
        file,
        ok: missing.length === 0,
        kind: verdict.kind,
        key_id: verdict.keyId,
        public_key: verdict.publicKey,
        key_from: verdict.trust,
        missing_heads: missing,
        removed_heads: removed,
      },
    });
  else tell(file, verdict, output);
  if (missing.length > 0)
    throw new CommandError(
      `The statement was signed, but this ledger does not have the rows that it names: ${missing.join(", ")}\nRun "lowrouter audit verify" on it`,
    );
  if (options.ledger === true && !options.json)
    output.out(
      removed.length === 0
        ? "The ledger here has every head that the statement names\n"
        : `The ledger here has every head that the statement names but those whose rows were removed because they were old: ${removed.join(", ")}\n`,
    );
}

async function lostHeads(
  file: string,
  { statement }: Verdict,
  options: CommonOptions,
): Promise<LostHeads> {
  if (statement === undefined)
    throw new CommandError(
      `Cannot look for the heads of ${file} in the ledger: only the JSON form of a statement names them`,
      2,
    );
  return withStore(options, (store) => findHeads(store, statement.ledger.heads));
}

function checked(file: string, check: () => Verdict): Verdict {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof VerifyError)) throw thrown;
    throw new CommandError(
      `${file} does not verify: ${thrown.message}\nAsk for the statement again, and for the public key: ${keysPath} at the gateway`,
    );
  }
}

const covered = {
  json: "nothing in it was changed, and its totals are the sums of its lines",
  csv: "no byte of it was changed. The signature stands beside it",
  pdf: "no byte of it was changed, the attached JSON included",
  html: "no byte of it was changed",
} as const;

const trusted = {
  given: "That is the key that you gave.",
  vouched: "The key that you gave vouches for it.",
  embedded:
    "The key was read in the file itself: this proves that nothing was changed since it was signed, not who signed. Compare the key, or give it with --key",
} as const;

function tell(
  file: string,
  { kind, keyId, publicKey, trust, statement }: Verdict,
  output: Output,
): void {
  output.out(`${file} verifies: ${covered[kind]}\n`);
  output.out(`Signed by the key ${keyId}: ${publicKey}\n${trusted[trust]}\n`);
  if (statement === undefined) return;
  const { totals, made, partial } = statement;
  output.out(
    `${titleOf(statement)}${partial ? ", partial" : ""}, made ${made.at} by LowRouter ${made.version}\n`,
  );
  output.out(
    `${figureOf(totals.carbon?.g)} g CO2e (${carbonEnds(totals)}), ${figureOf(totals.energy?.wh)} Wh (${energyEnds(totals)})\n`,
  );
}

function read(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw new CommandError(
      isMissing
        ? `Cannot read ${file}: no such file`
        : `Cannot read ${file}: it has to be a file that you may read`,
    );
  }
}

function text(file: string): string {
  return new TextDecoder().decode(read(file));
}
