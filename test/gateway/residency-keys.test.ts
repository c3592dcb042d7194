import { afterEach, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let own: ScriptedUpstream;
let operators: ScriptedUpstream;
afterEach(async () => {
  await gateway.close();
  await own.stop();
  await operators.stop();
});

test("a key that leads to another country than the operator's is another place: a pin to the one never reaches the other", async () => {
  own = scriptedUpstream(() => Response.json({ error: { message: "no" } }, { status: 500 }));
  operators = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.limits.byokPrivateAddresses = true;
      const { secret } = config;
      config.secret = (name) => (name === "MISTRAL_API_KEY" ? "sk-operator" : secret(name));
      // Both are in eu-west: the operator's address in Sweden, the account's in France as the catalogue has it.
      config.providers = { mistral: { base_url: operators.url, region: "eu-west", country: "SE" } };
    },
  });
  const made = await gateway.manage("/api/v1/byok", {
    body: { provider: "mistral", key: "sk-own-key", region: "eu-west", base_url: own.url },
  });
  expect([made.status, made.text]).toEqual([201, made.text]);
  const model = "mistral/mistral-small-3.2";
  const held = await gateway.chat({ model, route: { country: "FR" } });
  expect(refusal(held)).toEqual([502, "upstream_error"]);
  expect([own.requests(), operators.requests()]).toEqual([1, 0]);
  const free = await gateway.chat({ model });
  expect([free.status, at(free.json, "lowrouter.provider")]).toEqual([200, "mistral"]);
});
