import type { Behaviour } from "#src/demo/behaviour.ts";
import { type SimulatedProvider, startProvider } from "#src/demo/provider.ts";
import { anthropicWire } from "#src/demo/wire-anthropic.ts";
import { geminiWire } from "#src/demo/wire-gemini.ts";
import { openaiWire } from "#src/demo/wire-openai.ts";
import type { Wire } from "#src/demo/wire.ts";
import type { Clock } from "#src/lib/clock.ts";
import { createIds, type Ids, type Random } from "#src/lib/id.ts";

export type Protocol = "openai" | "mistral" | "anthropic" | "gemini";

/** Which provider to simulate, and how fast and reliable it is. */
export interface SimulatedProviderOptions {
  protocol: Protocol;
  clock: Clock;
  random: Random;
  latency: { firstByteMs: number; perTokenMs: number };
  /** Share of requests that fail with 503; none when absent. */
  failureRate?: number;
  /** 0 or absent: any free one. */
  port?: number;
  hostname?: string;
  behaviour?: Behaviour;
  /** The key it accepts; any when absent. */
  apiKey?: string;
}

const wires: Readonly<Record<Protocol, (clock: Clock, ids: Ids) => Wire>> = {
  openai: openaiWire,
  mistral: (clock, ids) => openaiWire(clock, ids, true),
  anthropic: anthropicWire,
  gemini: geminiWire,
};

/** Starts a simulated provider of a protocol. Its address is what the provider's record in data/ has: with /v1 or /v1beta. */
export function startSimulatedProvider(options: SimulatedProviderOptions): SimulatedProvider {
  const { protocol, latency, ...rest } = options;
  const wire = wires[protocol](rest.clock, createIds(rest.clock));
  const { firstByteMs, perTokenMs } = latency;
  return startProvider(wire, { ...rest, firstByteMs, perWordMs: perTokenMs });
}
