import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Target } from "#src/dialect/dialect.ts";
import {
  openaiChatClient,
  openaiChatSplice,
  openaiChatUpstream,
} from "#src/dialect/openai/openai-chat.ts";
import { callsNeedResponses } from "#src/dialect/openai/openai-quirks.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { bodyOf, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";
import { shares } from "#test/dialect/shares.ts";

/** A request on the byte path, and the same one through the canonical form. */
function bothWays(body: JsonObject, changes: Partial<Target>) {
  const text = JSON.stringify(body);
  const target = targetOf({ model: "up-1", ...changes });
  const spliced = openaiChatSplice.retarget(encode(text), peeked(openaiChatClient, text), target);
  const turn = openaiChatClient.readRequest(peeked(openaiChatClient, text));
  const written = openaiChatUpstream.writeRequest(turn, target);
  return [
    { path: "bytes", dropped: spliced.dropped, body: bodyOf(spliced) },
    { path: "canonical", dropped: written.dropped, body: bodyOf(written) },
  ];
}

/** A request on the byte path alone. */
function spliced(body: JsonObject | string, changes: Partial<Target>) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const ask = peeked(openaiChatClient, text);
  const request = openaiChatSplice.retarget(
    encode(text),
    ask,
    targetOf({ model: "up-1", ...changes }),
  );
  return { text: decode(request.body), body: bodyOf(request), dropped: request.dropped };
}

const messages = [{ role: "user", content: "Hi" }];
const tool = { type: "function", function: { name: "f" } };
const callOf = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });

describe("what a provider refuses is left out by name", () => {
  const given = {
    ...{ top_k: 5, logit_bias: { "1": 2 }, frequency_penalty: 1, presence_penalty: 1 },
    stop: ["x"],
  };
  const rows: [string, Partial<Target>, string[]][] = [
    ["OpenAI", { provider: "openai" }, ["top_k"]],
    [
      "OpenAI, reasoning",
      { provider: "openai", reasoning: {}, samplingParams: false },
      ["frequency_penalty", "logit_bias", "presence_penalty", "stop", "top_k"],
    ],
    [
      "OpenAI, reasoning and taking sampling",
      { provider: "openai", reasoning: {}, samplingParams: true },
      ["top_k"],
    ],
    ["xAI", { provider: "xai" }, []],
    [
      "xAI, reasoning",
      { provider: "xai", reasoning: {} },
      ["frequency_penalty", "presence_penalty", "stop"],
    ],
    ["Groq", { provider: "groq" }, ["logit_bias", "top_k"]],
    ["Cerebras", { provider: "cerebras" }, ["frequency_penalty", "logit_bias", "presence_penalty"]],
    ["Mistral", { provider: "mistral" }, ["logit_bias", "top_k"]],
    ["any other", { provider: "acme" }, []],
  ];
  for (const [who, target, names] of rows) {
    test(who, () => {
      for (const { path, body, dropped } of bothWays({ messages, ...given }, target)) {
        // Translated, stop sequences that are not sent are left to the gateway.
        const said = path === "canonical" ? names.filter((name) => name !== "stop") : names;
        expect([path, dropped.toSorted()]).toEqual([path, said]);
        const kept = Object.keys(given).filter((name) => !names.includes(name));
        expect([path, ...Object.keys(given).filter((name) => name in body)]).toEqual([
          path,
          ...kept,
        ]);
      }
    });
  }
});

test("what would change the answer is refused before it is sent", () => {
  const rows: [JsonObject, string, string][] = [
    [{ n: 2 }, "groq", "n"],
    [{ logprobs: true }, "groq", "logprobs"],
    [{ logprobs: true }, "mistral", "logprobs"],
  ];
  for (const [given, provider, param] of rows) {
    const refused = refusalOf(() => spliced({ messages, ...given }, { provider }));
    expect([refused.code, refused.detail.param]).toEqual(["unsupported_feature", param]);
  }
  const url = "https://x/y.png";
  const picture = [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }];
  expect(refusalOf(() => spliced({ messages: picture }, { provider: "ollama" })).message).toContain(
    "data URI",
  );
  const inline = "data:image/png;base64,AAAA";
  picture[0]?.content.splice(0, 1, { type: "image_url", image_url: { url: inline } });
  expect(spliced({ messages: picture }, { provider: "ollama" }).body.messages).toEqual(picture);
});

