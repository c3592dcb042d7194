import { Circuit, type HealthState } from "#src/provider/circuit.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { KeyCircuits } from "#src/provider/key-circuits.ts";
import type { Percentiles } from "#src/provider/percentiles.ts";

/** What is known of one model at a provider in a region. Holds no route, so that nothing of a gateway stays by it. */
export interface Slot {
  key: string;
  provider: string;
  region: string;
  model: string;
  circuit: Circuit;
  /** Of whom the circuit is; absent before the first request. */
  origin: string | undefined;
  /** In the circuit's place, where there are several credentials. */
  keys: KeyCircuits | undefined;
  /** Made when the first is learnt: most of what could be asked never is. */
  latency: Percentiles | undefined;
  throughput: Percentiles | undefined;
  /** What people were or would have been told last, and since when. */
  shown: HealthState;
  since: number | undefined;
}

/** Nothing is known yet. */
export function emptySlot(key: string): Slot {
  const [provider = "", region = "", model = ""] = key.split("\n");
  return {
    key,
    provider,
    region,
    model,
    circuit: new Circuit(),
    origin: undefined,
    keys: undefined,
    latency: undefined,
    throughput: undefined,
    shown: "ok",
    since: undefined,
  };
}

/** Names who is asked and with which credential, as far as headers carry it: of another one, nothing is known. Tells neither. */
export function originOf({ deployment, endpoint }: Route): string {
  const { baseUrl, headers } = deployment;
  const { protocol, upstreamModel } = endpoint;
  return Bun.hash(JSON.stringify([baseUrl, protocol, upstreamModel, headers])).toString(36);
}
