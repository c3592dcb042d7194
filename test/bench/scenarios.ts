/** Long: every question that the benchmark asks, in the order of its report. */
import { join } from "node:path";
import { configurationOf, fillState, type StoreFill } from "#test/bench/fill.ts";
import type { GatewayOptions } from "#test/bench/gateway.ts";
import { measure, type Measured } from "#test/bench/measure.ts";
import { chat } from "#test/bench/plan.ts";
import { compare, inRounds, middle, type Results, type Rounds } from "#test/bench/rounds.ts";
import { measureCopies, pictureBody, pictureBytes } from "#test/bench/copies.ts";
import { median } from "#test/bench/samples.ts";
import { measurePages, type PageSizes } from "#test/bench/pages.ts";
import { temporaryFolder, use } from "#test/bench/process.ts";
import { measureRouting } from "#test/bench/routing.ts";
import { holdTo, workersOf } from "#test/bench/share.ts";
import { failures, number, type Table } from "#test/bench/table.ts";
import {
  full,
  keptPipe,
  least,
  type Target,
  type TargetName,
  translated,
  twoWorkers,
} from "#test/bench/target.ts";

/** How much of everything: the full run, or the quick one that only shows that it works. */
export interface Sizes {
  rounds: Rounds;
  rateRounds: Rounds;
  slowStreams: number;
  slowEvents: number;
  /** Milliseconds between two events of a slow stream. */
  slowPaceMs: number;
  /** Requests after which memory is read: the first, then more up to the second. */
  memoryRequests: readonly [number, number];
  /** Requests with a picture that are held at once. */
  pictures: number;
  pages: PageSizes;
  /** What is in a store that is full. */
  fill: StoreFill;
}

/** What a scenario works with. */
export interface Stage {
  sizes: Sizes;
  targets: ReadonlyMap<TargetName, Target>;
  /** Starts another process of a target, with nothing behind it. */
  fresh(name: TargetName): Promise<Target>;
  /** Starts another gateway, as the options say. */
  freshGateway(options: GatewayOptions): Promise<Target>;
  /** Most streams that were open at the upstream at once since the last call. */
  peakAtUpstream(): Promise<number>;
}

/** One question asked of every target. */
export interface Scenario {
  name: string;
  title: string;
  /** It asks no target, but measures a part of the gateway in this process. */
  isInside?: true;
  /** How it was measured, in a sentence. */
  method(sizes: Sizes): string;
  run(stage: Stage): Promise<Table>;
}

const connections = 32;
const streamConnections = 20;
const streamEvents = 50;
const longEvents = 200;
const crossedModel = "anthropic/claude-haiku-4.5";
const rateConnections = 64;
const manyStreamConnections = 100;
const textBytes = 1_000_000;
/** Slow streams that begin together: so many new connections an upstream's socket queues easily. */
const slowTogether = 250;
const peakMilliseconds = 250;
const largeConnections = 8;
const memoryTargets: readonly TargetName[] = ["pipe", "lowrouter"];

const throughput: Scenario = {
  name: "throughput",
  title: `Non-streaming chat at ${connections} connections`,
  method: ({ rounds }) =>
    `Closed loop, 1 KB question, 1 KB answer; ${rounds.count} interleaved rounds of ${rounds.seconds} s; ` +
    "medians, ratios taken round by round. The pipe with a row uses the gateway's connections and database, commits a " +
    "row before each answer leaves, and does nothing else. The least gateway does in one function, for this request alone, what a " +
    "gateway has to do: the most that one process can reach.",
  async run(stage) {
    const load = { body: chat({ kind: "answer" }), stream: false, connections };
    return withBounds(stage, stage.targets, [keptPipe, least], load);
  },
};

/** Speeds of targets, and beside the pipe those of what shows how much can be reached. */
async function withBounds(
  { sizes, fresh }: Stage,
  targets: Stage["targets"],
  names: TargetName[],
  load: Parameters<typeof inRounds>[1],
): Promise<Table> {
  const all = new Map(targets);
  const bounds: Target[] = [];
  try {
    for (const name of targets.has("pipe") ? names : []) {
      const bound = await fresh(name);
      bounds.push(bound);
      all.set(name, bound);
    }
    return speeds("requests/s", await inRounds(all, load, sizes.rounds));
  } finally {
    for (const { running } of bounds) await running.stop();
  }
}