describe("Mistral", () => {
  const provider = "mistral";

  test("gets members that it knows alone, also of messages, and the others are named", () => {
    const { body, dropped } = spliced(
      {
        messages: [
          { role: "developer", content: "S", name: "boss" },
          { role: "user", content: "Hi", name: "Ann" },
          {
            ...{ role: "assistant", content: "A", refusal: null, annotations: [] },
            reasoning_content: "T",
          },
          { role: "user", content: "B" },
        ],
        ...{ user: "u", service_tier: "auto", future: { a: 1 }, seed: 7, max_completion_tokens: 9 },
        ...{ stream: true, store: null, route: "fallback" },
      },
      { provider },
    );
    expect(body).toEqual({
      ...{ model: "up-1", stream: true, random_seed: 7, max_tokens: 9 },
      messages: [
        { role: "system", content: "S" },
        { role: "user", content: "Hi" },
        { role: "assistant", content: "A" },
        { role: "user", content: "B" },
      ],
    });
    expect(dropped.toSorted()).toEqual([
      ...["future", "messages.name", "messages.reasoning_content", "service_tier", "user"],
    ]);
  });

  test("gets ids of nine characters, alike in call and result, and its own ids back", () => {
    const told = [
      ...messages,
      {
        role: "assistant",
        content: null,
        tool_calls: [callOf("call_a-long-one"), callOf("Abc123XYZ")],
      },
      { role: "tool", tool_call_id: "Abc123XYZ", content: "1" },
      { role: "tool", tool_call_id: "call_a-long-one", content: "2" },
    ];
    for (const { body } of bothWays({ messages: told, tools: [tool] }, { provider })) {
      const sent = JSON.stringify(body.messages);
      const [, ids] = [0, sent.matchAll(/"(?:id|tool_call_id)":"([^"]*)"/g)];
      const [long, own, ...results] = [...ids].map((found) => found[1] ?? "");
      expect(own).toBe("Abc123XYZ");
      expect(long).toMatch(/^[a-zA-Z0-9]{9}$/);
      expect(results).toEqual(["Abc123XYZ", long ?? ""]);
    }
  });

  test("any ids keep their pairs, and different ones stay different", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 }), (ids) => {
        const told = [
          ...messages,
          { role: "assistant", content: null, tool_calls: ids.map(callOf) },
          ...ids.map((id) => ({ role: "tool", tool_call_id: id, content: "1" })),
        ];
        const sent = JSON.stringify(spliced({ messages: told }, { provider }).body.messages);
        const found = [...sent.matchAll(/"(?:id|tool_call_id)":"([a-zA-Z0-9]{9})"/g)].map(
          (one) => one[1],
        );
        expect(found).toHaveLength(ids.length * 2);
        expect(found.slice(0, ids.length)).toEqual(found.slice(ids.length));
        expect(new Set(found).size).toBe(ids.length);
      }),
    );
  });

  test("a demanded call is any, an answer stands between result and user, a last answer is a beginning", () => {
    const told = [
      ...messages,
      { role: "assistant", content: null, tool_calls: [callOf("Abc123XYZ")] },
      { role: "tool", tool_call_id: "Abc123XYZ", content: "1" },
      { role: "user", content: "And?" },
      { role: "assistant", content: "Well" },
    ];
    const request = { messages: told, tools: [tool], tool_choice: "required" };
    for (const { body } of bothWays(request, { provider })) {
      expect(body.tool_choice).toBe("any");
      expect(body.messages).toEqual([
        ...told.slice(0, 3),
        { role: "assistant", content: "." },
        { role: "user", content: "And?" },
        { role: "assistant", content: "Well", prefix: true },
      ]);
    }
  });

  test("a refusal in history is what the assistant said", () => {
    const told = [...messages, { role: "assistant", content: null, refusal: "No." }, ...messages];
    for (const { body, dropped } of bothWays({ messages: told }, { provider })) {
      expect(body.messages).toEqual([
        ...messages,
        { role: "assistant", content: "No." },
        ...messages,
      ]);
      expect(dropped).toEqual([]);
    }
  });
});

