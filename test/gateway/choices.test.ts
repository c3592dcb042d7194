import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isObject } from "#src/lib/json.ts";
import { at, listAt, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * Several choices, from every client's dialect that can ask for them to every wire. A wire that gives one would change
 * the meaning, so it is not asked: the 400 names models that could, and those are asked here in turn, and give them.
 */

const wires = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "cohere-v2",
  "bedrock-converse",
] as const;
const giving = ["openai-chat", "gemini"];

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let asked: string[] = [];
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const text = await request.text();
    asked.push(text);
    const body: unknown = JSON.parse(text);
    if (isObject(body) && isObject(body.generationConfig)) {
      const candidates = [0, 1].map((index) => ({
        index,
        finishReason: "STOP",
        content: { role: "model", parts: [{ text: `Hi ${index}` }] },
      }));
      const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
      return Response.json({ candidates, usageMetadata, modelVersion: "m", responseId: "r" });
    }
    const choices = [0, 1].map((index) => ({
      index,
      finish_reason: "stop",
      message: { role: "assistant", content: `Hi ${index}` },
    }));
    const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
    return Response.json({
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices,
      usage,
    });
  });
  gateway = await startGateway({
    plan: "metered",
    config(config) {
      config.secret = (name) => (name === "GROQ_API_KEY" ? "sk-simulated" : undefined);
      const place = { base_url: upstream.url, region: "eu-west", country: "FR" };
      config.providers = {
        groq: { base_url: upstream.url, region: "eu-west" },
        ollama: { base_url: upstream.url },
        ...Object.fromEntries(wires.map((protocol) => [`at-${protocol}`, { protocol, ...place }])),
      };
      const price = { input_per_million: 1, output_per_million: 1 };
      config.models = [
        ...wires.map((wire) => ({ id: `test/${wire}`, provider: `at-${wire}`, ...price })),
        ...wires.map((wire) => ({ id: "test/everywhere", provider: `at-${wire}`, ...price })),
        { id: "test/at-groq", provider: "groq", ...price },
        { id: "test/at-ollama", provider: "ollama", ...price },
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

interface Client {
  name: string;
  param: string;
  ask(model: string, choices: number, more?: object): Promise<Reply>;
  texts(reply: Reply): unknown[];
}
const clients: Client[] = [
  {
    name: "OpenAI chat",
    param: "n",
    ask: (model, n, more) => gateway.chat({ model, n, max_tokens: 9, ...more }),
    texts: ({ json }) => listAt(json, "choices").map((one) => at(one, "message.content")),
  },
  {
    name: "Gemini",
    param: "generationConfig.candidateCount",
    ask: (model, candidateCount) =>
      gateway.ask(`/v1beta/models/${model}:generateContent`, {
        body: {
          contents: [{ role: "user", parts: [{ text: "Hello" }] }],
          generationConfig: { candidateCount, maxOutputTokens: 9 },
        },
      }),
    texts: ({ json }) => listAt(json, "candidates").map((one) => at(one, "content.parts.0.text")),
  },
];

/** Models that a refusal says could. */
function named(reply: Reply): string[] {
  const message = String(at(reply.json, "error.message"));
  return (/models that can: (.*)$/.exec(message)?.[1] ?? "").split(", ");
}

describe.each(clients.map((client) => [client.name, client] as const))("%s", (_, client) => {
  test.each(giving)("gets its choices over %s", async (wire) => {
    const reply = await client.ask(`test/${wire}`, 2);
    expect([reply.status, client.texts(reply)]).toEqual([200, ["Hi 0", "Hi 1"]]);
  });

  test.each([...wires.filter((wire) => !giving.includes(wire)), "at-groq", "at-ollama"])(
    "is told over %s which models could, and nobody is asked",
    async (wire) => {
      asked = [];
      const reply = await client.ask(`test/${wire}`, 2);
      expect(reply.status).toBe(400);
      const message = String(at(reply.json, "error.message"));
      expect(message).toStartWith(`Cannot give 2 choices with "test/${wire}"`);
      expect(asked).toEqual([]);
      const could = named(reply);
      expect(could.toSorted()).toEqual(["test/everywhere", "test/gemini", "test/openai-chat"]);
      for (const model of could)
        expect(client.texts(await client.ask(model, 2))).toEqual(["Hi 0", "Hi 1"]);
    },
  );

  test("is served where its choices are given, whatever else serves the model", async () => {
    for (let time = 0; time < 8; time++) {
      const reply = await client.ask("test/everywhere", 2);
      expect(client.texts(reply)).toEqual(["Hi 0", "Hi 1"]);
      expect(["at-openai-chat", "at-gemini"]).toContain(
        String(reply.headers.get("x-lowrouter-provider")),
      );
    }
  });
});

test("the refusal names the member, and says so in the trace of a model that another serves", async () => {
  const [client] = clients;
  const reply = await gateway.chat({ model: "test/cohere-v2", n: 3 });
  expect([reply.status, at(reply.json, "error.code"), at(reply.json, "error.param")]).toEqual([
    400,
    "unsupported_feature",
    client?.param,
  ]);
  const served = await gateway.chat({ model: "test/everywhere", n: 2 });
  const id = String(at(served.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  const reasons = listAt(json, "routing_trace").map((one) => at(one, "reason"));
  expect(reasons.filter((reason) => reason === "lacks_choices")).toHaveLength(4);
});

test("a model of our choice is one that gives them", async () => {
  const reply = await gateway.chat({ model: "lowrouter/auto", n: 2, max_tokens: 9 });
  expect(["test/openai-chat", "test/gemini", "test/everywhere"]).toContain(
    String(at(reply.json, "model")),
  );
});

test("the refusal names none that the key, or the region that is asked for, leaves out", async () => {
  const key = await gateway.mint({ allowedModels: ["test/cohere-v2", "test/gemini"] });
  const asked = { model: "test/cohere-v2", n: 2 };
  expect(named(await gateway.chatAs(key, asked))).toEqual(["test/gemini"]);
  const other = await gateway.mint({ allowedProviders: ["at-cohere-v2"] });
  expect(String(at((await gateway.chatAs(other, asked)).json, "error.message"))).toEndWith(
    "no reachable model can",
  );
  const only = { ...asked, provider: { only: ["at-cohere-v2"] } };
  expect(named(await gateway.chat(only))).toContain("test/gemini");
});