const streams: Scenario = {
  name: "streams",
  title: `Streams of ${streamEvents} events at ${streamConnections} connections`,
  method: ({ rounds }) =>
    "Closed loop, every event its own write upstream, read to `data: [DONE]`; " +
    `${rounds.count} interleaved rounds of ${rounds.seconds} s; medians, ratios round by round.`,
  async run({ targets, sizes }) {
    const body = chat({ kind: "stream", events: streamEvents });
    const load = { body, stream: true, connections: streamConnections };
    return speeds("streams/s", await inRounds(targets, load, sizes.rounds));
  },
};

const crossed: Scenario = {
  name: "translated",
  title: `Non-streaming chat at ${connections} connections, translated`,
  method: ({ rounds }) =>
    "As above; the translated gateway asks an upstream that speaks Anthropic Messages. " +
    `${rounds.count} interleaved rounds of ${rounds.seconds} s.`,
  async run({ targets, sizes }) {
    const load = { body: chat({ kind: "answer" }), stream: false, connections };
    return speeds("requests/s", await inRounds(withTranslated(targets), load, sizes.rounds));
  },
};

const crossedStreams: Scenario = {
  name: "translated-streams",
  title: `Streams of ${longEvents} events at ${streamConnections} connections, translated`,
  method: ({ rounds }) =>
    "As above, with events of Anthropic Messages upstream; what a stream adds is the difference in processor " +
    `time to the pipe. ${rounds.count} interleaved rounds of ${rounds.seconds} s.`,
  async run({ targets, sizes }) {
    const body = chat({ kind: "stream", events: longEvents });
    const load = { body, stream: true, connections: streamConnections };
    return speeds("streams/s", await inRounds(withTranslated(targets), load, sizes.rounds));
  },
};

/** The pipe, the gateway, and the gateway with an upstream of another dialect. */
function withTranslated(targets: ReadonlyMap<TargetName, Target>): ReadonlyMap<TargetName, Target> {
  const chosen = new Map([...targets].filter(([name]) => memoryTargets.includes(name)));
  const gateway = targets.get("lowrouter");
  if (gateway !== undefined) chosen.set(translated, { ...gateway, model: crossedModel });
  return chosen;
}

/** Without those that could not keep up: their figures would be of a queue. */
function swift(targets: Stage["targets"]): Stage["targets"] {
  return new Map([...targets].filter(([name]) => !name.startsWith("portkey")));
}

/** The same number of requests every second, whoever answers. */
function fixedRate(
  name: string,
  rate: number,
  among: (all: Stage["targets"]) => Stage["targets"] = (all) => all,
): Scenario {
  return {
    name,
    title: `Latency at ${number(rate)} requests/s`,
    method: ({ rateRounds }) =>
      `Open loop over ${rateConnections} connections; ${rateRounds.count} interleaved rounds of ` +
      `${rateRounds.seconds} s; milliseconds; added: over direct, round by round.`,
    async run({ targets, sizes }) {
      const load = {
        body: chat({ kind: "answer" }),
        stream: false,
        connections: rateConnections,
        rate,
      };
      return latencies(await inRounds(among(targets), load, sizes.rateRounds));
    },
  };
}

function latencies(results: Results): Table {
  const direct = results.get("direct");
  const added = (all: readonly Measured[], read: (one: Measured) => number | undefined) =>
    number(
      compare(all, direct, (one, other) => difference(read(one), read(other))),
      2,
    );
  const figures = [p50, p99, p999] as const;
  return {
    columns: [
      ...["target", "answered/s", "p50", "p99", "p99.9"],
      ...["added p50", "added p99", "added p99.9", "not ok"],
    ],
    rows: [...results].map(([name, all]) => [
      name,
      number(middle(all, (one) => one.perSecond)),
      ...figures.map((read) => number(middle(all, read), 2)),
      ...figures.map((read) => (name === "direct" ? "—" : added(all, read))),
      failures(all.map((one) => one.failures)),
    ]),
  };
}