test("ids that are too long are replaced alike in call and result, on either path", () => {
  const long = `call_${"x".repeat(60)}`;
  const told = (id: string) => [
    ...messages,
    { role: "assistant", content: null, tool_calls: [callOf(id)] },
    { role: "tool", tool_call_id: id, content: "1" },
  ];
  const sent = (id: string, provider: string) =>
    bothWays({ messages: told(id) }, { provider }).map(({ body }) =>
      [...JSON.stringify(body.messages).matchAll(/"(?:id|tool_call_id)":"([^"]*)"/g)].map(
        (found) => found[1] ?? "",
      ),
    );
  for (const provider of ["openai", "acme"]) {
    for (const [call = "", result] of sent(long, provider)) {
      expect(call).toMatch(/^call_[0-9a-f]{24}$/);
      expect(result).toBe(call);
    }
  }
  const fits = "x".repeat(41);
  expect(sent(fits, "acme")).toEqual([
    [fits, fits],
    [fits, fits],
  ]);
  expect(sent(fits, "openai")[0]?.[0]).toHaveLength(29);
});

test("answers of other providers can be sent back to OpenAI, Groq and Cerebras", () => {
  const answer = {
    ...{ role: "assistant", content: "A", refusal: null, annotations: [] },
    ...{ reasoning: "T", reasoning_content: "T", reasoning_details: [{ type: "x" }] },
  };
  const left = (provider: string, reasoning?: JsonObject) => {
    const { body, dropped } = spliced({ messages: [...messages, answer] }, { provider, reasoning });
    const [, sent] = Array.isArray(body.messages) ? body.messages : [];
    return [Object.keys(sent ?? {}), dropped.toSorted()];
  };
  const named = (...names: string[]) => names.map((name) => `messages.${name}`);
  const texts = named("reasoning", "reasoning_content", "reasoning_details");
  expect(left("openai")).toEqual([["role", "content", "refusal", "annotations"], texts]);
  expect(left("groq")).toEqual([["role", "content"], texts]);
  expect(left("groq", {})).toEqual([["role", "content", "reasoning"], texts.slice(1)]);
  expect(left("cerebras")).toEqual([["role", "content", "reasoning"], texts.slice(1)]);
  expect(left("vllm")).toEqual([Object.keys(answer), []]);
});

test("Groq gets no names of speakers", () => {
  const named = [{ role: "user", content: "Hi", name: "Ann" }];
  const { body, dropped } = spliced({ messages: named }, { provider: "groq" });
  expect([body.messages, dropped]).toEqual([messages, ["messages.name"]]);
});

test("Perplexity gets user and assistant by turns, texts with a blank line between, else all parts", () => {
  const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const told = [
    { role: "system", content: "S" },
    { role: "user", content: 'é "a"' },
    { role: "user", content: "b" },
    { role: "assistant", content: "c" },
    { role: "user", content: "d" },
    { role: "user", content: [picture] },
  ];
  for (const { body } of bothWays({ messages: told }, { provider: "perplexity" })) {
    expect(body.messages).toEqual([
      { role: "system", content: "S" },
      { role: "user", content: 'é "a"\n\nb' },
      { role: "assistant", content: "c" },
      { role: "user", content: [{ type: "text", text: "d" }, picture] },
    ]);
  }
});

test("Moonshot's temperature ends at 1, Z.ai's 0 is no sampling", () => {
  for (const { body } of bothWays({ messages, temperature: 1.7 }, { provider: "moonshot" }))
    expect(body.temperature).toBe(1);
  for (const { body } of bothWays({ messages, temperature: 0 }, { provider: "zai" }))
    expect([body.temperature, body.do_sample]).toEqual([undefined, false]);
});

