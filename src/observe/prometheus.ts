import { endedStatuses } from "#src/observe/ended.ts";
import type { Histogram } from "#src/observe/histogram.ts";
import type { Meter, Series } from "#src/observe/meter.ts";
import { type Sights, type SpoolSight, worstCircuits } from "#src/observe/sights.ts";

type Labels = readonly (readonly [name: string, value: string])[];

/** Text exposition format 0.0.4. Source: prometheus.io/docs/instrumenting/exposition_formats */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** Everything that was counted, and what is to be seen now, as Prometheus reads it. */
export function prometheusText(meter: Meter, sights: Sights): string {
  const page = new Exposition();
  requests(page, meter, sights.currency);
  process(page, meter, sights);
  return page.text;
}

function requests(page: Exposition, meter: Meter, currency: string): void {
  const { series } = meter;
  page.family(
    "lowrouter_requests_total",
    "counter",
    "Requests that were admitted, by how they ended.",
  );
  for (const one of series)
    for (const status of endedStatuses)
      if (one.requests[status] > 0)
        page.sample([...labelsOf(one), ["status", status]], one.requests[status]);
  page.family("lowrouter_tokens_total", "counter", "Tokens by class; the classes do not overlap.");
  for (const one of series)
    for (const [name, value] of tokenClasses(one))
      if (value > 0) page.sample([...labelsOf(one), ["class", name]], value);
  page.family("lowrouter_cost_total", "counter", "What was charged, in the currency of the label.");
  for (const one of series)
    if (one.cost > 0) page.sample([...labelsOf(one), ["currency", currency]], one.cost / 1e9);
  page.family(
    "lowrouter_energy_wh_total",
    "counter",
    "Estimated energy of answers, Wh, by the methodology that made the estimate.",
  );
  for (const one of series)
    for (const [methodology, { energyWh }] of one.eco)
      page.sample([...labelsOf(one), ["methodology_version", methodology]], energyWh);
  page.family(
    "lowrouter_carbon_grams_total",
    "counter",
    "Estimated carbon of answers, g CO2e, by the methodology that made the estimate.",
  );
  for (const one of series)
    for (const [methodology, { carbonG }] of one.eco)
      page.sample([...labelsOf(one), ["methodology_version", methodology]], carbonG);
  page.family(
    "lowrouter_requests_without_estimate_total",
    "counter",
    "Requests that energy and carbon leave out.",
  );
  for (const one of series)
    if (one.withoutEstimate > 0) page.sample(labelsOf(one), one.withoutEstimate);
  page.family("lowrouter_request_seconds", "histogram", "From arrival to the committed row.");
  for (const one of series) page.histogram(labelsOf(one), one.duration);
  page.family(
    "lowrouter_first_byte_seconds",
    "histogram",
    "From arrival until the answer began, of streams.",
  );
  for (const one of series)
    if (one.firstByte.count > 0) page.histogram(labelsOf(one), one.firstByte);
  page.family(
    "lowrouter_overhead_seconds",
    "histogram",
    "What the gateway adds: before, from arrival until the upstream is asked, where the first that was tried answered; after, from its first byte to the committed row, of whole answers.",
  );
  page.histogram([["part", "before"]], meter.before);
  page.histogram([["part", "after"]], meter.after);
  page.family("lowrouter_refusals_total", "counter", "Answers that were errors, by code.");
  for (const [code, count] of meter.refusals) page.sample([["code", code]], count);
  page.family("lowrouter_failed_attempts_total", "counter", "Attempts that failed at a provider.");
  for (const [provider, reasons] of meter.failedAttempts)
    for (const [reason, count] of reasons)
      page.sample(
        [
          ["provider", provider],
          ["reason", reason],
        ],
        count,
      );
}

