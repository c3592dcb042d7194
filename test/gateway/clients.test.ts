import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { at, eventsOf, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * Requests as the clients of docs/clients.md send them, member for member, with other words in them: what they
 * need of the answer is what is looked at.
 */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const chat = "/v1/chat/completions";
const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];

describe.each(models)("%s", (model) => {
  test("LangChain: a stream with usage, then a call with its result", async () => {
    const tools = [
      {
        type: "function",
        function: {
          name: "search",
          description: "Search the web",
          parameters: {
            $schema: "http://json-schema.org/draft-07/schema#",
            type: "object",
            properties: { query: { type: "string" } },
            required: ["query"],
            additionalProperties: false,
          },
        },
      },
    ];
    const ask = { model, temperature: 0.2, n: 1, tools, tool_choice: "auto", stream: true };
    const question = { role: "user", content: "Use your tools to find out." };
    const first = await gateway.ask(chat, {
      body: { ...ask, stream_options: { include_usage: true }, messages: [question] },
    });
    const events = eventsOf(first.text);
    const calls = events.flatMap((event) => listAt(event, "choices.0.delta.tool_calls"));
    const id = calls.map((call) => at(call, "id")).find((one) => typeof one === "string");
    const words = calls.map((call) => at(call, "function.arguments") ?? "").join("");
    expect(Object.keys(JSON.parse(words))).toEqual(["query"]);
    expect(events.filter((event) => at(event, "usage.total_tokens") !== undefined)).toHaveLength(1);
    const call = { id, type: "function", function: { name: "search", arguments: words } };
    const second = await gateway.ask(chat, {
      body: {
        ...ask,
        stream: false,
        messages: [
          question,
          { role: "assistant", content: "", tool_calls: [call] },
          { role: "tool", content: "42", name: "search", tool_call_id: id },
        ],
      },
    });
    expect(at(second.json, "choices.0.message.content")).toContain("42");
  });

  test("Continue: a chat with its stops, and an edit", async () => {
    const system = { role: "system", content: "You are in agent mode." };
    const user = { role: "user", content: [{ type: "text", text: "Explain this code" }] };
    const reply = await gateway.ask(chat, {
      body: { model, messages: [system, user], stream: true, max_tokens: 4096, stop: ["\n\n\n"] },
    });
    expect(reply.text).toEndWith("data: [DONE]\n\n");
    const edit = await gateway.ask("/v1/completions", {
      body: {
        model,
        prompt: "function add(a, b) {",
        max_tokens: 64,
        temperature: 0.01,
        stop: ["}"],
      },
    });
    expect(edit.status).toBe(200);
    expect(String(at(edit.json, "choices.0.text")).length).toBeGreaterThan(0);
  });

  test("Open WebUI: the list, a chat, and a title in JSON", async () => {
    const list = await gateway.ask("/v1/models");
    expect(listAt(list.json, "data").map((one) => at(one, "id"))).toContain(model);
    const told = await gateway.ask(chat, {
      body: {
        stream: true,
        model,
        messages: [{ role: "user", content: "Hello" }],
        stream_options: { include_usage: true },
        params: {},
        metadata: { chat_id: "c" },
      },
    });
    expect(told.status).toBe(200);
    const title = await gateway.ask(chat, {
      body: {
        model,
        messages: [{ role: "user", content: "### Task: make a title as JSON" }],
        stream: false,
        max_completion_tokens: 1000,
      },
    });
    expect(at(title.json, "choices.0.finish_reason")).toBe("stop");
  });

  test("Claude Code: a turn with a tool over a cached prompt, its result, and the count", async () => {
    const mark = { cache_control: { type: "ephemeral" } };
    const headers = {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
      "anthropic-dangerous-direct-browser-access": "true",
      "x-app": "cli",
      "x-stainless-lang": "js",
    };
    const bash = {
      name: "Bash",
      description: "Runs a command",
      input_schema: {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties: { command: { type: "string" } },
        required: ["command"],
        additionalProperties: false,
      },
    };
    const user = {
      role: "user",
      content: [
        { type: "text", text: "<system-reminder>Be brief.</system-reminder>" },
        { type: "text", text: "Use your tools: list the files", ...mark },
      ],
    };
    const ask = {
      model,
      max_tokens: 32_000,
      system: [
        { type: "text", text: "You are an interactive CLI tool.", ...mark },
        { type: "text", text: "Working directory: /tmp", ...mark },
      ],
      tools: [bash],
      metadata: { user_id: "user_abc_account__session_def" },
      stream: true,
    };
    const first = await gateway.ask("/v1/messages?beta=true", {
      headers,
      body: { ...ask, messages: [user] },
    });
    if (model.startsWith("anthropic/")) {
      const seen = gateway.places.all.anthropic.stats.lastHeaders ?? {};
      expect(seen["anthropic-beta"]).toBe(headers["anthropic-beta"]);
      expect(Object.keys(seen)).not.toContain("x-app");
    }
    expect([first.status, first.headers.get("content-type")]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
    ]);
    const events = namedEvents(first.text);
    const start = events.find((event) => at(event, "content_block.type") === "tool_use");
    const id = at(start, "content_block.id");
    const words = events.map((event) => at(event, "delta.partial_json") ?? "").join("");
    expect(Object.keys(JSON.parse(words))).toEqual(["command"]);
    expect(at(events.at(-1), "type")).toBe("message_stop");
    expect(at(events.at(-1), "lowrouter.provider")).toBe(model.split("/")[0]);
    const use = { type: "tool_use", id, name: "Bash", input: JSON.parse(words) };
    const result = { type: "tool_result", tool_use_id: id, content: "a.ts\nb.ts", ...mark };
    const second = await gateway.ask("/v1/messages?beta=true", {
      headers,
      body: {
        ...ask,
        messages: [
          user,
          { role: "assistant", content: [use] },
          { role: "user", content: [result] },
        ],
      },
    });
    const text = namedEvents(second.text).map((event) => at(event, "delta.text") ?? "");
    expect(text.join("")).toContain("a.ts");
    const count = await gateway.ask("/v1/messages/count_tokens?beta=true", {
      headers,
      body: { model, messages: [user], tools: [bash] },
    });
    expect(at(count.json, "input_tokens")).toBeGreaterThan(10);
  });

  test("Codex: a turn with a tool, then its result", async () => {
    const tool = {
      type: "function",
      name: "shell",
      description: "Runs a shell command",
      strict: false,
      parameters: {
        type: "object",
        properties: { command: { type: "array", items: { type: "string" } } },
        required: ["command"],
        additionalProperties: false,
      },
    };
    const said = (role: string, text: string) => ({
      type: "message",
      role,
      content: [{ type: "input_text", text }],
    });
    const input: unknown[] = [
      said("developer", "<permissions>read-only</permissions>"),
      said("user", "<environment_context><cwd>/tmp</cwd></environment_context>"),
      said("user", "Use your tools: list the files"),
    ];
    const ask = {
      model,
      instructions: "You are Codex, a coding agent.",
      tools: [tool],
      tool_choice: "auto",
      parallel_tool_calls: false,
      store: false,
      stream: true,
      include: [],
      prompt_cache_key: "019a",
    };
    const headers = { accept: "text/event-stream", originator: "codex_cli_rs" };
    const first = await gateway.ask("/v1/responses", { headers, body: { ...ask, input } });
    const items = namedEvents(first.text).filter(
      (event) => at(event, "type") === "response.output_item.done",
    );
    const call = items
      .map((event) => at(event, "item"))
      .find((item) => at(item, "type") === "function_call");
    expect(Array.isArray(at(JSON.parse(String(at(call, "arguments"))), "command"))).toBe(true);
    const output = { type: "function_call_output", call_id: at(call, "call_id"), output: "a.ts" };
    const second = await gateway.ask("/v1/responses", {
      headers,
      body: { ...ask, input: [...input, ...items.map((event) => at(event, "item")), output] },
    });
    const last = namedEvents(second.text).at(-1);
    expect(at(last, "type")).toBe("response.completed");
    expect(JSON.stringify(at(last, "response.output"))).toContain("a.ts");
    expect(at(last, "response.lowrouter.region")).toBeString();
  });
});

