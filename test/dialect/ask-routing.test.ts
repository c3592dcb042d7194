import { describe, expect, test } from "bun:test";
import { routingIn } from "#src/dialect/ask-routing.ts";
import { AppError } from "#src/lib/error.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

function refusalOf(body: JsonObject): AppError {
  try {
    routingIn({ model: "openai/gpt-4o-mini", ...body });
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("Nothing was refused");
}

describe("a member of routing that nobody knows is refused, and those that are known are named", () => {
  test.each<[JsonObject, string, string]>([
    [{ route: { regoin: "eu-north" } }, "route.regoin", "region, country"],
    [{ route: { region: "eu-north", fallbacks: false } }, "route.fallbacks", "fallback, mode"],
    [{ provider: { zrd: true } }, "provider.zrd", "zdr"],
    [{ provider: { onyl: ["mistral"] } }, "provider.onyl", "only"],
    [{ provider: { max_price: { promt: 1 } } }, "provider.max_price.promt", "prompt, completion"],
    [
      { provider: { sort: { by: "price", partiton: "none" } } },
      "provider.sort.partiton",
      "by, partition",
    ],
    [
      { provider: { preferred_max_latency: { p95: 1 } } },
      "provider.preferred_max_latency.p95",
      "p50, p75, p90, p99",
    ],
    [
      { provider: { preferred_min_throughput: { p05: 1 } } },
      "provider.preferred_min_throughput.p05",
      "p50, p75, p90, p99",
    ],
    [
      { plugins: [{ id: "auto-router", allowed_modles: ["a/*"] }] },
      "plugins[0].allowed_modles",
      "allowed_models",
    ],
    [{ route: { "a secret, at length": 1 } }, "route.?", "region"],
  ])("%j", (body, param, known) => {
    const { code, status, detail, message } = refusalOf(body);
    expect([code, status, detail.param]).toEqual(["invalid_value", 400, param]);
    expect(message).toContain(known);
    expect(message).not.toContain("secret");
  });
});

test("null is the same as nothing, for what is known and for what is not", () => {
  const nulls = {
    route: { region: null, regoin: null },
    provider: {
      zrd: null,
      enforce_distillable_text: null,
      sort: null,
      max_price: { prompt: null, promt: null },
      preferred_max_latency: { p95: null },
    },
    plugins: [null, { id: "auto-router", enabled: null, allowed_models: null }],
  };
  const { route, provider, autoAllowed, unusedPlugins } = routingIn({ model: "a/b", ...nulls });
  expect(route).toEqual({});
  expect(provider).toEqual({ maxPrice: {}, preferredMaxLatency: {} });
  expect([autoAllowed, unusedPlugins]).toEqual([undefined, undefined]);
});

test("every member that other gateways document is taken", () => {
  const { provider } = routingIn({
    model: "a/b",
    provider: {
      order: ["mistral"],
      allow_fallbacks: true,
      require_parameters: false,
      data_collection: "allow",
      zdr: false,
      enforce_distillable_text: false,
      only: ["mistral"],
      ignore: ["openai"],
      quantizations: ["fp8"],
      sort: { by: "price", partition: "model" },
      preferred_min_throughput: { p50: 1, p75: 1, p90: 1, p99: 1 },
      preferred_max_latency: 3,
      max_price: { prompt: "1", completion: 2, request: 0, image: 1, audio: "3" },
    },
  });
  expect(provider.maxPrice).toEqual({ prompt: 1, completion: 2, request: 0, image: 1, audio: 3 });
});

test("a bound that cannot be held here is refused where it is asked for", () => {
  const { code, detail } = refusalOf({ provider: { enforce_distillable_text: true } });
  expect([code, detail.param]).toEqual([
    "unsupported_feature",
    "provider.enforce_distillable_text",
  ]);
});

describe("a plugin", () => {
  const read = (...plugins: Json[]) => {
    const { autoAllowed, unusedPlugins } = routingIn({ model: "auto", plugins });
    return [autoAllowed, unusedPlugins];
  };

  test("of ours is followed wherever it stands, and a harmless one is told by its place", () => {
    const ours = { id: "auto-router", enabled: true, allowed_models: ["a/*"] };
    expect(read(ours)).toEqual([["a/*"], undefined]);
    expect(read({ id: "pdf" }, ours, { id: "response-healing" })).toEqual([
      ["a/*"],
      ["plugins[0]", "plugins[2]"],
    ]);
    for (const id of ["context-compression", "file-parser"])
      expect(read({ id, engine: "any" })).toEqual([undefined, ["plugins[0]"]]);
  });

  test("that is not enabled is not there", () => {
    expect(
      read(
        { id: "web", enabled: false },
        { id: "auto-router", enabled: false, allowed_models: ["a/*"] },
        { id: "auto-router", allowed_models: ["b/*"] },
      ),
    ).toEqual([["b/*"], undefined]);
  });

  test.each<[Json[], string, string]>([
    [[{ id: "web" }], "unsupported_feature", "plugins[0]"],
    [[{ id: "pdf" }, { id: "web", max_results: 3 }], "unsupported_feature", "plugins[1]"],
    [[{ id: "moderation" }], "unsupported_feature", "plugins[0]"],
    [[{ id: "auto-ruoter", allowed_models: ["a/*"] }], "invalid_value", "plugins[0].id"],
    [[{ allowed_models: ["a/*"] }], "invalid_value", "plugins[0].id"],
    [[{ id: 1 }], "invalid_value", "plugins[0].id"],
    [[{ id: "web", enabled: "no" }], "invalid_value", "plugins[0].enabled"],
    [["auto-router"], "invalid_value", "plugins[0]"],
    [[{ id: "auto-router" }, { id: "auto-router" }], "invalid_value", "plugins[1]"],
  ])("%j is a 400 %s at %s", (plugins, code, param) => {
    const error = refusalOf({ plugins });
    expect<unknown[]>([error.code, error.status, error.detail.param]).toEqual([code, 400, param]);
  });
});