const slow: Scenario = {
  name: "slow-streams",
  title: "Many slow streams at once",
  method: ({ slowStreams, slowEvents, slowPaceMs }) =>
    `A fresh process; ${number(slowStreams)} connections, one stream each, one event per ${slowPaceMs} ms, ` +
    `${slowEvents} events (${((slowEvents * slowPaceMs) / 1000).toFixed(1)} s), ${slowTogether} begin together; a stream that waited for ` +
    "another shows in the first byte, in the total and in the peak at the upstream; memory is the most that the " +
    "process had beyond what it had idle, by stream; milliseconds.",
  async run({ targets, sizes, fresh, peakAtUpstream }) {
    const rows: string[][] = [];
    for (const name of targets.keys()) {
      const target = await fresh(name);
      try {
        await peakAtUpstream();
        rows.push([name, ...(await slowStreamsOf(target, sizes, peakAtUpstream))]);
      } finally {
        await target.running.stop();
      }
    }
    const columns = ["target", "complete", "peak at upstream", "first byte p50", "first byte p99"];
    return { columns: [...columns, "total p99", "RSS MB at most", "KB a stream", "not ok"], rows };
  },
};

async function slowStreamsOf(
  target: Target,
  { slowStreams, slowEvents, slowPaceMs }: Sizes,
  peakAtUpstream: () => Promise<number>,
): Promise<string[]> {
  const { pid } = target.running;
  const idle = (await use(pid))?.residentMegabytes;
  let most = idle;
  const look = setInterval(async () => {
    const now = (await use(pid))?.residentMegabytes;
    if (now !== undefined && most !== undefined) most = Math.max(most, now);
  }, peakMilliseconds);
  try {
    const one = await measure(target, {
      body: chat({ kind: "slow-stream", events: slowEvents, paceMs: slowPaceMs }),
      stream: true,
      connections: slowStreams,
      together: slowTogether,
      until: { requests: slowStreams },
    });
    const grown = difference(most, idle);
    return [
      `${number(one.ok)} of ${number(slowStreams)}`,
      number(await peakAtUpstream()),
      number(one.firstByte?.p50),
      number(one.firstByte?.p99),
      number(one.total?.p99),
      number(most),
      number(grown === undefined ? undefined : (grown * 1000) / slowStreams),
      failures([one.failures]),
    ];
  } finally {
    clearInterval(look);
  }
}

const manyStreams: Scenario = {
  name: "long-streams",
  title: `Streams of ${longEvents} events at ${manyStreamConnections} connections`,
  method: ({ rounds }) =>
    `As with short ones. ${rounds.count} interleaved rounds of ${rounds.seconds} s; medians, ratios round by round.`,
  async run({ targets, sizes }) {
    const body = chat({ kind: "stream", events: longEvents });
    const load = { body, stream: true, connections: manyStreamConnections };
    return speeds("streams/s", await inRounds(swift(targets), load, sizes.rounds));
  },
};

const bodies: Scenario = {
  name: "bodies",
  title: `Questions of 1 MB at ${largeConnections} connections`,
  method: ({ rounds }) =>
    `Closed loop, a question of ${megabytes(textBytes)} MB of text, 1 KB answer; ` +
    `${rounds.count} interleaved rounds of ${rounds.seconds} s; medians, ratios round by round. The least gateway is the ` +
    "most that one process can reach: it checks such a question as the gateway does.",
  async run(stage) {
    const body = chat({ kind: "answer" }, textBytes);
    const load = { body, stream: false, connections: largeConnections };
    return withBounds(stage, swift(stage.targets), [least], load);
  },
};

const fullStore: Scenario = {
  name: "full-store",
  title: `Non-streaming chat at ${connections} connections, with a full store`,
  method: ({ rounds, fill: { models, keys, generations } }) =>
    `Two fresh gateways: one on an empty store, one with ${number(models)} models in its configuration besides the ` +
    `catalogue's, and with ${number(keys)} keys and ${number(generations)} requests in its store. ` +
    `${rounds.count} interleaved rounds of ${rounds.seconds} s; medians, ratios round by round.`,
  async run({ targets, sizes, freshGateway }) {
    if (!targets.has("lowrouter")) return { columns: ["target"], rows: [] };
    await using folder = await temporaryFolder();
    const config = join(folder.path, "full.toml");
    await Bun.write(config, configurationOf(sizes.fill));
    const empty = await freshGateway({});
    const filled = await freshGateway({
      args: ["--config", config],
      fill: (state, accountId) => fillState(state, accountId, sizes.fill),
    });
    const both = new Map([
      ["lowrouter", empty],
      [full, filled],
    ] as const);
    return beside(both, sizes.rounds);
  },
};

