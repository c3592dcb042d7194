// One gateway serves every claim about embeddings, so this file is longer than most.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { toFloats } from "#src/dialect/embedding/embedding.ts";
import { vectorOf } from "#src/demo/vector.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

interface Asked {
  path: string;
  body: JsonObject;
  authorization: string | null;
}

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let client: OpenAI;
/** What reached the scripted provider, and what it answers. */
let asked: Asked[] = [];
let answer: (asked: Asked) => Response;

beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const body: Json = JSON.parse(await request.text());
    const one = {
      path: new URL(request.url).pathname,
      body: isObject(body) ? body : {},
      authorization: request.headers.get("authorization"),
    };
    asked.push(one);
    return answer(one);
  });
  gateway = await startGateway({
    config(config) {
      config.providers = {
        ...config.providers,
        cohere: { base_url: upstream.url },
        deepinfra: { base_url: upstream.url },
        acme: { base_url: upstream.url, protocol: "openai-chat" },
      };
      config.models = [
        {
          id: "nomic/nomic-embed-text-v1.5",
          provider: "acme",
          upstream: "nomic",
          input_per_million: 1000,
          output_per_million: 1000,
        },
      ];
    },
  });
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
beforeEach(() => {
  asked = [];
  answer = () => Response.json({ error: { message: "no script" } }, { status: 500 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const model = "openai/text-embedding-3-small";
const embed = (body: Record<string, unknown>, path = "/v1/embeddings") =>
  gateway.ask(path, { body: { model, input: "Hello", ...body } });
/** The last row of the ledger, whole. */
async function lastRow() {
  const rows = await gateway.store.read("SELECT * FROM generation ORDER BY id DESC LIMIT 1", []);
  return rows[0] ?? {};
}

/** The simulated provider's vector of a text, as float32. */
const simulated = (text: string, dimensions = 1536) =>
  Array.from(Float32Array.from(vectorOf(text, dimensions)));

describe("the official SDK over OpenAI", () => {
  test("gets vectors by default, which it asks for in base64", async () => {
    const list = await client.embeddings.create({ model, input: "Hello" });
    expect(list.data.map(({ embedding }) => [...embedding])).toEqual([simulated("Hello")]);
    expect(list).toMatchObject({
      object: "list",
      model,
      data: [{ object: "embedding", index: 0 }],
    });
    expect(list.usage.prompt_tokens).toBeGreaterThan(0);
    expect(list.usage.total_tokens).toBe(list.usage.prompt_tokens);
  });

  test("gets floats, and base64 where it asks for it in so many words", async () => {
    const floats = await client.embeddings.create({
      model,
      input: "Hello",
      encoding_format: "float",
    });
    expect(floats.data[0]?.embedding).toEqual(vectorOf("Hello", 1536));
    const raw = await embed({ encoding_format: "base64" });
    const text = at(raw.json, "data.0.embedding");
    expect(toFloats(typeof text === "string" ? text : "")).toEqual(simulated("Hello"));
  });

  test("gets vectors of the length it wants", async () => {
    const list = await client.embeddings.create({ model, input: "Hello", dimensions: 256 });
    expect([...(list.data[0]?.embedding ?? [])]).toEqual(simulated("Hello", 256));
  });

  test("sends one token array, and several", async () => {
    const one = await client.embeddings.create({ model, input: [1, 22, 333] });
    expect(one.data.map(({ index }) => index)).toEqual([0]);
    const several = await client.embeddings.create({ model, input: [[1, 2], [3], [1, 2]] });
    const vectors = several.data.map(({ embedding }) => [...embedding]);
    expect(vectors).toHaveLength(3);
    expect(vectors[2]).toEqual(vectors[0]);
    expect(vectors[1]).not.toEqual(vectors[0]);
  });

  test("gets a batch back in its order", async () => {
    const input = Array.from({ length: 300 }, (_, index) => `text ${index}`);
    const list = await client.embeddings.create({ model, input, dimensions: 8 });
    expect(list.data.map(({ index }) => index)).toEqual([...input.keys()]);
    expect(list.data.map(({ embedding }) => [...embedding])).toEqual(
      input.map((text) => simulated(text, 8)),
    );
  });

  test("is refused in a way that it understands", async () => {
    const refusedWith = async (body: { model: string; input: string }) => {
      try {
        await client.embeddings.create(body);
      } catch (thrown) {
        return thrown;
      }
      throw new Error("nothing was refused");
    };
    const empty = { status: 400, code: "invalid_value", param: "input" };
    expect(await refusedWith({ model, input: "" })).toMatchObject(empty);
    const unknown = { status: 404, code: "model_not_found", param: "model" };
    expect(await refusedWith({ model: "openai/no-such", input: "x" })).toMatchObject(unknown);
  });
});

describe("an answer", () => {
  test.each(["/v1/embeddings", "/api/v1/embeddings"])(
    "of %s says who served it and what it cost, has no eco, and its row says the same",
    async (path) => {
      const before = await gateway.balance();
      const { status, json, headers } = await embed({ user: "customer", dimensions: 4 }, path);
      expect(status).toBe(200);
      const tokens = at(json, "usage.prompt_tokens");
      expect(json).toEqual({
        object: "list",
        data: [{ object: "embedding", index: 0, embedding: expect.any(Array) }],
        model,
        usage: {
          prompt_tokens: tokens,
          total_tokens: tokens,
          cost: expect.any(Number),
          is_byok: false,
          cost_details: {
            upstream_inference_cost: at(json, "usage.cost"),
            upstream_inference_prompt_cost: at(json, "usage.cost"),
            upstream_inference_completions_cost: 0,
          },
        },
        lowrouter: {
          generation_id: headers.get("x-lowrouter-generation-id"),
          provider: "openai",
          region: headers.get("x-lowrouter-region"),
        },
      });
      // 0.02 USD per million tokens.
      expect(at(json, "usage.cost")).toBe(Number(tokens) * 2e-8);
      expect(await gateway.balance()).toBe(before - Number(tokens) * 20);
      expect(await lastRow()).toMatchObject({
        id: at(json, "lowrouter.generation_id"),
        dialect: "openai-embeddings",
        status: "ok",
        settlement: "final",
        streamed: 0,
        energy_wh: null,
        carbon_g: null,
        methodology: null,
        model,
      });
    },
  );

  test("is found again by its generation id, with no output tokens and no eco", async () => {
    const { json } = await embed({});
    const found = await gateway.ask(
      `/v1/generation/${String(at(json, "lowrouter.generation_id"))}`,
    );
    expect(found.json).toMatchObject({ completion_tokens: 0, status: "ok", streamed: false });
    expect(found.json).not.toHaveProperty("eco");
  });

  test("comes from the region that was pinned", async () => {
    const { json } = await embed({ route: { region: "eu-west" } });
    expect(at(json, "lowrouter.region")).toBe("eu-west");
  });
});

const floatsOf = (texts: unknown[]) => texts.map((_, index) => [index + 0.5, -0.25]);
const cohereAnswer =
  (members: JsonObject = {}) =>
  (one: Asked) => {
    const texts = Array.isArray(one.body.texts) ? one.body.texts : [];
    return Response.json({
      id: "cohere-1",
      embeddings: { float: floatsOf(texts) },
      meta: { billed_units: { input_tokens: 1000 } },
      ...members,
    });
  };

describe("over Cohere", () => {
  const cohere = "cohere/embed-v4";

  test("the SDK gets its base64 and its order from a provider of floats alone", async () => {
    answer = cohereAnswer();
    const list = await client.embeddings.create({
      model: cohere,
      input: ["one", "two"],
      dimensions: 256,
    });
    expect(list.data.map(({ embedding }) => [...embedding])).toEqual([
      [0.5, -0.25],
      [1.5, -0.25],
    ]);
    expect(list.model).toBe(cohere);
    expect(asked).toMatchObject([
      {
        path: "/v1/embed",
        body: {
          model: "embed-v4.0",
          texts: ["one", "two"],
          input_type: "search_document",
          embedding_types: ["float"],
          output_dimension: 256,
        },
      },
    ]);
  });

  test("what was billed is charged, to the nano-unit", async () => {
    answer = cohereAnswer();
    const before = await gateway.balance();
    const { json } = await embed({
      model: cohere,
      input_type: "query",
      user: "u",
      truncate: "END",
    });
    expect(at(json, "usage")).toMatchObject({ prompt_tokens: 1000, cost: 0.00012 });
    expect(await gateway.balance()).toBe(before - 120_000);
    expect(asked[0]?.body.input_type).toBe("search_query");
  });

  test("members that it has no word for are named", async () => {
    answer = cohereAnswer();
    const { headers } = await embed({
      model: cohere,
      user: "u",
      truncate: "END",
      input_type: "odd",
    });
    expect(headers.get("x-lowrouter-dropped")).toBe("user, truncate, input_type");
  });

  test("a purpose that it has no word for is named as the client wrote it", async () => {
    answer = cohereAnswer();
    const { headers } = await embed({ model: cohere, input_type: "semantic_similarity" });
    expect(headers.get("x-lowrouter-dropped")).toBe("input_type");
    expect(asked[0]?.body.input_type).toBe("search_document");
  });

  test("a usage that it does not tell is estimated, marked in the ledger, and not free", async () => {
    answer = cohereAnswer({ meta: {} });
    const { json } = await embed({ model: cohere, input: "x".repeat(400) });
    expect(at(json, "usage")).toMatchObject({
      prompt_tokens: 100,
      total_tokens: 100,
      cost: 0.000012,
    });
    expect(await lastRow()).toMatchObject({ settlement: "estimated", cost: 12_000 });
  });

  test.each<[string, unknown]>([
    ["97 texts", Array.from({ length: 97 }, () => "x")],
    ["tokens", [1, 2, 3]],
  ])("%s are refused before anything is sent, and nothing is charged", async (_, input) => {
    const before = await gateway.balance();
    const refused = await embed({ model: cohere, input });
    expect(refusal(refused)).toEqual([400, "unsupported_feature"]);
    expect(at(refused.json, "error.param")).toBe("input");
    expect([asked.length, await gateway.balance()]).toEqual([0, before]);
  });

  test("its refusals keep their status and words, its failures are ours", async () => {
    answer = () => Response.json({ id: "1", message: "bad dimension" }, { status: 400 });
    const refused = await embed({ model: cohere });
    expect(refusal(refused)).toEqual([400, "upstream_rejected"]);
    expect(at(refused.json, "error.message")).toBe("bad dimension");
    answer = () => Response.json({ message: "invalid api token" }, { status: 401 });
    expect(refusal(await embed({ model: cohere }))).toEqual([502, "upstream_error"]);
    answer = cohereAnswer({ embeddings: { float: [] } });
    expect(refusal(await embed({ model: cohere }))).toEqual([502, "upstream_error"]);
    expect(await lastRow()).toMatchObject({ status: "upstream_error", cost: 0 });
  });
});

describe("over Gemini", () => {
  const google = "google/gemini-embedding-001";

  test("one input and several come back in order, at length 1 where they were cut", async () => {
    const one = await client.embeddings.create({ model: google, input: "Hello" });
    expect([...(one.data[0]?.embedding ?? [])]).toEqual(simulated("Hello", 3072));
    const input = ["one", "two", "three"];
    const several = await client.embeddings.create({ model: google, input, dimensions: 16 });
    const vectors = several.data.map(({ embedding }) => [...embedding]);
    for (const [index, vector] of vectors.entries()) {
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
      for (const [at, value] of simulated(input[index] ?? "", 16).entries())
        expect(vector[at]).toBeCloseTo(value, 6);
    }
  });

  test("the usage that it does not tell is estimated and marked", async () => {
    const { json } = await embed({ model: google, input: ["x".repeat(40), "x".repeat(40)] });
    expect(at(json, "usage")).toMatchObject({ prompt_tokens: 20, total_tokens: 20 });
    expect(await lastRow()).toMatchObject({ settlement: "estimated", provider: "google" });
  });

  test("101 inputs are refused with the limit", async () => {
    const input = Array.from({ length: 101 }, () => "x");
    const refused = await embed({ model: google, input });
    expect(refusal(refused)).toEqual([400, "unsupported_feature"]);
    expect(at(refused.json, "error.message")).toContain("at most 100");
  });
});

describe("over providers of the same wire", () => {
  const answers =
    (embedding: Json, usage: Json = { prompt_tokens: 3, total_tokens: 3 }) =>
    () =>
      Response.json({
        object: "list",
        data: [{ object: "embedding", index: 0, embedding }],
        usage,
      });

  test("floats become base64 for the SDK where the provider knows nothing else", async () => {
    answer = answers([0.5, -0.25]);
    const list = await client.embeddings.create({ model: "baai/bge-m3", input: "Hello" });
    expect([...(list.data[0]?.embedding ?? [])]).toEqual([0.5, -0.25]);
    expect(asked[0]).toMatchObject({
      path: "/v1/embeddings",
      body: { model: "BAAI/bge-m3", input: "Hello", encoding_format: "base64" },
    });
  });

  test("base64 becomes floats where they were asked for", async () => {
    answer = answers("AAAAPwAAgL4=");
    const { json } = await embed({ model: "baai/bge-m3" });
    expect(listAt(json, "data.0.embedding")).toEqual([0.5, -0.25]);
  });

  test("a provider of the configuration embeds too, and only prompt tokens cost", async () => {
    answer = answers([0.5, -0.25], { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 });
    const { json } = await embed({ model: "nomic/nomic-embed-text-v1.5" });
    expect(asked[0]).toMatchObject({ path: "/v1/embeddings", body: { model: "nomic" } });
    expect(at(json, "usage.cost")).toBe(0.003);
    expect(at(json, "lowrouter.provider")).toBe("acme");
  });
});

describe("Gemini clients", () => {
  const genai = () =>
    new GoogleGenAI({
      apiKey: gateway.key,
      httpOptions: { baseUrl: gateway.url, apiVersion: "v1beta" },
    });
  const say = (text: string) => ({ content: { parts: [{ text }] } });
  const post = (name: string, verb: string, body: unknown) =>
    gateway.ask(`/v1beta/models/${name}:${verb}`, { body });

  test("the official SDK gets vectors from Google, its own wire", async () => {
    const reply = await genai().models.embedContent({
      model: "gemini-embedding-001",
      contents: ["one", "two"],
      config: { outputDimensionality: 8, taskType: "RETRIEVAL_QUERY" },
    });
    expect(reply.embeddings?.map(({ values }) => values)).toEqual([
      vectorOf("one", 8),
      vectorOf("two", 8),
    ]);
  });

  test("the official SDK gets vectors from Cohere and from OpenAI", async () => {
    answer = cohereAnswer();
    const config = { outputDimensionality: 8, taskType: "CLUSTERING" };
    const contents = ["one", "two"];
    const cohere = await genai().models.embedContent({
      model: "models/cohere/embed-v4",
      contents,
      config,
    });
    expect(cohere.embeddings?.map(({ values }) => values)).toEqual(floatsOf(contents));
    expect(asked[0]?.body).toMatchObject({ input_type: "clustering", output_dimension: 8 });
    const openai = await genai().models.embedContent({
      model: `models/${model}`,
      contents,
      config,
    });
    expect(openai.embeddings?.map(({ values }) => values)).toEqual(
      contents.map((text) => vectorOf(text, 8)),
    );
  });

  test.each(["google/gemini-embedding-001", "gemini-embedding-001", model, "cohere/embed-v4"])(
    "%s answers both calls with values and the block",
    async (name) => {
      answer = cohereAnswer();
      const single = await post(name, "embedContent", say("Hello"));
      expect(single.status).toBe(200);
      expect(listAt(single.json, "embedding.values").length).toBeGreaterThan(1);
      const batch = await post(name, "batchEmbedContents", { requests: [say("a"), say("b")] });
      expect(listAt(batch.json, "embeddings")).toHaveLength(2);
      expect(listAt(batch.json, "embeddings.1.values").length).toBeGreaterThan(1);
      for (const { json, headers } of [single, batch]) {
        expect(at(json, "lowrouter")).toEqual({
          generation_id: headers.get("x-lowrouter-generation-id"),
          provider: headers.get("x-lowrouter-provider"),
          region: headers.get("x-lowrouter-region"),
        });
      }
      const row = await lastRow();
      expect(row).toMatchObject({ dialect: "gemini-embed", status: "ok", energy_wh: null });
      expect(Number(row.cost)).toBeGreaterThan(0);
    },
  );

  test("what OpenAI has no word for is named", async () => {
    const body = { ...say("a"), taskType: "CLUSTERING", title: "T" };
    const { headers } = await post(model, "embedContent", body);
    expect(headers.get("x-lowrouter-dropped")).toBe("taskType, title");
  });

  test.each<[string, string, unknown, number, string]>([
    ["an empty body", "gemini-embedding-001", {}, 400, "INVALID_ARGUMENT"],
    ["a chat model", "gemini-2.5-flash", say("a"), 404, "NOT_FOUND"],
    ["an unknown model", "no-such", say("a"), 404, "NOT_FOUND"],
  ])("%s is refused in Google's shape", async (_, name, body, status, word) => {
    const refused = await post(name, "embedContent", body);
    expect(refused.status).toBe(status);
    expect(at(refused.json, "error")).toMatchObject({ code: status, status: word });
  });
});

describe("money", () => {
  const nomic = "nomic/nomic-embed-text-v1.5";

  test("the hold is bounded by the bytes of the inputs, and tokens by their count", async () => {
    const poor = await gateway.mint({ limit: fromUnits(1) });
    const priceOf = async (input: unknown) => {
      const refused = await gateway.ask("/v1/embeddings", {
        key: poor,
        body: { model: nomic, input },
      });
      expect(refusal(refused)).toEqual([402, "key_limit_exceeded"]);
      return Number(at(refused.json, "error.metadata.may_cost"));
    };
    // 1000 USD per million tokens; 16 may stand around each input.
    expect(await priceOf("é".repeat(1000))).toBeCloseTo(2.016, 6);
    expect(await priceOf(["a".repeat(600), "b".repeat(600)])).toBeCloseTo(1.232, 6);
    expect(await priceOf(Array(2000).fill(7))).toBeCloseTo(2.016, 6);
    expect(asked).toEqual([]);
  });

  test("no grams are held or spent of a carbon budget", async () => {
    const key = await gateway.mint({ carbonBudgetG: 0 });
    const { status } = await gateway.ask("/v1/embeddings", {
      key,
      body: { model, input: "Hello" },
    });
    expect(status).toBe(200);
    const chat = await gateway.chatAs(key);
    expect(refusal(chat)).toEqual([402, "carbon_budget_reached"]);
  });

  test("a key that is out of grams, and routes by them, still gets vectors", async () => {
    const key = await gateway.mint({
      carbonBudgetG: 0,
      carbonBudgetAction: { routeUnderGPer1k: 1e-9 },
    });
    const vectors = () => gateway.ask("/v1/embeddings", { key, body: { model, input: "Hello" } });
    expect((await vectors()).status).toBe(200);
    const chat = await gateway.chatAs(key);
    expect(refusal(chat)).toEqual([402, "carbon_budget_reached"]);
    expect((await vectors()).status).toBe(200);
  });

  test("no imbalance is left behind", async () => {
    await gateway.until(() => true);
    expect(await gateway.imbalances()).toBe(0);
  });
});

describe("a model of another kind", () => {
  test.each<[string, string, string, string]>([
    ["/v1/embeddings", "openai/gpt-4o-mini", "generates text", "/v1/chat/completions"],
    ["/v1/chat/completions", model, "makes embeddings", "/v1/embeddings"],
    ["/v1/completions", model, "makes embeddings", "/v1/embeddings"],
    ["/v1/embeddings", "lowrouter/auto", "name one", "/v1/models"],
  ])("%s with %s is 404 and says where it belongs", async (path, name, what, where) => {
    const refused = await gateway.ask(path, {
      body: { model: name, input: "x", prompt: "x", messages: [{ role: "user", content: "x" }] },
    });
    expect(refusal(refused)).toEqual([404, "model_not_found"]);
    expect(at(refused.json, "error.message")).toContain(what);
    expect(at(refused.json, "error.message")).toContain(where);
  });

  test("an unknown one is 404 as everywhere", async () => {
    const refused = await embed({ model: "openai/no-such" });
    expect(refusal(refused)).toEqual([404, "model_not_found"]);
  });
});

test("inputs reach neither the ledger nor the log", async () => {
  const canary = "CANARY-7d1f";
  await embed({ input: canary });
  await embed({ model: "cohere/embed-v4", input: [canary] });
  const rows = await gateway.store.read("SELECT * FROM generation", []);
  expect(JSON.stringify(rows)).not.toContain(canary);
  expect(gateway.logged()).not.toContain(canary);
});
