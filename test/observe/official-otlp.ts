import { expect } from "bun:test";
import root from "@opentelemetry/otlp-transformer/build/src/generated/root.js";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * The messages of OpenTelemetry's own protocol files, as its JavaScript SDK carries them. What the protocol has no field for
 * is lost on the way through its bytes, which is how it is found.
 */
interface Message {
  fromObject(value: JsonObject): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): JsonObject;
}

const services = ["opentelemetry", "proto", "collector"];
const messages = new Map([
  ["/v1/traces", messageAt([...services, "trace", "v1", "ExportTraceServiceRequest"])],
  ["/v1/metrics", messageAt([...services, "metrics", "v1", "ExportMetricsServiceRequest"])],
]);
const ids: ReadonlySet<string> = new Set(["traceId", "spanId", "parentSpanId"]);

/** Throws where an export in JSON says anything that the official protocol would not carry. */
export function requireOfficial(path: string, body: Json): void {
  const message = messages.get(path);
  if (message === undefined || !isObject(body)) throw new Error(`Nothing is sent to ${path}`);
  const told = objectInProto(body);
  const bytes = message.encode(message.fromObject(told)).finish();
  const read = message.toObject(message.decode(bytes), { longs: String, bytes: String });
  expect(objectInProto(read)).toEqual(told);
}

function objectInProto(value: JsonObject): JsonObject {
  const kept = Object.entries(value).filter(([, one]) => !(Array.isArray(one) && one.length === 0));
  return Object.fromEntries(kept.map(([key, one]) => [key, inProto(one ?? null, key)]));
}

function messageAt(path: readonly string[]): Message {
  const found = path.reduce<unknown>((holder, name) => Reflect.get(Object(holder), name), root);
  if (!isMessage(found)) throw new Error(`The protocol has no ${path.join(".")}`);
  return found;
}

function isMessage(value: unknown): value is Message {
  return typeof value === "function" && "fromObject" in value && "decode" in value;
}

/** Ids as the protocol's JSON has bytes, where OTLP has them in hexadecimal; a list of nothing is no field. */
function inProto(value: Json, name = ""): Json {
  if (Array.isArray(value)) return value.map((one) => inProto(one));
  if (isObject(value)) return objectInProto(value);
  const isId = ids.has(name) && typeof value === "string" && /^[0-9a-f]+$/.test(value);
  return isId ? Buffer.from(value, "hex").toString("base64") : value;
}
