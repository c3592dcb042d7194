import type { Route } from "#src/provider/deployment.ts";
import { slotKey } from "#src/provider/health.ts";
import { KeyCircuits } from "#src/provider/key-circuits.ts";
import { emptySlot, originOf, type Slot } from "#src/provider/slot.ts";

/**
 * What a gateway goes on with of what the one before it knew: of slots that are asked at the same address, for the same model and
 * with the same credential. Both learn on together. Whoever changes one of them expects that it is tried at once, and so does who
 * mends at the provider what it had against us. Whether a credential that signs is the same cannot be seen: there, times alone are known.
 */
export function inherit(
  before: ReadonlyMap<string, Slot>,
  routes: Iterable<Route>,
): Map<string, Slot> {
  const slots = new Map<string, Slot>();
  for (const route of routes) {
    const known = before.get(slotKey(route));
    if (known === undefined) continue;
    for (const one of route.keys ?? [route]) take(one, known, slots);
  }
  return slots;
}

function take(route: Route, known: Slot, slots: Map<string, Slot>): void {
  const { key: credential, signer } = route.deployment;
  const origin = originOf(route);
  const kept = credential === undefined ? known : known.keys?.find(credential);
  if (kept?.origin !== origin) return;
  const slot = slots.get(known.key) ?? emptySlot(known.key);
  slots.set(known.key, slot);
  slot.latency = known.latency;
  slot.throughput = known.throughput;
  slot.shown = known.shown;
  slot.since = known.since;
  const { circuit } = kept;
  if (signer !== undefined || circuit.refused !== undefined) return;
  if (credential !== undefined)
    return (slot.keys ??= new KeyCircuits()).keep(credential, circuit, origin);
  slot.circuit = circuit;
  slot.origin = origin;
}
