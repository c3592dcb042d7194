import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { gateway, type GatewayOptions } from "#test/bench/gateway.ts";
import { nginx } from "#test/bench/nginx.ts";
import { portkey } from "#test/bench/portkey.ts";
import { freePort } from "#test/lib/port.ts";
import { start, type Running } from "#test/bench/process.ts";

/** What every target needs to know to start. */
export interface Bench {
  /** For logs, configuration and state; removed at the end. */
  folder: string;
  upstreamPort: number;
  /** How the gateway is run: an executable, or `bun src/main.ts`. */
  gateway: readonly string[];
}

/** Something that answers `POST <path>`, ready to be measured. */
export interface Target {
  running: Running;
  path: string;
  headers: Record<string, string>;
  /** The model that is asked; absent: that of the plan, whose upstream speaks the client's dialect. */
  model?: string;
}

/** Names of what can be measured, in the order of the rounds. */
export const targetNames = [
  "direct",
  "nginx",
  "pipe",
  "lowrouter",
  "portkey (bun)",
  "portkey (node)",
] as const;
/** A pipe that keeps a row of every answer. */
export const keptPipe = "pipe with a row";
/** A gateway for one kind of request, in one function: what one process can reach at most. */
export const least = "least gateway";
/** The gateway as `lowrouter`, asked for a model whose upstream speaks another dialect. */
export const translated = "lowrouter (translated)";
/** The gateway on a store that is full. */
export const full = "lowrouter (full store)";
/** The gateway by two processes. */
export const twoWorkers = "lowrouter (2 workers)";
export type TargetName =
  | (typeof targetNames)[number]
  | typeof keptPipe
  | typeof least
  | typeof translated
  | typeof full
  | typeof twoWorkers;

/** Headers that every request carries. */
export const plainHeaders = { "content-type": "application/json", authorization: "Bearer x" };
const path = "/v1/chat/completions";

/** Starts the mock upstream. */
export function upstream(folder: string): Promise<Running> {
  const port = freePort();
  const script = join(import.meta.dir, "upstream.ts");
  return start({
    name: "upstream",
    command: [process.execPath, script, String(port)],
    port,
    folder,
  });
}

const stats = v.looseObject({ peak: v.number() });

/** Most slow streams open at the upstream at once since the last call. */
export async function peak({ port }: Running): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/stats`);
  return v.parse(stats, await answer.json()).peak;
}

/** Starts a target of its own; throws with the reason when this machine cannot run it. */
export async function open(name: TargetName, bench: Bench, direct: Running): Promise<Target> {
  const plain = { path, headers: plainHeaders };
  switch (name) {
    case "direct":
      return { ...plain, running: { ...direct, stop: async () => {} } };
    case "nginx":
      return { ...plain, running: await nginx(bench) };
    case "pipe":
      return { ...plain, running: await pipe(bench, "pipe.ts") };
    case keptPipe:
      return { ...plain, running: await pipe(bench, "kept-pipe.ts") };
    case least:
      return { ...plain, running: await pipe(bench, "least.ts") };
    case "lowrouter":
      return openGateway(bench);
    case "portkey (bun)":
      return { path, ...(await portkey("bun", bench)) };
    case "portkey (node)":
      return { path, ...(await portkey("node", bench)) };
    case translated:
    case full:
    case twoWorkers:
      throw new Error("is opened by its own scenario");
  }
}

/** A gateway of its own, as the options say. */
export async function openGateway(bench: Bench, options: GatewayOptions = {}): Promise<Target> {
  const { running, key } = await gateway(bench, options);
  return { path, headers: { ...plainHeaders, authorization: `Bearer ${key}` }, running };
}

function pipe({ folder, upstreamPort }: Bench, file: string): Promise<Running> {
  const port = freePort();
  const script = join(import.meta.dir, file);
  // A database of its own each time.
  const own = join(folder, `pipe-${port}`);
  mkdirSync(own);
  return start({
    name: "pipe",
    command: [process.execPath, script, String(port), String(upstreamPort), own],
    port,
    folder,
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
  });
}
