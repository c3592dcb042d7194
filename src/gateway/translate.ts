import type { StreamRelay, StreamWriter } from "#src/dialect/dialect.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import { upstreamDialect } from "#src/gateway/dialects.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A stream in one dialect written in another, step by step, as the same thing as the byte path. */
export function translating(writer: StreamWriter, route: Route): StreamRelay {
  const reader = upstreamDialect(route.endpoint.protocol).readStream();
  let outputBytes = 0;
  function written(steps: StreamStep[]): string {
    for (const step of steps) outputBytes += lengthOf(step);
    return steps.length === 0 ? "" : writer.steps(steps);
  }
  return {
    push: (chunk) => written(reader.push(chunk)),
    finish: () => written(reader.finish?.() ?? []),
    get id() {
      return reader.id;
    },
    get usage() {
      return reader.usage;
    },
    get ended() {
      return reader.ended;
    },
    get outputBytes() {
      return outputBytes;
    },
    end: (summary) => writer.end(summary),
    fail: (error, summary) => writer.fail(error, summary),
  };
}

function lengthOf(step: StreamStep): number {
  return "text" in step ? step.text.length : 0;
}