function process(page: Exposition, meter: Meter, sights: Sights): void {
  page.family("lowrouter_requests_in_flight", "gauge", "Requests that are not settled yet.");
  page.sample([], sights.inFlight);
  page.family("lowrouter_provider_in_flight", "gauge", "Requests that are at a provider.");
  for (const { provider, inFlight } of sights.providers)
    page.sample([["provider", provider]], inFlight);
  page.family("lowrouter_provider_waiting", "gauge", "Requests that wait for a place there.");
  for (const { provider, waiting } of sights.providers)
    page.sample([["provider", provider]], waiting);
  page.family("lowrouter_circuit_state", "gauge", "0 ok, 1 degraded, 2 unavailable.");
  for (const one of worstCircuits(sights)) page.sample(labelsOf(one), one.value);
  page.family("lowrouter_commits_total", "counter", "Groups of rows that were committed.");
  page.sample([], meter.commits);
  page.family("lowrouter_commit_rows_total", "counter", "Rows in them.");
  page.sample([], meter.commitRows);
  page.family("lowrouter_commit_faults_total", "counter", "Commits that failed, tries included.");
  page.sample([], meter.commitFaults);
  page.family("lowrouter_commit_seconds", "histogram", "Time of a commit.");
  page.histogram([], meter.commitSeconds);
  if (sights.spool !== undefined) spool(page, sights.spool);
  page.family("lowrouter_build_info", "gauge", "Always 1.");
  page.sample([["version", sights.version]], 1);
  page.family("process_start_time_seconds", "gauge", "Unix seconds when the process began.");
  page.sample([], sights.startedAt);
  page.family("process_resident_memory_bytes", "gauge", "Resident memory.");
  page.sample([], sights.residentBytes);
  page.family("process_cpu_seconds_total", "counter", "Processor time, user and system.");
  page.sample([], sights.cpuSeconds.user + sights.cpuSeconds.system);
}

function spool(page: Exposition, sight: SpoolSight): void {
  page.family("lowrouter_spool_rows", "gauge", "Rows that the remote database does not have yet.");
  page.sample([], sight.rows);
  page.family("lowrouter_spool_bytes", "gauge", "Bytes of these rows in the data directory.");
  page.sample([], sight.bytes);
  page.family(
    "lowrouter_spool_capacity_bytes",
    "gauge",
    "Bytes that may wait: beyond them requests are refused.",
  );
  page.sample([], sight.mostBytes);
  page.family(
    "lowrouter_spool_oldest_seconds",
    "gauge",
    "Since the request ended that has waited longest; 0 where none waits.",
  );
  page.sample([], sight.oldestSeconds);
  page.family(
    "lowrouter_spool_refused_total",
    "counter",
    "Rows that the database refuses for good, put aside in spool/refused.jsonl.",
  );
  page.sample([], sight.refused);
  page.family(
    "lowrouter_spool_write_faults_total",
    "counter",
    "Writes that the disk of the data directory did not take.",
  );
  page.sample([], sight.faults);
  page.family(
    "lowrouter_spool_left_bytes",
    "gauge",
    "Bytes in files of processes that ended and that are not sent; workers see the same files.",
  );
  page.sample([], sight.leftBytes);
}

/** Token classes of a series by name. */
export function tokenClasses(one: Series): readonly (readonly [name: string, value: number])[] {
  return [
    ["input", one.inputFresh],
    ["cache_read", one.cacheRead],
    ["cache_write", one.cacheWrite],
    ["output", one.outputVisible],
    ["reasoning", one.reasoning],
  ];
}

function labelsOf(one: Pick<Series, "provider" | "model" | "region">): Labels {
  return [
    ["provider", one.provider],
    ["model", one.model],
    ["region", one.region],
  ];
}

class Exposition {
  #name = "";
  #lines: string[] = [];

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  family(name: string, type: "counter" | "gauge" | "histogram", help: string): void {
    this.#name = name;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(labels: Labels, value: number, suffix = ""): void {
    const told = labels.map(([name, text]) => `${name}="${escaped(text)}"`).join(",");
    const where = told === "" ? "" : `{${told}}`;
    this.#lines.push(`${this.#name}${suffix}${where} ${value}`);
  }

  histogram(labels: Labels, { bounds, counts, sum, count }: Histogram): void {
    let below = 0;
    for (const [at, bound] of bounds.entries()) {
      below += counts[at] ?? 0;
      this.sample([...labels, ["le", String(bound)]], below, "_bucket");
    }
    this.sample([...labels, ["le", "+Inf"]], count, "_bucket");
    this.sample(labels, sum, "_sum");
    this.sample(labels, count, "_count");
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
