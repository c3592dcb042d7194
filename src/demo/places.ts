import type { ProviderConfig } from "#src/config/schema.ts";
import type { SimulatedProvider, Simulation } from "#src/demo/provider.ts";
import { type Protocol, startSimulatedProvider } from "#src/demo/simulate.ts";

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
export function startPlaces({ firstByteMs, perWordMs, ...rest }: Simulation): Places {
  const latency = { firstByteMs, perTokenMs: perWordMs };
  const start = (protocol: Protocol) => startSimulatedProvider({ ...rest, protocol, latency });
  const all = {
    openaiUs: start("openai"),
    openaiEu: start("openai"),
    mistralFr: start("mistral"),
    cloudferroPl: start("openai"),
    anthropic: start("anthropic"),
    google: start("gemini"),
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
