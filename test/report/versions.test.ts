import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";
import { hashOf } from "#src/account/keys.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

let gateway: TestGateway;
let users = 0;
beforeAll(async () => {
  gateway = await startGateway();
  const keyId = hashOf(gateway.key);
  const none = { methodology: undefined, carbonG: undefined, energyWh: undefined };
  for (const [model, methodology] of [
    ["a/both", "v0.4-2026-01"],
    ["a/both", "v0.11-2026-10"],
    ["a/both", "v0.4-2026-01"],
    ["a/one", "v0.4-2026-01"],
    ["a/none", undefined],
  ] as const) {
    const generation = sampleGeneration({
      id: gateway.app.ids.next("gen"),
      accountId: gateway.accountId,
      createdAt: gateway.app.clock.now(),
      // Each in a total of its own.
      user: `user-${users++}`,
      keyId,
      model,
      methodology,
      ...(methodology === undefined ? none : {}),
    });
    await gateway.app.ledger.record({ generation, movements: [] });
  }
});
afterAll(() => gateway.close());

test("each line of the activity names every methodology behind its carbon, in JSON and CSV", async () => {
  const { json } = await gateway.manage("/v1/activity?group_by=model");
  const line = v.looseObject({ model: v.string(), methodology_version: v.nullable(v.string()) });
  const { data } = v.parse(v.looseObject({ data: v.array(line) }), json);
  expect(Object.fromEntries(data.map((one) => [one.model, one.methodology_version]))).toEqual({
    "a/both": "v0.11-2026-10 v0.4-2026-01",
    "a/one": "v0.4-2026-01",
    "a/none": null,
  });
  const csv = await gateway.manage("/v1/activity?group_by=model&format=csv");
  const [head = "", ...lines] = csv.text.trimEnd().split("\r\n");
  const at = head.split(",").indexOf("methodology_version");
  expect(lines.map((text) => text.split(",")[at])).toEqual([
    "v0.11-2026-10 v0.4-2026-01",
    "",
    "v0.4-2026-01",
  ]);
});