const workers: Scenario = {
  name: "workers",
  title: `Non-streaming chat at ${connections} connections, by two workers`,
  method: ({ rounds }) =>
    "Two fresh gateways, one of them with `--workers 2`. Load and upstream take cores too: on a machine with few of them " +
    `it is not the gateway that is measured. ${rounds.count} interleaved rounds of ${rounds.seconds} s.`,
  async run({ targets, sizes, freshGateway }) {
    if (!targets.has("lowrouter")) return { columns: ["target"], rows: [] };
    return beside(await oneAndTwo(freshGateway), sizes.rounds);
  },
};

/** Of a core: two of them leave enough of two cores for load and upstream. */
const workerShare = 0.4;

const heldWorkers: Scenario = {
  name: "workers-held",
  title: `Non-streaming chat at ${connections} connections, by two workers of ${workerShare} cores each`,
  method: ({ rounds }) =>
    `Two fresh gateways, one of them with \`--workers 2\`, each process of them held to ${workerShare} of a core by the kernel, so ` +
    `that load and upstream have what they need; on Linux, as root. ${rounds.count} interleaved rounds of ${rounds.seconds} s.`,
  async run({ targets, sizes, freshGateway }) {
    if (!targets.has("lowrouter")) return { columns: ["target"], rows: [] };
    const both = await oneAndTwo(freshGateway);
    const all = [...both.values()];
    using held = holdTo(
      workerShare,
      all.flatMap(({ running }) => workersOf(running.pid)),
    );
    if (held !== undefined) return await beside(both, sizes.rounds);
    await Promise.all(all.map(({ running }) => running.stop()));
    return { columns: ["not measured: no control group could be made"], rows: [] };
  },
};

/** A gateway of one process, and one of two workers. */
async function oneAndTwo(freshGateway: Stage["freshGateway"]) {
  const one = await freshGateway({});
  const two = await freshGateway({ args: ["--workers", "2"] });
  return new Map([
    ["lowrouter", one],
    [twoWorkers, two],
  ] as const);
}

/** Plain requests to gateways, divided by the first of them; then they are stopped. */
async function beside(gateways: ReadonlyMap<TargetName, Target>, rounds: Rounds): Promise<Table> {
  try {
    const load = { body: chat({ kind: "answer" }), stream: false, connections };
    const results = await inRounds(gateways, load, rounds);
    const [first] = results.values();
    return {
      columns: ["target", "requests/s", "÷ first", "p50 ms", "p99 ms", "CPU µs each", "not ok"],
      rows: [...results].map(([name, all]) => [
        name,
        number(middle(all, (one) => one.perSecond)),
        number(compare(all, first, perSecondRatio), 3),
        number(middle(all, p50), 2),
        number(middle(all, p99), 2),
        number(middle(all, (one) => one.cpuMicroseconds)),
        failures(all.map((one) => one.failures)),
      ]),
    };
  } finally {
    await Promise.all([...gateways.values()].map(({ running }) => running.stop()));
  }
}

const memory: Scenario = {
  name: "memory",
  title: "Memory",
  method: ({ memoryRequests: [first, second] }) =>
    `A fresh process; resident memory in MB before any request, after ${number(first)} and after ` +
    `${number(second)} non-streaming requests at ${connections} connections.`,
  async run({ targets, sizes, fresh }) {
    const [first, second] = sizes.memoryRequests;
    const load = { body: chat({ kind: "answer" }), stream: false, connections };
    const rows: string[][] = [];
    for (const name of memoryTargets.filter((known) => targets.has(known))) {
      const target = await fresh(name);
      try {
        const idle = await measure(target, { ...load, until: { requests: 0 } });
        const early = await measure(target, { ...load, until: { requests: first } });
        const late = await measure(target, { ...load, until: { requests: second - first } });
        const growth = difference(late.residentMegabytes, early.residentMegabytes);
        const read = [idle, early, late].map((one) => number(one.residentMegabytes, 1));
        const wrong = failures([idle, early, late].map((one) => one.failures));
        rows.push([name, ...read, number(growth, 1), wrong]);
      } finally {
        await target.running.stop();
      }
    }
    const after = [first, second].map((count) => `after ${number(count)}`);
    return { columns: ["target", "idle", ...after, "growth", "not ok"], rows };
  },
};

const large: Scenario = {
  name: "large",
  title: `Pictures of 1 MB at ${largeConnections} connections`,
  method: ({ rounds }) =>
    `Closed loop, a question of ${megabytes(pictureBytes)} MB with a picture in base64, 1 KB answer; ` +
    `${rounds.count} interleaved rounds of ${rounds.seconds} s; medians, ratios round by round.`,
  async run({ targets, sizes }) {
    const load = { body: pictureBody(pictureBytes), stream: false, connections: largeConnections };
    return speeds("requests/s", await inRounds(withTranslated(targets), load, sizes.rounds));
  },
};

