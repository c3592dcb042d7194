/**
 * Serves a million mixed requests from one process and looks whether anything is left over:
 * `npm run soak -- [--requests N] [--clients N] [--warm N] [--sample SECONDS] [--seed TEXT] [--executable FILE]`.
 * Prints a look each time, then what came of it; fails on any finding. From source it looks at the heap too.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { fromExecutable, fromSources } from "#test/chaos/program.ts";
import type { Sample } from "#test/soak/sample.ts";
import type { Slope } from "#test/soak/slope.ts";
import { soak, type SoakReport } from "#test/soak/soak.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "1000000" },
    clients: { type: "string", default: "48" },
    warm: { type: "string", default: "50000" },
    sample: { type: "string", default: "5" },
    seed: { type: "string", default: String(Date.now()) },
    executable: { type: "string" },
  },
});
console.log(`seed ${values.seed}`);
const report = await soak({
  program:
    values.executable === undefined ? fromSources() : fromExecutable(resolve(values.executable)),
  requests: positive("requests", values.requests),
  clients: positive("clients", values.clients),
  warmRequests: positive("warm", values.warm),
  sampleSeconds: positive("sample", values.sample),
  patienceSeconds: 10,
  seed: values.seed,
  onSample: (sample) => console.log(line(sample)),
});
tell(report);
process.exit(report.findings.length === 0 ? 0 : 1);

function tell({ seen, rows, resident, heap, grown, seconds, findings }: SoakReport): void {
  console.log(`\n${seen.requests} requests in ${seconds.toFixed(0)} s, ${rows} rows`);
  for (const [kind, statuses] of Object.entries(seen.outcomes))
    console.log(
      `  ${kind}: ${Object.entries(statuses)
        .map(([status, count]) => `${status} ${count}`)
        .join(", ")}`,
    );
  console.log(`resident memory: ${inWords(resident)}\nheap: ${inWords(heap)}`);
  if (grown.length > 0)
    console.log(
      `more than at the start: ${grown.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    );
  for (const finding of findings) console.log(`FOUND ${finding}`);
  console.log(findings.length === 0 ? "nothing was left over" : `${findings.length} findings`);
}

function inWords(slope: Slope | undefined): string {
  if (slope === undefined) return "too few samples";
  const { perRequest, standardError, share } = slope;
  return (
    `${perRequest.toFixed(2)} ± ${standardError.toFixed(2)} bytes a request in the second half, ` +
    `${(100 * share).toFixed(2)} % of it in all`
  );
}

function line(one: Sample): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const heap = one.heapBytes === undefined ? "" : `, heap ${megabytes(one.heapBytes)} MB`;
  return (
    `${one.requests}: resident ${megabytes(one.residentBytes)} MB${heap}, ${one.sockets} sockets, ${one.files} files, ` +
    `${one.temporaryFiles} temporary, log of writes ${megabytes(one.walBytes)} MB, ${one.leases} leases`
  );
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`Cannot use --${name} ${text}: give a number above 0`);
  return number;
}
