/**
 * The JSON encoding of OTLP, as far as it is sent here: 64-bit integers as text, enumerations as numbers, ids in hexadecimal.
 * Written by hand, as every collector takes it at the same address as protobuf, it is documented as stable, and the library
 * would weigh more than all of it. Source: opentelemetry.io/docs/specs/otlp, JSON Protobuf Encoding.
 */

/** A fact of a span, a sample or a resource; undefined is left out. */
export type AttributeValue = string | number | boolean | readonly string[] | undefined;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Attributes as key and value pairs. Whole numbers are integers unless their name is one of `doubles`. */
export function attributes(facts: Attributes, doubles: ReadonlySet<string> = noDoubles): object[] {
  const list: object[] = [];
  for (const key in facts) {
    const value = facts[key];
    if (value !== undefined) list.push({ key, value: valueOf(value, doubles.has(key)) });
  }
  return list;
}

const noDoubles: ReadonlySet<string> = new Set();

function valueOf(value: Exclude<AttributeValue, undefined>, isDouble: boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return !isDouble && Number.isSafeInteger(value)
      ? { intValue: String(value) }
      : { doubleValue: value };
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}

/** Unix milliseconds as nanoseconds. */
export function unixNano(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

/** Who sends. */
export interface Sender {
  serviceName: string;
  version: string;
  /** Tells this process from others of the same service. */
  instance: string;
}

/** What everything that is sent comes from. */
export function resource({ serviceName, version, instance }: Sender): object {
  return {
    attributes: attributes({
      "service.name": serviceName,
      "service.version": version,
      "service.instance.id": instance,
    }),
  };
}

/** The library that made the figures. */
export function scope({ version }: Sender): object {
  return { name: "lowrouter", version };
}
