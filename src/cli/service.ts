import { existsSync, readFileSync, writeFileSync } from "node:fs";
import page from "#src/web/content/operating/systemd.md" with { type: "text" };
import { CommandError, type Output, printJson } from "#src/cli/output.ts";

/** Where the documentation puts the executable. */
const usualPath = "/usr/local/bin/lowrouter";
/** Places of which the unit sees nothing, or another's. */
const hidden = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/** The systemd unit that runs an executable. It stands once, in the documentation. */
export function serviceUnit(executable: string): string {
  const unit = /^```ini\n([\s\S]*?)^```$/m.exec(page)?.[1];
  if (unit === undefined) throw new Error("Cannot find the unit in its page");
  return unit.replace(usualPath, executable);
}

/** The `service print` command. */
export function printService(options: { json?: boolean }, output: Output): void {
  const unit = serviceUnit(ownPath());
  if (options.json) return printJson(output, { data: { unit } });
  output.out(unit);
}

/** The `service install` command. Throws CommandError where another unit is there, or the unit could not run this executable. */
export function installService(
  options: { file: string; json?: boolean },
  output: Output,
  executable = ownPath(),
): void {
  if (hidden.test(executable))
    throw new CommandError(
      `Cannot install a service that runs ${executable}: the unit does not see that directory\nRun "sudo install -m 755 ${executable} ${usualPath}", then "sudo ${usualPath} service install"`,
    );
  const { file } = options;
  const unit = serviceUnit(executable);
  if (existsSync(file) && readFileSync(file, "utf8") !== unit)
    throw new CommandError(
      `Cannot install ${file}: another is there\nCompare it with "lowrouter service print"; your own lines belong into ${file}.d/own.conf. Remove it, and run this again`,
    );
  try {
    writeFileSync(file, unit, { mode: 0o644 });
  } catch {
    throw new CommandError(
      `Cannot write ${file}\nRun "sudo ${executable} service install", or give another place with --file`,
    );
  }
  if (options.json) printJson(output, { data: { file } });
  else output.out(`${file}\n`);
  output.err(
    "Run next:\n  sudo systemctl daemon-reload\n  sudo systemctl enable --now lowrouter\n",
  );
}

/** This executable; run from the sources, the one that would be installed. */
function ownPath(): string {
  return Bun.isStandaloneExecutable ? process.execPath : usualPath;
}
