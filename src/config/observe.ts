import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** Who may read the counters, at /metrics. */
export interface MetricsConfig {
  enabled: boolean;
  /** With one, whoever has it from anywhere; without, this machine alone. */
  token: string | undefined;
  /** Whether answers say what the gateway itself took. */
  overheadHeader: boolean;
}

/** Where traces and metrics are sent. */
export interface OtelConfig {
  /** Without a slash at its end; empty where nothing is sent. */
  endpoint: string;
  serviceName: string;
  /** May hold a credential. */
  headers: Readonly<Record<string, string>>;
}

type Source = Pick<Picker, "pick" | "flag"> & { secret(name: string): string | undefined };

export function metricsOf(file: FileConfig["metrics"], { flag, secret }: Source): MetricsConfig {
  return {
    enabled: flag("metrics.enabled", "LOWROUTER_METRICS", file?.enabled),
    token: secret("LOWROUTER_METRICS_TOKEN"),
    overheadHeader: flag(
      "metrics.overhead_header",
      "LOWROUTER_OVERHEAD_HEADER",
      file?.overhead_header,
    ),
  };
}

/** By the variables that every program with OpenTelemetry reads. Throws ConfigError. */
export function otelOf(file: FileConfig["otel"], { pick, secret }: Source): OtelConfig {
  const address = pick("otel.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", file?.endpoint, "");
  const serviceName = pick(
    "otel.service_name",
    "OTEL_SERVICE_NAME",
    file?.service_name,
    "lowrouter",
  );
  // Also where nothing is sent yet: whoever names a collector later knows now that it takes HTTP.
  if (secret("OTEL_EXPORTER_OTLP_PROTOCOL") === "grpc")
    throw new ConfigError(
      "Cannot send telemetry by gRPC: unset OTEL_EXPORTER_OTLP_PROTOCOL, and set otel.endpoint to the collector's HTTP port, mostly 4318",
    );
  const isOff = secret("OTEL_SDK_DISABLED")?.toLowerCase() === "true";
  if (address === "" || isOff) return { endpoint: "", serviceName, headers: {} };
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ConfigError(
      `Cannot use "${address}" for otel.endpoint: an address such as http://127.0.0.1:4318 is needed`,
    );
  if (url.username !== "" || url.password !== "")
    throw new ConfigError(
      "Cannot use otel.endpoint: take the password out of it and set OTEL_EXPORTER_OTLP_HEADERS",
    );
  return {
    endpoint: url.href.replace(/\/+$/, ""),
    serviceName,
    headers: headersOf(secret("OTEL_EXPORTER_OTLP_HEADERS")),
  };
}

/** `name=value,name=value`, the values escaped as in an address. */
function headersOf(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const pairs = text.split(",").filter((part) => part.trim() !== "");
  return Object.fromEntries(
    pairs.map((part) => {
      const at = part.indexOf("=");
      const name = part.slice(0, Math.max(0, at)).trim();
      const value = valueOf(part.slice(at + 1).trim());
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || value === undefined)
        throw new ConfigError(
          "Cannot use OTEL_EXPORTER_OTLP_HEADERS: name=value is needed, several with commas between, values escaped as in an address",
        );
      return [name.toLowerCase(), value];
    }),
  );
}

/** Undefined for what cannot stand in a header. */
function valueOf(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
