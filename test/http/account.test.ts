import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type Harness, startHarness } from "#test/gateway/harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

async function ask(
  path: string,
  init: { key?: string; method?: string; body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await fetch(harness.url + path, {
    method: init.method ?? "GET",
    headers: { authorization: `Bearer ${init.key ?? harness.key}`, ...init.headers },
    body: init.body === undefined ? undefined : JSON.stringify(init.body),
  });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json")
    ? JSON.parse(text)
    : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

const managed = (path: string, init = {}) => ask(path, { key: harness.managementKey, ...init });

describe.each(["/v1", "/api/v1"])("under %s", (base) => {
  test("a generation is found by its id, by query and by the completion's id, and by nobody else", async () => {
    const answer = JSON.parse(await (await harness.chat({ user: "ada" })).text());
    const id = answer.lowrouter.generation_id;
    const records = await Promise.all([
      ask(`${base}/generation/${id}`),
      ask(`${base}/generation?id=${id}`),
      ask(`${base}/generation/${answer.id}`),
    ]);
    expect(records.map(({ json }) => json.generation_id)).toEqual([id, id, id]);
    expect(records[0]?.json).toMatchObject({
      user: "ada",
      status: "ok",
      resolved_model: "openai/gpt-4o-mini",
      eco: answer.lowrouter.eco,
      total_tokens: answer.usage.total_tokens,
    });
    const other = await startHarness();
    const foreign = await fetch(`${other.url}${base}/generation/${id}`, {
      headers: { authorization: `Bearer ${other.key}` },
    });
    await other.close();
    expect(foreign.status).toBe(404);
  });

  test("an explanation recomputes the number by hand", async () => {
    const answer = JSON.parse(await (await harness.chat({ route: { region: "us-east" } })).text());
    const { json } = await ask(`${base}/generation/${answer.lowrouter.generation_id}/eco`);
    const { coefficients, parameters, tokens, grid } = json.explanation;
    const active = (parameters.active_b.min + parameters.active_b.max) / 2;
    const energy = (coefficients.alpha * active + coefficients.beta) * tokens.total;
    expect(answer.lowrouter.eco.energy_wh).toBeCloseTo(energy, 9);
    expect(answer.lowrouter.eco.carbon_g).toBeCloseTo((energy * grid.g_per_kwh) / 1000, 9);
    expect(json.explanation.other_methodologies).toHaveLength(1);
  });

  test("models, endpoints and providers agree on ids and regions", async () => {
    const models = await ask(`${base}/models`);
    const mini = models.json.data.find(
      (model: { id: string }) => model.id === "openai/gpt-4o-mini",
    );
    expect(mini.pricing).toMatchObject({ prompt: "0.00000015", completion: "0.0000006" });
    expect(mini.lowrouter.regions.toSorted()).toEqual(["eu-west", "us-east"]);
    const endpoints = await ask(`${base}/models/openai/gpt-4o-mini/endpoints`);
    expect(
      endpoints.json.data.endpoints.map((one: { region: string }) => one.region).toSorted(),
    ).toEqual(["eu-west", "us-east"]);
    const providers = await ask(`${base}/providers`);
    const known = providers.json.data.map((provider: { id: string }) => provider.id);
    for (const provider of mini.lowrouter.providers) expect(known).toContain(provider);
    expect((await ask(`${base}/models?all=true`)).json.data.length).toBeGreaterThan(
      models.json.data.length,
    );
    expect((await ask(`${base}/models/nobody/nothing/endpoints`)).status).toBe(404);
  });

  test("the methodology is public, with every table", async () => {
    const listed = await fetch(`${harness.url}${base}/methodology`);
    expect(listed.status).toBe(200);
    const record = JSON.parse(
      await (await fetch(`${harness.url}${base}/methodology/v0.4-2026-01`)).text(),
    );
    expect(record.parameters.length).toBeGreaterThan(100);
    expect(record.grid.length).toBeGreaterThan(200);
    expect((await fetch(`${harness.url}${base}/methodology/v9`)).status).toBe(404);
  });

  test("balance, credits and transactions agree to the nano-unit", async () => {
    const { json: balance } = await ask(`${base}/balance`);
    const { json: listing } = await ask(`${base}/transactions?page_size=1000`);
    const sum = listing.transactions.reduce(
      (total: number, one: { amount: number }) => total + Math.round(one.amount * 1e9),
      0,
    );
    expect(sum).toBe(Math.round(balance.balance * 1e9));
    const { json: credits } = await ask(`${base}/credits`);
    expect(credits.data.total_credits - credits.data.total_usage).toBeCloseTo(balance.credits, 6);
    const first = await ask(`${base}/transactions?page_size=1`);
    const second = await ask(
      `${base}/transactions?page_size=1&page_token=${first.json.next_page_token}`,
    );
    expect(second.json.transactions[0].id).toBe(listing.transactions[1].id);
    expect((await ask(`${base}/transactions?page_size=0`)).status).toBe(400);
  });

  test("a key sees itself", async () => {
    const { json } = await ask(`${base}/key`);
    expect(json.data).toMatchObject({
      limit: null,
      is_management_key: false,
      is_provisioning_key: false,
    });
    expect(json.data.usage).toBeGreaterThan(0);
  });

  test("keys are made, listed, changed at once, and deleted", async () => {
    const everything = {
      name: "production-backend",
      limit: 150,
      limit_reset: "monthly",
      allowed_providers: ["openai"],
      allowed_models: ["gpt-4o-mini"],
      region: "us-east",
      policy: "prefer-low-carbon",
      prefer_low_carbon: true,
      daily_credit_limit: 500,
      monthly_credit_limit: 5000,
      rate_limit: {
        requests_per_minute: 60,
        requests_per_day: 1000,
        tokens_per_minute: 100000,
        max_in_flight: 5,
      },
      carbon_budget_g: 100,
      carbon_budget_reset: "daily",
      carbon_budget_action: { route_under_g_per_1k: 3 },
      expires_at: "2099-12-31T23:59:59Z",
    };
    const made = await managed(`${base}/keys`, { method: "POST", body: everything });
    expect(made.status).toBe(201);
    const { expires_at, ...shown } = everything;
    expect(made.json.data).toMatchObject({ ...shown, spending_limit: 150, limit_remaining: 150 });
    expect(Date.parse(made.json.data.expires_at)).toBe(Date.parse(expires_at));
    const { hash } = made.json.data;
    const key = made.json.key;
    const call = () =>
      ask(`${base}/chat/completions`, {
        method: "POST",
        key,
        body: { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hi" }] },
      });
    expect((await call()).headers.get("x-lowrouter-region")).toBe("us-east");
    const forbidden = await ask(`${base}/chat/completions`, {
      method: "POST",
      key,
      body: { model: "mistral/mistral-small-3.2", messages: [{ role: "user", content: "Hi" }] },
    });
    expect([forbidden.status, forbidden.json.error.code]).toEqual([403, "model_not_allowed"]);
    expect(
      (await managed(`${base}/keys/${hash}`, { method: "PATCH", body: { disabled: true } })).json
        .data.disabled,
    ).toBe(true);
    expect((await call()).status).toBe(401);
    expect(
      (
        await managed(`${base}/keys/${hash}`, {
          method: "PATCH",
          body: { enabled: true, limit: null },
        })
      ).json.data.limit,
    ).toBeNull();
    expect((await call()).status).toBe(200);
    const listed = await managed(`${base}/keys?include_disabled=true`);
    expect(listed.text).not.toContain(key);
    expect(listed.json.data.map((one: { hash: string }) => one.hash)).toContain(hash);
    expect((await managed(`${base}/keys/${hash}`, { method: "DELETE" })).json).toEqual({
      data: { deleted: true },
    });
    expect((await call()).status).toBe(401);
    expect((await managed(`${base}/keys/${hash}`)).status).toBe(404);
  });

  test("a misspelt limit is refused, not ignored", async () => {
    const refused = await managed(`${base}/keys`, {
      method: "POST",
      body: { name: "x", limitt: 5 },
    });
    expect([refused.status, refused.json.error.param]).toEqual([400, "limitt"]);
  });

  test("any grouping of the activity sums to the same total, and CSV says the same", async () => {
    const sums = await Promise.all(
      ["day", "model", "creator", "provider,region", "key,user"].map(async (group) => {
        const { json } = await managed(`${base}/activity?group_by=${group}`);
        return json.data.reduce(
          (total: number, row: { requests: number }) => total + row.requests,
          0,
        );
      }),
    );
    expect(new Set(sums).size).toBe(1);
    const csv = await managed(`${base}/activity?group_by=model&format=csv`);
    expect(csv.headers.get("content-type")).toContain("text/csv");
    expect(csv.text.split("\r\n")[0]).toStartWith("model,requests,");
    const made = await managed(`${base}/activity?group_by=model,creator`);
    const pairs: { model: string | null; creator: string | null }[] = made.json.data;
    expect(pairs.map(({ model }) => model)).toContain("openai/gpt-4o-mini");
    for (const { model, creator } of pairs) expect(creator).toBe(model?.split("/")[0] ?? null);
    const byCreator = await managed(`${base}/activity?group_by=creator&format=csv`);
    expect(byCreator.text).toMatch(/^creator,requests,[^]*\r\nopenai,\d/);
    expect((await managed(`${base}/activity?group_by=colour`)).status).toBe(400);
    expect((await ask(`${base}/activity`)).status).toBe(403);
  });
});

test("a spreadsheet formula in a user's name is made plain text", async () => {
  await harness.chat({ user: "=1+1" });
  expect((await managed("/api/v1/activity?group_by=user&format=csv")).text).toContain("\r\n'=1+1,");
});

test("usage summary and time series count every request", async () => {
  const rows = await harness.rows();
  expect((await ask("/api/usage/summary")).json.total_requests).toBe(rows.length);
  for (const granularity of ["hourly", "daily", "monthly"]) {
    const { json } = await ask(`/api/usage/timeseries?granularity=${granularity}`);
    expect(
      json.data_points.reduce(
        (total: number, point: { requests: number }) => total + point.requests,
        0,
      ),
    ).toBe(rows.length);
  }
});

test("health needs no key; what is not built says so", async () => {
  expect((await fetch(`${harness.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${harness.url}/readyz`)).status).toBe(200);
  const images = await ask("/v1/images/generations", { method: "POST", body: {} });
  expect([images.status, images.json.error.code]).toEqual([404, "not_available"]);
  expect((await ask("/nowhere")).json.error.code).toBe("not_found");
});

test("browsers may call from any origin and read our headers", async () => {
  const preflight = await fetch(`${harness.url}/v1/chat/completions`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-headers": "authorization" },
  });
  expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
    204,
    "authorization",
  ]);
  const response = await harness.chat({}, { headers: { origin: "https://app.example" } });
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("access-control-expose-headers")).toContain(
    "X-LowRouter-Generation-ID",
  );
});

