import { cpus, loadavg, release, totalmem } from "node:os";
import { findNginx } from "#test/bench/nginx.ts";
import { portkeyVersion } from "#test/bench/portkey.ts";

/** What the figures depend on, as lines of Markdown. */
export async function describeMachine(now: Date): Promise<string[]> {
  const cores = cpus();
  const nginx = findNginx();
  const node = Bun.which("node");
  const versions = [
    `bun ${Bun.version}`,
    node === null ? "no node" : `node ${said([node, "--version"])}`,
    nginx === undefined ? "no nginx" : (said([nginx, "-v"]).match(/nginx\/[\d.]+/)?.[0] ?? "nginx"),
    `portkey ${(await portkeyVersion()) ?? "not installed"}`,
    `lowrouter ${said(["git", "-C", import.meta.dir, "rev-parse", "--short", "HEAD"])}`,
  ];
  const load = loadavg()[0]?.toFixed(1);
  return [
    `- Date: ${now.toISOString()}`,
    `- Versions: ${versions.join(", ")}`,
    `- Machine: ${cores.length} cores of ${cores[0]?.model.trim()}, ${(totalmem() / 1e9).toFixed(0)} GB, ` +
      `${process.platform} ${release()}; load average ${load} at the start`,
    "- All on one machine: load generator, target and upstream share its cores, so read the ratios.",
    "- Targets: direct is the upstream itself; pipe is `Bun.serve` with `fetch` and nothing else; lowrouter " +
      "has a prepaid account, so that keys, limits, credit, ledger and estimates are all on.",
  ];
}

/** What a command says about itself; nginx says it on the other output. */
function said(command: string[]): string {
  try {
    const { stdout, stderr } = Bun.spawnSync(command);
    return `${stdout.toString()}${stderr.toString()}`.trim();
  } catch {
    // The tool is missing: the report says so instead of failing.
    return "unknown";
  }
}
