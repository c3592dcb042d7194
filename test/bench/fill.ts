/** A store that is full, beneath the gateway that is measured: what a request must not notice. */
import { join } from "node:path";
import { createKey } from "#src/account/keys.ts";
import { systemClock } from "#src/lib/clock.ts";
import { openStore } from "#src/store/open.ts";
import { fillStore } from "#test/bench/pages-fill.ts";

/** How much is in it. */
export interface StoreFill {
  models: number;
  keys: number;
  generations: number;
}

const days = 366;
const keysAtOnce = 100;

/** Writes keys and requests of an account into a state that nobody serves yet. */
export async function fillState(
  state: string,
  accountId: string,
  { models, keys, generations }: StoreFill,
): Promise<void> {
  const store = await openStore({ url: `file:${join(state, "lowrouter.db")}` });
  try {
    const hashes: string[] = [];
    for (let at = 0; at < keys; at += keysAtOnce) {
      const made = Array.from({ length: Math.min(keysAtOnce, keys - at) }, (_, index) =>
        createKey(store, systemClock, { accountId, name: `key ${at + index}` }),
      );
      for (const { key } of await Promise.all(made)) hashes.push(key.hash);
    }
    await fillStore(store, {
      accountId,
      keys: hashes,
      models: modelsOf(models),
      generations,
      days,
      now: systemClock.now(),
    });
  } finally {
    store.close();
  }
}

function modelsOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `bench/model-${at}`);
}

/** A configuration with so many models of the operator's own besides the catalogue's. */
export function configurationOf({ models }: Pick<StoreFill, "models">): string {
  return modelsOf(models)
    .map(
      (id, at) =>
        `[[models]]\nid = "${id}"\nprovider = "openai"\nupstream = "model-${at}"\ninput_per_million = 1\noutput_per_million = 4\n`,
    )
    .join("\n");
}
