import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const create = (body: Record<string, unknown>) =>
  gateway.manage("/api/v1/keys", { body: { name: "k", ...body } });

describe("a key's list of models takes what means one", () => {
  test.each([
    ["its id", "openai/gpt-4o-mini"],
    ["its name alone", "gpt-4o-mini"],
    ["in capitals", "OpenAI/GPT-4o-mini"],
    ["a pattern of ids", "openai/*"],
    ["a pattern of names", "gpt-4o-m*"],
  ])("%s, and holds: %s", async (_, name) => {
    const made = await create({ allowed_models: [name] });
    expect([made.status, at(made.json, "data.allowed_models")]).toEqual([201, [name]]);
    const key = String(at(made.json, "key"));
    expect((await gateway.chatAs(key)).status).toBe(200);
    expect(refusal(await gateway.chatAs(key, { model: "mistral/mistral-small-2603" }))).toEqual([
      403,
      "model_not_allowed",
    ]);
    const listed = await gateway.ask("/v1/models?all=true", { key });
    expect(listed.text).toContain('"openai/gpt-4o-mini"');
    expect(listed.text).not.toContain('"mistral/mistral-small-2603"');
  });

  test("and what a known provider calls a model that the catalogue does not know", async () => {
    const made = await create({ allowed_models: ["openai/not-known-yet"] });
    expect(made.status).toBe(201);
  });
});

describe("and refuses what means none, with the name that is near", () => {
  test.each<[string, string, string | undefined]>([
    ["a letter that is missing", "gpt-4o-mni", "openai/gpt-4o-mini"],
    ["an author that is misspelt", "opnai/gpt-4o-mini", "openai/gpt-4o-mini"],
    ["nothing that is near", "zzzzzzzzzz", undefined],
    ["a pattern that fits none", "nobody/*", undefined],
  ])("%s: %s", async (_, name, near) => {
    const body = { allowed_models: ["openai/gpt-4o", name] };
    const { json: made } = await create({});
    const hash = String(at(made, "data.hash"));
    for (const reply of [
      await create(body),
      await gateway.manage(`/api/v1/keys/${hash}`, { method: "PATCH", body }),
    ]) {
      expect(refusal(reply)).toEqual([400, "invalid_value"]);
      expect(at(reply.json, "error.param")).toBe("allowed_models.1");
      const message = String(at(reply.json, "error.message"));
      expect(message).toContain(`"${name}"`);
      if (near === undefined) expect(message).not.toContain("the nearest is");
      else expect(message).toContain(`the nearest is "${near}"`);
    }
  });

  test("by the member that was given", async () => {
    const reply = await create({ models: ["gpt-4o-mni"] });
    expect(at(reply.json, "error.param")).toBe("models.0");
  });
});
