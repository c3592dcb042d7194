import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "#src/lib/json.ts";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * What programs sent that were run against this gateway: a turn that calls a tool, and the turn with its result.
 * Paths, headers, members, values and the names of tools are theirs; prose and ids are ours, and of their tools there
 * are fewer. `version` of each fixture is the version that was run.
 */

interface Recorded {
  version: string;
  requests: {
    path: string;
    headers: Record<string, string>;
    body: Record<string, unknown> & { model?: string };
  }[];
}

const folder = join(import.meta.dir, "../fixtures/clients");
const programs = readdirSync(folder).map((file) => file.replace(".json", ""));
const recorded = async (program: string): Promise<Recorded> =>
  Bun.file(join(folder, `${program}.json`)).json();

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const models = ["openai/gpt-5.5-pro", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];
/** Tools that no other provider has, which a client offers only where it knows the model. */
const ownModels = ["openai/gpt-5.5-pro"];
const cases = programs.flatMap((program) =>
  (program === "codex-own-models" ? ownModels : models).map((model) => ({ program, model })),
);

test("there are programs of every dialect", () => {
  expect(programs.toSorted()).toEqual([
    ...["claude-code", "cline", "codex", "codex-own-models", "continue-cli"],
    ...["gemini-cli", "opencode", "qwen-code"],
  ]);
});

test.each(cases)("$program with $model: a call, then an answer to its result", async (one) => {
  const { requests } = await recorded(one.program);
  expect(requests).toHaveLength(2);
  const answers: unknown[][] = [];
  for (const { path, headers, body } of requests) {
    const reply = await gateway.ask(path.replace(/models\/[^:]+:/, `models/${one.model}:`), {
      headers,
      body: body.model === undefined ? body : { ...body, model: one.model },
    });
    expect([reply.status, reply.status === 200 ? "" : reply.text]).toEqual([200, ""]);
    expect(reply.headers.get("content-type")).toStartWith("text/event-stream");
    answers.push(dataOf(reply.text));
  }
  const [calling = [], answering = []] = answers;
  const [call] = callsIn(calling);
  expect(toolsOf(requests[0]?.body)).toContain(call?.name ?? "no call");
  expect(isObject(JSON.parse(call?.words ?? ""))).toBe(true);
  expect(callsIn(answering)).toEqual([]);
  expect(textIn(answering)).toContain("The tools answered:");
});

describe("what a client writes for the newest model of Anthropic", () => {
  test("goes to an older one as that takes it", async () => {
    const { requests } = await recorded("claude-code");
    const [, second] = requests;
    // The program knew the name for none of its own, and sends what it sends to the newest.
    expect(second?.body).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
      messages: [{}, { role: "system" }, {}, {}],
    });
    for (const { path, headers, body } of requests) {
      await gateway.ask(path, { headers, body });
      const sent: unknown = JSON.parse(
        new TextDecoder().decode(gateway.places.all.anthropic.stats.lastBody),
      );
      expect(listAt(sent, "messages").map((message) => at(message, "role"))).not.toContain(
        "system",
      );
      expect(JSON.stringify(at(sent, "messages"))).toContain("<system>");
      expect(at(sent, "output_config")).toBeUndefined();
      expect(at(sent, "thinking")).toEqual({ type: "enabled", budget_tokens: 25_600 });
    }
  });

  test("goes to the newest as it came", async () => {
    const { requests } = await recorded("claude-code");
    for (const { path, headers, body } of requests) {
      await gateway.ask(path, { headers, body: { ...body, model: "claude-opus-4-8" } });
      const sent = new TextDecoder().decode(gateway.places.all.anthropic.stats.lastBody);
      expect(JSON.parse(sent)).toEqual({ ...body, model: "claude-opus-4-8" });
    }
  });
});

