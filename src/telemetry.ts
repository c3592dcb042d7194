import type { Config } from "#src/config/load.ts";
import type { Clock } from "#src/lib/clock.ts";
import { randomHex } from "#src/lib/hex.ts";
import { version } from "#src/lib/version.ts";
import type { Log } from "#src/observe/log.ts";
import { type Counted, createTelemetry, type Telemetry } from "#src/observe/telemetry.ts";
import type { Sights } from "#src/observe/sights.ts";
import { postJson } from "#src/provider/post-json.ts";

/** Who counts and traces, as the configuration wants it; undefined where nobody wants to know. */
export function telemetryOf(options: {
  config: Config;
  clock: Clock;
  log: Log;
  processId: string;
  isKnownModel(model: string): boolean;
  look(): Sights | undefined;
  isLatest(): boolean;
  /** What the process counted before. */
  before: Counted | undefined;
}): Telemetry | undefined {
  const { config, clock, log, processId, isKnownModel, look, isLatest, before } = options;
  const { metrics, otel, billing } = config;
  const collector = otel.endpoint === "" ? undefined : otel;
  if (!metrics.enabled && collector === undefined) return undefined;
  return createTelemetry({
    collector,
    clock,
    log,
    version,
    instance: processId,
    currency: billing.currency,
    isKnownModel,
    look,
    isLatest,
    post: postJson,
    hex: randomHex,
    before,
  });
}
