import { PassingFault } from "#src/lib/error.ts";

/** Why the store could not do it. `incompatible` and `refused` are for the operator and never pass by waiting. */
export type StoreFault = "busy" | "conflict" | "unavailable" | "incompatible" | "refused" | "other";

/** Seconds after which a caller may ask again: locks and full disks are seldom gone within less. */
const retryAfterSeconds = 2;

/** An error of the database, with a message for the operator. */
export class StoreError extends PassingFault {
  override readonly name = "StoreError";
  constructor(
    readonly fault: StoreFault,
    message: string,
    cause?: unknown,
  ) {
    const passes = fault === "busy" || fault === "unavailable";
    super(message, passes ? retryAfterSeconds : undefined, cause);
  }
}

const unavailable = [
  "SQLITE_IOERR",
  "SQLITE_FULL",
  "SQLITE_CANTOPEN",
  "SQLITE_READONLY",
  "HRANA_",
  "SERVER_ERROR",
  // Of Turso, beyond what a plan has: https://docs.turso.tech/help/usage-and-billing
  "BLOCKED",
];

/** Any error of the driver as a StoreError, with its kind read from the code. */
export function toStoreError(thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const code = codeOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new StoreError(faultOf(code, message), `Cannot use the database: ${message}`, thrown);
}

function faultOf(code: string, message: string): StoreFault {
  const text = `${code} ${message}`;
  if (text.includes("SQLITE_BUSY") || text.includes("database is locked")) return "busy";
  if (text.includes("SQLITE_CONSTRAINT") || text.includes("constraint failed")) return "conflict";
  if (unavailable.some((start) => text.includes(start))) return "unavailable";
  if (thrownByNetwork(text)) return "unavailable";
  return "other";
}

function thrownByNetwork(text: string): boolean {
  return /fetch|ECONN|ConnectionRefused|timed? ?out|disk I\/O/i.test(text);
}

function codeOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return "";
  return typeof thrown.code === "string" ? thrown.code : "";
}
