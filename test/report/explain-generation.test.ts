import { expect, test } from "bun:test";
import { gridFor } from "#src/eco/grid.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { generationOf } from "#src/ledger/row.ts";
import { explainGeneration } from "#src/report/explain-generation.ts";
import { noEstimateWords, type NoEstimate } from "#src/report/no-estimate.ts";
import { known, tables } from "#test/eco/sample.ts";
import shipped from "#test/fixtures/eco/shipped.json" with { type: "json" };

const row: Generation = {
  ...generationOf(JSON.stringify(known(shipped.records[0]).record)),
  energyWh: undefined,
  carbonG: undefined,
  carbonPer1kG: undefined,
  energyBounds: undefined,
  accuracy: undefined,
  methodology: undefined,
};
const none = { inputFresh: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

const rows: [reason: NoEstimate, change: Partial<Generation>][] = [
  ["not_answered", { status: "upstream_error" }],
  ["not_answered", { status: "client_error", tokens: undefined, model: undefined }],
  ["tokens_unknown", { tokens: undefined }],
  ["tokens_estimated", { settlement: "estimated" }],
  ["no_tokens", { tokens: { ...none, outputVisible: 0, reasoning: 0 } }],
  ["embedding", { dialect: "openai-embeddings", model: "mistral/mistral-embed" }],
  ["size_unknown", { model: "nobody/knows" }],
  ["grid_unknown", { provider: "nowhere", region: "local" }],
  ["not_recorded", {}],
];

test.each(rows)("a row without an estimate says why: %s", (reason, change) => {
  const changed = { ...row, ...change };
  const { provider = "", region = "" } = changed;
  const grid = reason === "grid_unknown" ? undefined : gridFor(tables, { provider, region });
  const answer = explainGeneration(changed, tables, grid, "v0.4-2026-01");
  expect(answer.recorded).toBeNull();
  expect(answer.reason).toBe(noEstimateWords[reason]);
});
