import { basename } from "node:path";
import type { Locked, Lockfile } from "#src/build/lockfile.ts";

/** The packages of which the bundler puts something into the executable, in order of place. Machine-specific addons are not among them. */
export async function bundledPackages(entry: string, lock: Lockfile): Promise<Locked[]> {
  const result = await Bun.build({
    entrypoints: [entry],
    target: "bun",
    format: "esm",
    minify: true,
    metafile: true,
    // The addon is chosen when compiling.
    external: ["@libsql/linux-*", "@libsql/darwin-*", "@libsql/win32-*"],
  });
  if (result.metafile === undefined) throw new Error(`Cannot tell what ${basename(entry)} bundles`);
  const places = new Set<string>();
  for (const { inputs } of Object.values(result.metafile.outputs))
    for (const path of Object.keys(inputs)) {
      const place = /node_modules\/(.*node_modules\/)?(@[^/]+\/)?[^/]+/.exec(path)?.[0];
      if (place !== undefined) places.add(place.slice("node_modules/".length));
    }
  return [...places].toSorted().map((place) => {
    const locked = lock.packages.get(place);
    if (locked === undefined) throw new Error(`Cannot tell what ${place} is: bun.lock has none`);
    return locked;
  });
}
