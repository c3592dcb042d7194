/** Asks the registry for advisories on what bun.lock pins: `bun src/build/advisories.ts`. Dev only. */
import * as v from "valibot";

const advisories = v.record(
  v.string(),
  v.array(
    v.looseObject({
      title: v.string(),
      url: v.string(),
      severity: v.string(),
      vulnerable_versions: v.string(),
    }),
  ),
);

/** What came of asking. */
export interface AdvisoryReport {
  /** Whether the registry answered: without an answer nothing is known. */
  answered: boolean;
  /** A line for each advisory, or why there was no answer. */
  lines: readonly string[];
  /** Whether one is high or critical. */
  grave: boolean;
}

if (import.meta.main) {
  const { answered, lines, grave } = await askAdvisories(process.cwd());
  for (const line of lines) console.log(line);
  if (!answered) console.log("Advisories: NOT CHECKED, the registry gave no answer");
  else console.log(`Advisories: ${lines.length} on what bun.lock pins`);
  process.exit(grave ? 1 : 0);
}

/** Asks by Bun's own client, for the lockfile of a folder. */
export async function askAdvisories(
  folder: string,
  env: Record<string, string | undefined> = process.env,
): Promise<AdvisoryReport> {
  const child = Bun.spawn([process.execPath, "audit", "--json"], {
    cwd: folder,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), advisories), out);
  if (!read.success) {
    const last = err.trim().split("\n").at(-1) ?? "";
    return { answered: false, lines: [last], grave: false };
  }
  const all = Object.entries(read.output).flatMap(([name, found]) =>
    found.map((one) => ({ name, ...one })),
  );
  return {
    answered: true,
    lines: all.map(
      ({ name, severity, title, url, vulnerable_versions }) =>
        `${severity}: ${name} ${vulnerable_versions}: ${title} (${url})`,
    ),
    grave: all.some(({ severity }) => severity === "high" || severity === "critical"),
  };
}
