import { found, type Locked, type Lockfile } from "#src/build/lockfile.ts";

/** A CycloneDX 1.6 document. Source: cyclonedx.org/docs/1.6/json */
export interface BillOfMaterials {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json";
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  serialNumber: string;
  version: 1;
  metadata: { component: Component; lifecycles: { phase: "build" }[] };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** One thing that the executable is made of. */
export interface Component {
  type: "application" | "library" | "platform";
  "bom-ref": string;
  group?: string;
  name: string;
  version: string;
  licenses: ({ license: { id: string } } | { expression: string })[];
  purl?: string;
  hashes?: { alg: "SHA-512"; content: string }[];
  properties?: { name: string; value: string }[];
}

/** A package with the licence it is under, and for which machines it is there, where not for all. */
export interface Material extends Locked {
  licence: string;
  targets?: readonly string[];
  /** Bun, in which all runs. */
  isPlatform?: boolean;
}

/** The bill of materials of a release. The same materials give the same bytes: it has no time and no chance in it. */
export function billOfMaterials(
  product: { version: string; commit: string },
  materials: readonly Material[],
  lock: Lockfile,
): BillOfMaterials {
  const root = `lowrouter@${product.version}`;
  const byPlace = new Map(materials.map((material) => [material.place, material]));
  const refs = (from: string, names: readonly string[]): string[] => {
    const there = names.flatMap((name) => {
      const met = found(lock, from, name);
      return met !== undefined && byPlace.has(met.place) ? [refOf(met)] : [];
    });
    return [...new Set(there)].toSorted();
  };
  // A package that stands in two places is one component, with what either has.
  const components = new Map<string, Component>();
  const edges = new Map<string, Set<string>>();
  for (const material of materials) {
    components.set(refOf(material), componentOf(material));
    const edge = edges.get(refOf(material)) ?? new Set();
    for (const ref of refs(material.place, material.asks)) edge.add(ref);
    edges.set(refOf(material), edge);
  }
  const platforms = materials.filter(({ isPlatform }) => isPlatform).map(refOf);
  edges.set(root, new Set([...refs("", lock.direct), ...platforms]));
  const content = {
    metadata: {
      component: {
        type: "application" as const,
        "bom-ref": root,
        name: "lowrouter",
        version: product.version,
        licenses: [{ license: { id: "Apache-2.0" } }],
        properties: [{ name: "lowrouter:commit", value: product.commit }],
      },
      lifecycles: [{ phase: "build" as const }],
    },
    components: [...components.values()].toSorted(byRef),
    dependencies: [...edges]
      .map(([ref, on]) => ({ ref, dependsOn: [...on].toSorted() }))
      .toSorted((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serialOf(content),
    version: 1,
    ...content,
  };
}

function componentOf(material: Material): Component {
  const { name, version, integrity, licence, targets, isPlatform } = material;
  const [group, bare] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const hash = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  return {
    type: isPlatform ? "platform" : "library",
    "bom-ref": refOf(material),
    ...(group === undefined ? {} : { group }),
    name: bare ?? name,
    version,
    licenses: / /.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }],
    purl: refOf(material),
    hashes: [{ alg: "SHA-512", content: hash }],
    ...(targets === undefined
      ? {}
      : { properties: targets.map((value) => ({ name: "lowrouter:target", value })) }),
  };
}

/** The package's address. Source: the npm type of github.com/package-url/purl-spec */
function refOf({ name, version }: Locked): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function byRef(a: Component, b: Component): number {
  return a["bom-ref"] < b["bom-ref"] ? -1 : 1;
}

/** A UUID of version 8, made from what the document says. Source: RFC 9562 5.8 */
function serialOf(content: unknown): string {
  const hex = new Bun.CryptoHasher("sha256").update(JSON.stringify(content)).digest("hex");
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [13, 16],
    [17, 20],
    [20, 32],
  ].map(([from, to]) => hex.slice(from, to));
  return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`;
}