/** The data of every event of a stream whose events have names. */
function namedEvents(text: string): unknown[] {
  return text
    .split("\n")
    .flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6))] : []));
}

describe("docs/clients.md", () => {
  const base = "http://127.0.0.1:4000";
  const text = readFileSync(new URL("../../docs/clients.md", import.meta.url), "utf8");
  /** The settings of a client as its row gives them, of this gateway instead of the example. */
  function settingsOf(client: string): string {
    const row = text.split("\n").find((line) => line.startsWith(`| ${client}`));
    if (row === undefined) throw new Error(`there is no row for ${client}`);
    const settings = row.split("|")[3] ?? "";
    return settings.replaceAll(base, gateway.url).replaceAll("lr_live_…", gateway.key);
  }
  /** The one value that an expression captures. */
  function valueIn(settings: string, told: RegExp): string {
    const value = told.exec(settings)?.[1];
    if (value === undefined) throw new Error(`no ${String(told)} in ${settings}`);
    return value;
  }
  const model = "openai/gpt-4o-mini";
  const hi = [{ role: "user", content: "Hi" }];
  const json = { "content-type": "application/json" };
  async function post(url: string, headers: Record<string, string>, body: object) {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...json, ...headers },
      body: JSON.stringify(body),
    });
    return response.status;
  }

  test.each([
    ["LangChain", /baseURL: "([^"]+)"/, /apiKey: "([^"]+)"/],
    ["Continue", /`apiBase: ([^`]+)`/, /`apiKey: ([^`]+)`/],
  ])("%s reaches the gateway by its row", async (client, address, secret) => {
    const settings = settingsOf(client);
    const headers = { authorization: `Bearer ${valueIn(settings, secret)}` };
    const url = `${valueIn(settings, address)}/chat/completions`;
    expect(await post(url, headers, { model, messages: hi })).toBe(200);
  });

  test.each(["`openai` packages, `curl`", "Open WebUI"])(
    "%s lists and asks by its row",
    async (client) => {
      const url = valueIn(settingsOf(client), /URL `([^`]+)`/);
      const headers = { authorization: `Bearer ${gateway.key}` };
      const list: unknown = await (await fetch(`${url}/models`, { headers })).json();
      const [first] = listAt(list, "data");
      expect(typeof at(first, "id")).toBe("string");
      expect(await post(`${url}/chat/completions`, headers, { model, messages: hi })).toBe(200);
    },
  );

  test("Codex reaches the gateway by its row", async () => {
    const [url, wire] = [/base_url = "([^"]+)"/, /wire_api = "([^"]+)"/].map((told) =>
      valueIn(settingsOf("Codex"), told),
    );
    const headers = { authorization: `Bearer ${gateway.key}` };
    expect(await post(`${url}/${wire}`, headers, { model, input: "Hi" })).toBe(200);
  });

  test("Claude Code and the package of Anthropic reach the gateway by their rows", async () => {
    const settings = settingsOf("Claude Code");
    const url = valueIn(settings, /ANTHROPIC_BASE_URL=(\S+)/);
    const token = valueIn(settings, /ANTHROPIC_AUTH_TOKEN=([^`,\s]+)/);
    const body = { model, max_tokens: 20, messages: hi };
    const version = { "anthropic-version": "2023-06-01" };
    const bearer = { ...version, authorization: `Bearer ${token}` };
    expect(await post(`${url}/v1/messages?beta=true`, bearer, body)).toBe(200);
    const other = valueIn(settingsOf("`@anthropic-ai/sdk`"), /base URL `([^`]+)`/);
    const key = { ...version, "x-api-key": gateway.key };
    expect(await post(`${other}/v1/messages`, key, body)).toBe(200);
  });

  test("the package of Google reaches the gateway by its row", async () => {
    const settings = settingsOf("`@google/genai`");
    const url = valueIn(settings, /baseUrl: "([^"]+)"/);
    const version = valueIn(settings, /apiVersion: "([^"]+)"/);
    const body = { contents: [{ parts: [{ text: "Hi" }] }] };
    const path = `${url}/${version}/models/gemini-2.5-flash:generateContent`;
    expect(await post(path, { "x-goog-api-key": gateway.key }, body)).toBe(200);
  });

  test("the Vercel AI SDK's base URLs are those of its providers", async () => {
    const told = valueIn(text.replaceAll("\n", " "), /base URLs are (.+?)\. /);
    const versions = [...told.matchAll(/`…(\/\w+)`/g)].map(([, version]) => version);
    const [compatible, openai, anthropic, google] = versions.map((one) => gateway.url + one);
    const bearer = { authorization: `Bearer ${gateway.key}` };
    const body = { model, messages: hi };
    const contents = [{ parts: [{ text: "Hi" }] }];
    expect([
      await post(`${compatible}/chat/completions`, bearer, body),
      await post(`${openai}/responses`, bearer, { model, input: "Hi" }),
      await post(`${anthropic}/messages`, bearer, { ...body, max_tokens: 20 }),
      await post(`${google}/models/${model}:generateContent`, bearer, { contents }),
    ]).toEqual([200, 200, 200, 200]);
  });

  test("every client that it names is tried here or by its own package", () => {
    const rows = text.split("\n").filter((line) => /^\| (?!Client|-)/.test(line));
    expect(rows.map((row) => row.split("|")[1]?.trim())).toEqual([
      ...["`openai` packages, `curl`", "LangChain", "Continue", "Open WebUI", "Vercel AI SDK"],
      ...["Codex", "`@anthropic-ai/sdk`", "Claude Code", "`@google/genai`"],
    ]);
  });
});