describe.each(["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"])(
  "the official client with %s",
  (model) => {
    const client = () =>
      new OpenAI({ baseURL: `${harness.url}/v1`, apiKey: harness.key, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "What is the weather?" }];
    const tools = [
      {
        type: "function" as const,
        function: {
          name: "weather",
          parameters: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
          },
        },
      },
    ];

    test("completes, streams, and calls tools over two turns", async () => {
      const plain = await client().chat.completions.create({ model, messages });
      expect(plain.model).toBe(model);
      expect(plain.choices[0]?.message.content).toContain("simulated");
      const streamed = client().chat.completions.stream({
        model,
        messages,
        stream_options: { include_usage: true },
      });
      const final = await streamed.finalChatCompletion();
      expect(final.choices[0]?.message.content).toContain("simulated");
      expect(final.usage?.total_tokens).toBeGreaterThan(0);
      expect(Reflect.get(final, "lowrouter")).toMatchObject({
        eco: { methodology_version: "v0.4-2026-01" },
      });
      const called = await client().chat.completions.create({ model, messages, tools });
      const call = called.choices[0]?.message.tool_calls?.[0];
      expect(called.choices[0]?.finish_reason).toBe("tool_calls");
      expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({
        city: "Paris",
      });
      const assistant = called.choices[0]?.message;
      const second = await client().chat.completions.create({
        model,
        tools,
        messages: [
          ...messages,
          ...(assistant ? [assistant] : []),
          { role: "tool", tool_call_id: call?.id ?? "", content: "Sunny" },
        ],
      });
      expect(second.choices[0]?.message.content).toContain("Sunny");
    });

    test("answers in JSON where a schema asks for it", async () => {
      const schema = {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
        additionalProperties: false,
      };
      const answer = await client().chat.completions.create({
        model,
        messages: [{ role: "user", content: "Name a city" }],
        response_format: {
          type: "json_schema",
          json_schema: { name: "place", schema, strict: true },
        },
      });
      expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toEqual({ city: "Paris" });
    });

    test("completes text", async () => {
      const answer = await client().completions.create({
        model,
        prompt: "Once upon a time",
        max_tokens: 50,
      });
      expect([answer.object, answer.model]).toEqual(["text_completion", model]);
      expect(answer.choices[0]?.text).toContain("simulated");
    });
  },
);

test("unknown members and big integers pass both ways untouched", async () => {
  harness.places.all.openaiUs.behave({ unknownMembers: true });
  const body =
    '{"model":"openai/gpt-4o-mini","route":{"region":"us-east"},"messages":[{"role":"user","content":"Hi"}],"tomorrow":{"n":98765432109876543210,"f":1.0}}';
  const text = await (await harness.post("/v1/chat/completions", body)).text();
  harness.places.all.openaiUs.behave({});
  expect(text).toContain('"unknown_number":12345678901234567890');
  expect(text).toContain('"b":1e400');
  const sent = new TextDecoder().decode(harness.places.all.openaiUs.stats.lastBody);
  expect(sent).toContain('"tomorrow":{"n":98765432109876543210,"f":1.0}');
  expect(sent).not.toContain("route");
});
