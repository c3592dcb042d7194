import { statSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { withCatalogue } from "#src/cli/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { asUsage, CommandError, type Output, printJson } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { tellUncounted, unsentRows } from "#src/cli/unsent.ts";
import { systemClock } from "#src/lib/clock.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";
import { isPartial, monthOf } from "#src/statement/month.ts";
import { fileKinds, fileOf, type Issued, issue, type StatementFile } from "#src/statement/open.ts";
import { carbonEnds, countOf, energyEnds, figureOf, shareText } from "#src/statement/show.ts";

/** What `report footprint` takes. */
export interface FootprintOptions extends CommonOptions {
  month: string;
  account?: string;
  out: string;
  partial?: boolean;
}

/** The `report footprint` command: the signed statement of a month as a file. */
export async function footprintCommand(options: FootprintOptions, output: Output): Promise<void> {
  const { out } = options;
  const kind = fileKinds.find((one) => `.${one}` === extname(out).toLowerCase());
  if (kind === undefined)
    throw new CommandError(
      `Cannot tell what to write to "${out}": let its name end in ${fileKinds.map((one) => `.${one}`).join(", ")}`,
      2,
    );
  const month = monthOf(options.month);
  if (month === undefined)
    throw new CommandError(
      `Cannot use "${options.month}" for --month: give one such as 2026-10`,
      2,
    );
  const allowPartial = options.partial === true;
  // Said before anything is read, in the words of this command.
  asUsage(() => {
    if (systemClock.now() < month.from || allowPartial) isPartial(month, systemClock.now(), true);
  });
  if (systemClock.now() < month.to && !allowPartial)
    throw new CommandError(
      `Cannot make the statement of ${month.name}: the month is not over before ${new Date(month.to).toISOString()}\nAdd --partial for a statement of what there is so far, which says that it is one`,
      2,
    );
  await withCatalogue(options, ({ config, services, tables }) =>
    withStore(options, async (store) => {
      const account =
        options.account === undefined ? undefined : await accountBy(store, options.account);
      tellUncounted(await unsentRows(store, config), output, account?.id);
      const issued = await issue(
        {
          store,
          tables,
          hasGrid: (provider, region) => services.gridOf(provider, region) !== undefined,
          place: keyPlaceOf(config),
          clock: systemClock,
          origin: config.publicUrl,
        },
        { account, month, allowPartial },
      );
      const file = await fileOf(issued, kind, htmlOf);
      const written = write(out, file);
      tell(issued, written, options, output);
    }),
  );
}

async function htmlOf(issued: Issued): Promise<Uint8Array> {
  const { statementHtml } = await import("#src/web/dashboard/statement-file.tsx");
  return statementHtml(issued);
}

/** Writes the file, and its signature beside it where it has none inside. Returns what was written. */
function write(out: string, { bytes, side }: StatementFile): string[] {
  try {
    if (statSync(out, { throwIfNoEntry: false })?.isDirectory())
      throw new Error("it is a directory");
    writeFileSync(out, bytes);
    if (side === undefined) return [out];
    writeFileSync(`${out}.sig`, side);
    return [out, `${out}.sig`];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`Cannot write ${out}: ${reason}`);
  }
}

function tell(
  { statement, sha256, key }: Issued,
  files: readonly string[],
  { json }: CommonOptions,
  output: Output,
): void {
  const { totals, without_estimate: without, partial, month } = statement;
  if (json)
    return printJson(output, {
      data: {
        files,
        month,
        partial,
        sha256,
        key_id: key.id,
        public_key: key.publicKey,
        totals,
        without_estimate: without,
      },
    });
  output.out(
    `${month}${partial ? ", partial: the month is not over" : ""}: ${countOf(totals.requests)} requests, ${countOf(totals.tokens.total)} tokens\n`,
  );
  output.out(`carbon  ${figureOf(totals.carbon?.g)} g CO2e (${carbonEnds(totals)})\n`);
  output.out(`energy  ${figureOf(totals.energy?.wh)} Wh (${energyEnds(totals)})\n`);
  if (totals.requests > 0)
    output.out(
      `no estimate for ${shareText(without.share_of_requests)} of the requests and ${shareText(without.share_of_tokens)} of the tokens\n`,
    );
  output.out(`Wrote ${files.join(" and ")}, signed by the key ${key.id}: ${key.publicKey}\n`);
  output.err(`Run "lowrouter audit verify ${files[0] ?? ""}" to check it, on any machine\n`);
}
