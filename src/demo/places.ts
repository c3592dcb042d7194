import type { ProviderConfig } from "#src/config/schema.ts";
import { type SimulatedProvider, type Simulation, startProvider } from "#src/demo/provider.ts";
import { anthropicWire } from "#src/demo/wire-anthropic.ts";
import { geminiWire } from "#src/demo/wire-gemini.ts";
import { openaiWire } from "#src/demo/wire-openai.ts";
import { createIds } from "#src/lib/id.ts";

/** Simulated providers of all three wires, in regions whose grids differ a lot. */
export interface Places {
  /** What the configuration has to say to reach them. */
  providers: Record<string, ProviderConfig>;
  all: Record<PlaceName, SimulatedProvider>;
  stop(): Promise<void>;
}

export type PlaceName =
  "openaiUs" | "openaiEu" | "mistralFr" | "cloudferroPl" | "anthropic" | "google";

/** Starts them on loopback sockets. */
export function startPlaces(simulation: Simulation): Places {
  const ids = createIds(simulation.clock);
  const openai = () => startProvider(openaiWire(simulation.clock, ids), simulation);
  const all = {
    openaiUs: openai(),
    openaiEu: openai(),
    mistralFr: openai(),
    cloudferroPl: openai(),
    anthropic: startProvider(anthropicWire(ids), simulation),
    google: startProvider(geminiWire(ids), simulation),
  };
  return {
    all,
    providers: {
      openai: { base_urls: { "us-east": all.openaiUs.url, "eu-west": all.openaiEu.url } },
      mistral: { base_urls: { "eu-west": all.mistralFr.url } },
      cloudferro: { base_urls: { "eu-central": all.cloudferroPl.url }, country: "PL" },
      anthropic: { base_urls: { global: all.anthropic.url } },
      google: { base_urls: { global: all.google.url } },
    },
    async stop() {
      await Promise.all(Object.values(all).map((place) => place.stop()));
    },
  };
}
