import type { Clock } from "#src/lib/clock.ts";
import { shown } from "#src/lib/shown.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts about an event. Never a prompt, an answer or a secret. */
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  write(level: LogLevel, event: string, fields?: LogFields, cause?: unknown): void;
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One line per event on stderr: JSON, or readable on a terminal. */
export function createLog(options: {
  clock: Clock;
  level: LogLevel;
  format: "json" | "pretty";
  write: (line: string) => void;
}): Log {
  return {
    write(level, event, fields = {}, cause) {
      if (rank[level] < rank[options.level]) return;
      const time = new Date(options.clock.now()).toISOString();
      const reason = cause === undefined ? {} : { cause: causeOf(cause) };
      if (options.format === "json") {
        const line = JSON.stringify({ time, level, event, ...fields, ...reason });
        options.write(`${shown(line)}\n`);
        return;
      }
      const facts = Object.entries({ ...fields, ...reason })
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${shown(String(value))}`)
        .join(" ");
      options.write(
        `${time.slice(11, 19)} ${level.padEnd(5)} ${event}${facts ? ` ${facts}` : ""}\n`,
      );
    },
  };
}

/** Name and code of a thrown thing; its message only where we made it, since others may quote content. */
function causeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const code = "code" in cause && typeof cause.code === "string" ? `:${cause.code}` : "";
  const at =
    cause.stack
      ?.split("\n")
      .find((line) => line.includes("/src/"))
      ?.trim() ?? "";
  return `${cause.name}${code}${at ? ` ${at}` : ""}`;
}

/** Drops everything; for tests and one-shot commands. */
export const silentLog: Log = { write() {} };