describe("Codex's tools in namespaces", () => {
  test.each(models.slice(1))("are called and answered by their own names: %s", async (model) => {
    const { requests } = await recorded("codex");
    const [{ path, headers, body } = { path: "", headers: {}, body: {} }] = requests;
    // A simulated model calls the first that it is offered.
    const { namespace = [], others = [] } = Object.groupBy(listAt(body, "tools"), (tool) =>
      at(tool, "type") === "namespace" ? "namespace" : "others",
    );
    const ask = { ...body, model, tools: [...namespace, ...others] };
    const reply = await gateway.ask(path, { headers, body: ask });
    expect(reply.headers.get("x-lowrouter-dropped")).toBe("tools[3]");
    const events = dataOf(reply.text);
    const told = events.filter((event) => at(event, "item.type") === "function_call");
    expect(told.map((event) => [at(event, "item.namespace"), at(event, "item.name")])).toEqual([
      ["multi_agent_v1", "close_agent"],
      ["multi_agent_v1", "close_agent"],
    ]);
    const call = at(told.at(-1), "item");
    expect(listAt(events.at(-1), "response.output")).toContainEqual(call);
    const output = { type: "function_call_output", call_id: at(call, "call_id"), output: "closed" };
    const input = [...listAt(body, "input"), call, output];
    const after = await gateway.ask(path, { headers, body: { ...ask, input } });
    expect(textIn(dataOf(after.text))).toContain("closed");
    const place = model.startsWith("anthropic") ? "anthropic" : "google";
    const sent = new TextDecoder().decode(gateway.places.all[place].stats.lastBody);
    expect(sent.match(/"name":"multi_agent_v1__close_agent"/g)?.length).toBeGreaterThan(1);
  });
});

/** The JSON of every event, whatever the names of the events. */
function dataOf(text: string): unknown[] {
  return text
    .split(/\r?\n/)
    .flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []));
}

/** Calls of a stream with their arguments, in the words of any dialect. */
function callsIn(events: readonly unknown[]): { name: string; words: string }[] {
  const calls: { name: string; words: string }[] = [];
  const more = (words: unknown) => {
    const last = calls.at(-1);
    if (last && typeof words === "string") last.words += words;
  };
  for (const event of events) {
    for (const piece of listAt(event, "choices.0.delta.tool_calls")) {
      const name = at(piece, "function.name");
      if (typeof name === "string" && name !== "") calls.push({ name, words: "" });
      more(at(piece, "function.arguments"));
    }
    if (at(event, "content_block.type") === "tool_use")
      calls.push({ name: String(at(event, "content_block.name")), words: "" });
    more(at(event, "delta.partial_json"));
    const item = at(event, "type") === "response.output_item.done" ? at(event, "item") : undefined;
    if (at(item, "type") === "function_call")
      calls.push({ name: String(at(item, "name")), words: String(at(item, "arguments")) });
    for (const part of listAt(event, "candidates.0.content.parts")) {
      const called = at(part, "functionCall");
      if (called !== undefined)
        calls.push({ name: String(at(called, "name")), words: JSON.stringify(at(called, "args")) });
    }
  }
  return calls;
}

/** The text of a stream, in the words of any dialect. */
function textIn(events: readonly unknown[]): string {
  const said = events.map((event) => {
    const delta = at(event, "type") === "response.output_text.delta" ? at(event, "delta") : "";
    const parts = listAt(event, "candidates.0.content.parts").filter(
      (part) => at(part, "thought") !== true,
    );
    return [
      at(event, "choices.0.delta.content") ?? "",
      at(event, "delta.text") ?? "",
      delta,
      ...parts.map((part) => at(part, "text") ?? ""),
    ].join("");
  });
  return said.join("");
}

/** Names of the functions that a request offers. */
function toolsOf(body: unknown): unknown[] {
  return listAt(body, "tools").flatMap((tool) => [
    at(tool, "name") ?? at(tool, "function.name"),
    ...listAt(tool, "functionDeclarations").map((one) => at(one, "name")),
  ]);
}
