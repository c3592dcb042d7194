import { afterAll, beforeAll, expect, test } from "bun:test";
import { leaves } from "#src/web/docs/pages.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const url = "https://hooks.example.com/";
const whole = { name: "made", provider: "openai", key: "sk-of-our-own-0123456789" };

test.each([
  ["keys", "name", "a text of 1 to 200 characters", { name: "" }],
  ["keys", "name", "a text of 1 to 200 characters", { name: "x".repeat(201) }],
  ["keys", "limit", ">=0", { name: "made", limit: -1 }],
  ["keys", "limit", "number", { name: "made", limit: "5" }],
  ["byok", "name", "a text of 1 to 200 characters", { ...whole, name: "" }],
  ["byok", "key", "text or an object", { ...whole, key: 5 }],
  [
    "byok",
    "allowed_api_key_hashes.0",
    "the hash of an API key",
    { ...whole, allowed_api_key_hashes: ["zz"] },
  ],
  ["webhooks", "name", "a text of 1 to 100 characters", { url, name: "x".repeat(101) }],
  [
    "webhooks",
    "api_key_hashes.0",
    "the hash of an API key",
    { url, name: "made", api_key_hashes: ["zz"] },
  ],
])("POST /api/v1/%s says of %s that %s is needed", async (path, param, wanted, body) => {
  const { status, json } = await gateway.manage(`/api/v1/${path}`, { body });
  expect([status, at(json, "error.param"), at(json, "error.message")]).toEqual([
    400,
    param,
    `Cannot use this value for "${param}": ${wanted} is needed`,
  ]);
});

test("what is not available yet is said with the page of what is planned, which there is", async () => {
  const { json } = await gateway.ask("/v1/images/generations", { body: {} });
  const [path = ""] = /\/docs\/\S+/.exec(String(at(json, "error.message"))) ?? [];
  const page = leaves.find((leaf) => leaf.path === path);
  expect(page?.markdown).toContain("Image, audio and video");
});
