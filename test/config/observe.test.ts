import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "#src/config/load.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const empty = join(folder.path, "empty.toml");
writeFileSync(empty, "");
const filled = join(folder.path, "filled.toml");
writeFileSync(
  filled,
  '[metrics]\nenabled = true\noverhead_header = true\n[otel]\nendpoint = "https://collector.example.org/base/"\nservice_name = "paris"\n',
);
const read = (env: Record<string, string>, config = empty) => loadConfig({ config }, env);

test("nothing is counted or sent unless it is asked for", () => {
  expect(read({}).metrics).toEqual({
    enabled: false,
    overheadHeader: false,
    token: undefined,
  });
  expect(read({}).otel).toEqual({ endpoint: "", serviceName: "lowrouter", headers: {} });
});

test("the standard variables and the file say where telemetry goes, and the token is a secret", () => {
  const { metrics, otel, origins } = read({ LOWROUTER_METRICS_TOKEN: "sesame" }, filled);
  expect(metrics).toEqual({ enabled: true, overheadHeader: true, token: "sesame" });
  expect(otel).toEqual({
    endpoint: "https://collector.example.org/base",
    serviceName: "paris",
    headers: {},
  });
  expect(
    [...origins.keys()].some((key) => /token|headers/.test(key) && /metrics|otel/.test(key)),
  ).toBe(false);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Bearer%20abc%3D, x-scope = one ,",
    OTEL_SERVICE_NAME: "berlin",
  };
  expect(read(env, filled).otel).toEqual({
    endpoint: "http://127.0.0.1:4318",
    serviceName: "berlin",
    headers: { authorization: "Bearer abc=", "x-scope": "one" },
  });
  expect(read({ ...env, OTEL_SDK_DISABLED: "true" }).otel.endpoint).toBe("");
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, "otel.endpoint"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://collector" }, "otel.endpoint"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:secret@collector" }, "OTEL_EXPORTER_OTLP_HEADERS"],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "gRPC"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "no-value" }, "name=value"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a b=c" }, "name=value"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a=%0d%0aevil" }, "name=value"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }, "name=value"],
])("%p is refused, says what would work, and shows no secret", (env, word) => {
  const whole = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", ...env };
  expect(() => read(whole)).toThrow(word);
  expect(() => read(whole)).not.toThrow("user:secret");
});

test.each<Record<string, string>>([{}, { OTEL_SDK_DISABLED: "true" }])(
  "gRPC is refused where nothing is sent too, with %p",
  (env) => {
    const refused = () => read({ ...env, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
    expect(refused).toThrow("Cannot send telemetry by gRPC: unset OTEL_EXPORTER_OTLP_PROTOCOL");
  },
);

test("HTTP as the protocol is what is spoken, with and without a collector", () => {
  expect(read({ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }).otel.endpoint).toBe("");
});
