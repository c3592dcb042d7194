/** Long: every question that the benchmark asks, in the order of its report. */
import { measure, type Measured } from "#test/bench/measure.ts";
import { chat } from "#test/bench/plan.ts";
import { compare, inRounds, middle, type Results, type Rounds } from "#test/bench/rounds.ts";
import { measureCopies, pictureBody, pictureBytes } from "#test/bench/copies.ts";
import { median } from "#test/bench/samples.ts";
import { measurePages, type PageSizes } from "#test/bench/pages.ts";
import { measureRouting } from "#test/bench/routing.ts";
import { failures, number, type Table } from "#test/bench/table.ts";
import { type Target, type TargetName, translated } from "#test/bench/target.ts";

/** How much of everything: the full run, or the quick one that only shows that it works. */
export interface Sizes {
  rounds: Rounds;
  rateRounds: Rounds;
  slowStreams: number;
  slowEvents: number;
  /** Requests after which memory is read: the first, then more up to the second. */
  memoryRequests: readonly [number, number];
  /** Requests with a picture that are held at once. */
  pictures: number;
  pages: PageSizes;
}

/** What a scenario works with. */
export interface Stage {
  sizes: Sizes;
  targets: ReadonlyMap<TargetName, Target>;
  /** Starts another process of a target, with nothing behind it. */
  fresh(name: TargetName): Promise<Target>;
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
const rate = 300;
const rateConnections = 64;
const largeConnections = 8;
const memoryTargets: readonly TargetName[] = ["pipe", "lowrouter"];

const throughput: Scenario = {
  name: "throughput",
  title: `Non-streaming chat at ${connections} connections`,
  method: ({ rounds }) =>
    `Closed loop, 1 KB question, 1 KB answer; ${rounds.count} interleaved rounds of ${rounds.seconds} s; ` +
    "medians, ratios taken round by round.",
  async run({ targets, sizes }) {
    const load = { body: chat({ kind: "answer" }), stream: false, connections };
    return speeds("requests/s", await inRounds(targets, load, sizes.rounds));
  },
};

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

const fixedRate: Scenario = {
  name: "rate",
  title: `Latency at ${rate} requests/s`,
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
    const results = await inRounds(targets, load, sizes.rateRounds);
    const direct = results.get("direct");
    const added = (all: readonly Measured[], read: (one: Measured) => number | undefined) =>
      compare(all, direct, (one, other) => difference(read(one), read(other)));
    return {
      columns: ["target", "answered/s", "p50", "p99", "p99.9", "added p50", "added p99", "not ok"],
      rows: [...results].map(([name, all]) => [
        name,
        number(middle(all, (one) => one.perSecond)),
        number(middle(all, p50), 2),
        number(middle(all, p99), 2),
        number(
          middle(all, (one) => one.total?.p999),
          2,
        ),
        name === "direct" ? "—" : number(added(all, p50), 2),
        name === "direct" ? "—" : number(added(all, p99), 2),
        failures(all.map((one) => one.failures)),
      ]),
    };
  },
};

const slow: Scenario = {
  name: "slow-streams",
  title: "Many slow streams at once",
  method: ({ slowStreams, slowEvents }) =>
    `${number(slowStreams)} connections, one stream each, one event per 100 ms, ${slowEvents} events ` +
    `(${(slowEvents / 10).toFixed(1)} s); a stream that waited for another shows in the first byte and ` +
    "in the peak at the upstream; milliseconds.",
  async run({ targets, sizes, peakAtUpstream }) {
    const { slowStreams, slowEvents } = sizes;
    const rows: string[][] = [];
    for (const [name, target] of targets) {
      await peakAtUpstream();
      const one = await measure(target, {
        body: chat({ kind: "slow-stream", events: slowEvents }),
        stream: true,
        connections: slowStreams,
        until: { requests: slowStreams },
      });
      rows.push([
        name,
        `${number(one.ok)} of ${number(slowStreams)}`,
        number(await peakAtUpstream()),
        number(one.firstByte?.p50),
        number(one.firstByte?.p99),
        number(one.total?.p99),
        number(one.residentMegabytes),
        failures([one.failures]),
      ]);
    }
    const columns = ["target", "complete", "peak at upstream", "first byte p50", "first byte p99"];
    return { columns: [...columns, "total p99", "RSS MB", "not ok"], rows };
  },
};

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
  fixedRate,
  slow,
  memory,
  startup,
  large,
  images,
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

function difference(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one - other;
}
