import * as v from "valibot";

/** One package as bun.lock pins it. */
export interface Locked {
  /** Where it stands, such as "better-auth/node_modules/kysely" under node_modules. */
  place: string;
  name: string;
  version: string;
  /** "sha512-…" of its tarball, base64. */
  integrity: string;
  /** Names of what it asks for and has: optional and peer ones are absent where they are not installed. */
  asks: readonly string[];
  /** It is for some machines only, and may not be installed here. */
  isForSomeMachines: boolean;
}

const names = v.optional(v.record(v.string(), v.string()), {});
const lockfile = v.looseObject({
  lockfileVersion: v.literal(2),
  workspaces: v.looseObject({
    "": v.looseObject({ dependencies: names, devDependencies: names }),
  }),
  packages: v.record(
    v.string(),
    v.tuple([
      v.pipe(v.string(), v.regex(/^.+@\d+\.\d+\.\d+[^/]*$/)),
      v.literal(""),
      v.looseObject({
        dependencies: names,
        optionalDependencies: names,
        peerDependencies: names,
        os: v.optional(v.unknown()),
        cpu: v.optional(v.unknown()),
        libc: v.optional(v.unknown()),
      }),
      v.pipe(v.string(), v.regex(/^sha512-[A-Za-z0-9+/]{86}==$/)),
    ]),
  ),
});

/** What the lockfile says. */
export interface Lockfile {
  /** What the product asks for by name. */
  direct: readonly string[];
  /** What working on it asks for by name. */
  development: readonly string[];
  /** By place. */
  packages: ReadonlyMap<string, Locked>;
}

/** Reads bun.lock. Throws where a package is not pinned to one version and one hash of the registry. */
export function readLockfile(text: string): Lockfile {
  const read = v.parse(lockfile, Bun.JSONC.parse(text));
  const root = read.workspaces[""];
  const packages = Object.entries(read.packages).map(([key, [id, , says, integrity]]) => {
    const at = id.lastIndexOf("@");
    const locked: Locked = {
      place: placeOf(key),
      name: id.slice(0, at),
      version: id.slice(at + 1),
      integrity,
      asks: Object.keys({
        ...says.dependencies,
        ...says.optionalDependencies,
        ...says.peerDependencies,
      }),
      isForSomeMachines: (says.os ?? says.cpu ?? says.libc) !== undefined,
    };
    return [locked.place, locked] as const;
  });
  return {
    direct: Object.keys(root.dependencies),
    development: Object.keys(root.devDependencies),
    packages: new Map(packages),
  };
}

/** The package that one at `place` finds under a name: the nearest, as a program looks for it. Nothing where none is. */
export function found(lock: Lockfile, place: string, name: string): Locked | undefined {
  for (let at = place; at !== "";) {
    const nested = lock.packages.get(`${at}/node_modules/${name}`);
    if (nested !== undefined) return nested;
    at = at.includes("/node_modules/") ? at.slice(0, at.lastIndexOf("/node_modules/")) : "";
  }
  return lock.packages.get(name);
}

/** "a/@b/c/d" of the lockfile is the folder "a/node_modules/@b/c/node_modules/d". */
function placeOf(key: string): string {
  return (key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? []).join("/node_modules/");
}