describe("reasoning is asked for in the provider's words", () => {
  const efforts = ["high", "max"];
  const rows: [string, Partial<Target>, JsonObject, JsonObject][] = [
    [
      "the effort stands",
      { provider: "acme", reasoning: {} },
      { reasoning_effort: "low" },
      { reasoning_effort: "low" },
    ],
    [
      "the effort is the nearest",
      { provider: "openai", reasoning: { efforts: ["low", "high"] } },
      { reasoning_effort: "medium" },
      { reasoning_effort: "low" },
    ],
    ["xAI without efforts", { provider: "xai", reasoning: {} }, { reasoning_effort: "high" }, {}],
    [
      "DeepSeek, on",
      { provider: "deepseek", reasoning: { efforts } },
      { reasoning_effort: "low" },
      { reasoning_effort: "high", thinking: { type: "enabled" } },
    ],
    [
      "DeepSeek, off",
      { provider: "deepseek", reasoning: { efforts } },
      { reasoning_effort: "none" },
      { thinking: { type: "disabled" } },
    ],
    [
      "Z.ai, on",
      { provider: "zai", reasoning: {} },
      { reasoning: { enabled: true } },
      { thinking: { type: "enabled" } },
    ],
    [
      "Z.ai, always on",
      { provider: "zai", reasoning: { mandatory: true } },
      { reasoning_effort: "none" },
      {},
    ],
    [
      "Together, off",
      { provider: "together", reasoning: {} },
      { reasoning_effort: "none" },
      { reasoning: { enabled: false } },
    ],
    [
      "Together, on",
      { provider: "together", reasoning: {} },
      { reasoning: { effort: "high" } },
      { reasoning: { enabled: true } },
    ],
    [
      "Together, graded",
      { provider: "together", reasoning: { efforts: ["low", "high"] } },
      { reasoning: { effort: "high" } },
      { reasoning_effort: "high" },
    ],
    [
      "Alibaba, on",
      { provider: "alibaba", reasoning: { budget: {} } },
      { reasoning: { max_tokens: 500 } },
      { enable_thinking: true, thinking_budget: 500 },
    ],
    [
      "Alibaba, low",
      { provider: "alibaba", reasoning: { budget: {} } },
      { reasoning_effort: "low" },
      { enable_thinking: true, thinking_budget: 2048 },
    ],
    [
      "Alibaba, off",
      { provider: "alibaba", reasoning: { budget: {} } },
      { reasoning_effort: "none" },
      { enable_thinking: false },
    ],
    ...shares.map(([effort, share]): (typeof rows)[number] => [
      `Alibaba, ${effort} of the client's limit`,
      { provider: "alibaba", reasoning: { budget: {} } },
      { reasoning_effort: effort, max_tokens: 20_000 },
      { enable_thinking: true, thinking_budget: share * 200 },
    ]),
    [
      "Alibaba, a share within what the model can say and think",
      { provider: "alibaba", reasoning: { budget: { max: 6000 } }, maxOutputTokens: 10_000 },
      { reasoning_effort: "high", max_tokens: 20_000 },
      { enable_thinking: true, thinking_budget: 6000 },
    ],
    ["OpenAI without reasoning", { provider: "openai" }, { reasoning_effort: "none" }, {}],
  ];
  for (const [name, target, wish, said] of rows) {
    test(name, () => {
      for (const { path, body } of bothWays({ messages, ...wish }, target)) {
        const { model: _model, messages: _messages, max_tokens: _limit, ...rest } = body;
        expect([path, rest]).toEqual([path, said]);
      }
    });
  }

  test("the client's own use of the provider's words stands", () => {
    const thinking = { type: "enabled", clear_thinking: false };
    const { body } = spliced(
      { messages, thinking, reasoning_effort: "none" },
      { provider: "zai", reasoning: {} },
    );
    expect(body).toEqual({ model: "up-1", messages, thinking });
  });

  test("a wish that a model cannot fulfil is named", () => {
    for (const { dropped } of bothWays({ messages, reasoning: { effort: "high" } }, {}))
      expect(dropped).toEqual(["reasoning"]);
    expect(spliced({ messages, reasoning_effort: "high" }, { provider: "groq" }).dropped).toEqual([
      "reasoning_effort",
    ]);
  });
});

describe("reasoning goes back", () => {
  const turn = (text: string) => ({ role: "assistant", content: "A", reasoning: text });
  const told = [
    ...messages,
    turn("plain"),
    ...messages,
    { role: "assistant", content: null, reasoning: "before", tool_calls: [callOf("a")] },
    { role: "tool", tool_call_id: "a", content: "1" },
    turn("after"),
    ...messages,
  ];
  const texts = (body: JsonObject) =>
    [...JSON.stringify(body.messages).matchAll(/"reasoning_content":"(\w+)"/g)].map(
      (found) => found[1],
    );

  test("to DeepSeek in all turns with calls, to Moonshot in every turn, to others in none", () => {
    const written = (provider: string) =>
      texts(bothWays({ messages: told }, { provider, reasoning: {} })[1]?.body ?? {});
    expect(written("deepseek")).toEqual(["before", "after"]);
    expect(written("moonshot")).toEqual(["plain", "before", "after"]);
    expect(written("acme")).toEqual([]);
  });

  test("under the name that these providers know, on the byte path too", () => {
    const { body, dropped } = spliced({ messages: told }, { provider: "deepseek", reasoning: {} });
    expect(texts(body)).toEqual(["plain", "before", "after"]);
    expect(JSON.stringify(body)).not.toContain('"reasoning":');
    expect(dropped).toEqual([]);
  });
});