const images: Scenario = {
  name: "images",
  title: "Copies of a picture in memory",
  isInside: true,
  method: ({ pictures }) =>
    `${pictures} requests of ${megabytes(pictureBytes)} MB at once, from source, with an upstream that has read ` +
    "them all and answers none; growth of the process by request, divided by the length of its body: of the heap " +
    "after a full collection, and of resident memory before it.",
  run: ({ sizes }) => measureCopies(sizes.pictures),
};

function megabytes(bytes: number): string {
  return number(bytes / 1e6, 1);
}

const startup: Scenario = {
  name: "start",
  title: "From the start of a process to its first answer",
  method: ({ rounds }) =>
    `${rounds.count} starts of each, one after another, on a database that is there; in milliseconds.`,
  async run({ targets, sizes, fresh }) {
    const rows: string[][] = [];
    for (const name of memoryTargets.filter((known) => targets.has(known))) {
      const took: number[] = [];
      for (let round = 0; round < sizes.rounds.count; round++) {
        const { running } = await fresh(name);
        took.push(running.startMilliseconds);
        await running.stop();
      }
      rows.push([name, number(median(took)), number(Math.max(...took))]);
    }
    return { columns: ["target", "median", "longest"], rows };
  },
};

const routing: Scenario = {
  name: "routing",
  title: "Choosing a route among 250 models at 35 providers",
  isInside: true,
  method: ({ rounds }) =>
    `In the benchmark's own process, every model at every provider; ${routingRounds(rounds)} choices each.`,
  run: ({ sizes }) => measureRouting(routingRounds(sizes.rounds)),
};

const pages: Scenario = {
  name: "pages",
  title: "First byte of the pages behind the sign-in",
  isInside: true,
  method: ({ pages: { generations, requests } }) =>
    `A gateway of its own, from source, on a store with ${number(generations)} requests of one account in 366 days, ` +
    `by 40 keys to 250 models; each page asked for ${requests} times, one after the other, after a first time.`,
  run: ({ sizes }) => measurePages(sizes.pages),
};

function routingRounds({ count }: Rounds): number {
  return count * 4000;
}

/** Every scenario, in the order of the report. */
export const scenarios: readonly Scenario[] = [
  throughput,
  streams,
  crossed,
  crossedStreams,
  manyStreams,
  fixedRate("rate", 300),
  fixedRate("rate-2000", 2000, swift),
  slow,
  memory,
  startup,
  bodies,
  large,
  images,
  fullStore,
  workers,
  heldWorkers,
  routing,
  pages,
];

function speeds(unit: string, results: Results): Table {
  const ratio = (all: readonly Measured[], base: TargetName) =>
    number(compare(all, results.get(base), perSecondRatio), 2);
  const streaming = unit === "streams/s";
  return {
    columns: [
      ...["target", unit, "÷ direct", "÷ pipe", "÷ portkey (node)", "÷ portkey (bun)"],
      ...(streaming ? ["first byte p50 ms"] : []),
      ...["p50 ms", "p99 ms", "CPU µs each", "RSS MB", "not ok"],
    ],
    rows: [...results].map(([name, all]) => [
      name,
      number(middle(all, (one) => one.perSecond)),
      ratio(all, "direct"),
      ratio(all, "pipe"),
      ratio(all, "portkey (node)"),
      ratio(all, "portkey (bun)"),
      ...(streaming
        ? [
            number(
              middle(all, (one) => one.firstByte?.p50),
              2,
            ),
          ]
        : []),
      number(middle(all, p50), 2),
      number(middle(all, p99), 2),
      number(middle(all, (one) => one.cpuMicroseconds)),
      number(all.at(-1)?.residentMegabytes),
      failures(all.map((one) => one.failures)),
    ]),
  };
}

function perSecondRatio(one: Measured, other: Measured): number | undefined {
  return other.perSecond === 0 ? undefined : one.perSecond / other.perSecond;
}

function p50(one: Measured): number | undefined {
  return one.total?.p50;
}

function p99(one: Measured): number | undefined {
  return one.total?.p99;
}

function p999(one: Measured): number | undefined {
  return one.total?.p999;
}

function difference(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one - other;
}