describe("marks for a prompt cache", () => {
  const mark = { type: "ephemeral" };
  const marked = {
    messages: [
      { role: "system", content: [{ type: "text", text: "S", cache_control: mark }] },
      { role: "user", content: [{ type: "text", text: "U", cache_control: mark }] },
      { role: "assistant", content: [{ type: "text", text: "A", cache_control: mark }] },
      ...messages,
    ],
    tools: [{ ...tool, cache_control: mark }],
  };
  const breakpoint = { mode: "explicit" };

  test("stay where they are read, and where nobody knows", () => {
    for (const provider of ["openrouter", "alibaba", "acme"])
      expect(spliced(marked, { provider }).body).toEqual({ model: "up-1", ...marked });
  });

  test("are breakpoints for models of OpenAI that have them, but not on an assistant's words or on tools", () => {
    for (const { body, dropped } of bothWays(marked, {
      provider: "openai",
      model: "gpt-5.6-sol",
    })) {
      const text = JSON.stringify(body);
      expect(text).not.toContain("cache_control");
      expect(text.match(/prompt_cache_breakpoint/g)).toHaveLength(2);
      expect(body.messages).toMatchObject([
        { content: [{ text: "S", prompt_cache_breakpoint: breakpoint }] },
        { content: [{ text: "U", prompt_cache_breakpoint: breakpoint }] },
        {},
        {},
      ]);
      expect(dropped).toEqual([]);
    }
  });

  test("vanish in silence where they are refused", () => {
    for (const [provider, model] of [
      ["openai", "gpt-4.1"],
      ["mistral", "m"],
      ["groq", "m"],
    ]) {
      const { body, dropped } = spliced(marked, { provider, model });
      expect(JSON.stringify(body)).not.toContain("cache");
      expect(dropped).toEqual([]);
    }
  });
});

test("what is rewritten within messages leaves their other bytes", () => {
  const text =
    '{"model":"a/b","messages":[ {"role":"developer","content":"\\u00e9 é"} , {"role" : "user","n":1.0,"content":"x"} ]}';
  const { text: sent } = spliced(text, { provider: "acme" });
  expect(sent).toBe(
    '{"model":"up-1","messages":[ {"role":"system","content":"\\u00e9 é"} , {"role" : "user","n":1.0,"content":"x"} ]}',
  );
});

test("members of other wires do not reach a chat provider, and are named", () => {
  const turn = openaiChatClient.readRequest(
    peeked(openaiChatClient, {
      messages,
      safetySettings: [],
      service_tier: "standard_only",
      logit_bias: {},
    }),
  );
  const request = openaiChatUpstream.writeRequest(turn, targetOf());
  expect(bodyOf(request)).toEqual({ model: "model-x", messages, logit_bias: {} });
  expect(request.dropped).toEqual(["safetySettings", "service_tier"]);
});

test("arguments that are null are none", () => {
  const call = { id: "a", type: "function", function: { name: "f", arguments: "null" } };
  const told = [...messages, { role: "assistant", tool_calls: [call] }];
  const [, { body } = { body: {} }] = bothWays({ messages: told }, {});
  expect(JSON.stringify(body)).toContain('"arguments":"{}"');
});

test("the GPT-6 family calls tools on the chat wire only without reasoning", () => {
  expect(callsNeedResponses("openai", "gpt-6.2-astra")).toBe(true);
  expect(callsNeedResponses("azure", "gpt-6-sol")).toBe(true);
  expect(callsNeedResponses("openai", "gpt-5.6-sol")).toBe(false);
  expect(callsNeedResponses("openrouter", "gpt-6-sol")).toBe(false);
  expect(callsNeedResponses("openai", "o3")).toBe(false);
});
