import type { Answer, Question } from "#src/demo/answer.ts";
import { chatQuestion, textOf } from "#src/demo/openai-question.ts";
import { refuse, type Refusal, type Render } from "#src/demo/wire.ts";
import { fragmentsOf, piecesOf } from "#src/demo/words.ts";
import type { Ids } from "#src/lib/id.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What this simulation encrypts its reasoning to; another one is refused when it comes back. */
const encrypted = "c2ltdWxhdGVkLXJlYXNvbmluZw";

/** The question in a Responses request, or why the real endpoint would refuse it. */
export function responsesQuestion(body: JsonObject): Question | { refusal: Refusal } {
  if (body.previous_response_id !== undefined && body.previous_response_id !== null)
    return refuse(
      "Previous response with id not found",
      "previous_response_id",
      "previous_response_not_found",
    );
  const { input } = body;
  const said: Json =
    typeof input === "string" ? [{ role: "user", content: input }] : (input ?? null);
  if (!Array.isArray(said))
    return refuse("Missing required parameter: 'input'", "input", "missing_required_parameter");
  const items: JsonObject[] = said.filter(isObject);
  const foreign = items.findIndex(
    (item) =>
      stringOf(item.encrypted_content) !== undefined && item.encrypted_content !== encrypted,
  );
  if (foreign >= 0)
    return refuse(
      "The encrypted content could not be verified",
      `input[${foreign}]`,
      "invalid_encrypted_content",
    );
  const reasoning = isObject(body.reasoning) ? body.reasoning : {};
  const text = isObject(body.text) && isObject(body.text.format) ? body.text.format : undefined;
  const instructions = stringOf(body.instructions);
  return chatQuestion({
    messages: [
      ...(instructions === undefined ? [] : [{ role: "system", content: instructions }]),
      ...messagesOf(items),
    ],
    tools: toolsOf(body.tools),
    tool_choice: choiceOf(body.tool_choice),
    parallel_tool_calls: body.parallel_tool_calls,
    max_completion_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    reasoning_effort: reasoning.effort,
    ...(text === undefined ? {} : { response_format: formatOf(text) }),
  });
}

/** Calls that follow each other belong to one message. */
function messagesOf(items: JsonObject[]): JsonObject[] {
  const messages: JsonObject[] = [];
  let calls: Json[] = [];
  for (const item of items) {
    if (item.type === "function_call") {
      if (calls.length === 0) {
        calls = [];
        messages.push({ role: "assistant", content: null, tool_calls: calls });
      }
      const { call_id: id, name, arguments: words } = item;
      calls.push({ id, type: "function", function: { name, arguments: words } });
      continue;
    }
    calls = [];
    if (item.type === "function_call_output")
      messages.push({
        role: "tool",
        tool_call_id: item.call_id,
        content: textOf(item.output),
      });
    else if (item.type !== "reasoning")
      messages.push({ role: item.role, content: contentOf(item) });
  }
  return messages;
}

/** Pictures and files as parts without text, so that they are counted. */
function contentOf({ content }: JsonObject): Json {
  if (!Array.isArray(content)) return content ?? "";
  return content.filter(isObject).map((part) => {
    const text = stringOf(part.text) ?? stringOf(part.refusal);
    if (text !== undefined) return { type: "text", text };
    return { type: "image_url", image_url: { url: part.image_url ?? "data:image/png;base64," } };
  });
}

function toolsOf(tools: Json | undefined): Json | undefined {
  if (!Array.isArray(tools)) return undefined;
  return tools.filter(isObject).map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, description, parameters },
  }));
}

function choiceOf(choice: Json | undefined): Json | undefined {
  if (!isObject(choice) || typeof choice.name !== "string") return choice;
  return { type: "function", function: { name: choice.name } };
}

function formatOf({ type, ...schema }: JsonObject): JsonObject {
  return type === "json_schema" ? { type, json_schema: schema } : { type };
}

/** Writes an answer as a response. */
export function responsesRender(
  { id, model, created, body }: { id: string; model: string; created: number; body: JsonObject },
  ids: Ids,
): Render {
  const include = Array.isArray(body.include) ? body.include : [];
  const isSealed = include.includes("reasoning.encrypted_content");

  function outputOf(answer: Answer): JsonObject[] {
    const reasoning = {
      type: "reasoning",
      id: ids.next("rs"),
      summary: [{ type: "summary_text", text: answer.thinking ?? "" }],
      ...(isSealed ? { encrypted_content: encrypted } : {}),
    };
    const part = { type: "output_text", text: answer.text, annotations: [], logprobs: [] };
    const message = {
      type: "message",
      id: ids.next("msg"),
      status: "completed",
      role: "assistant",
      content: [part],
    };
    const calls = answer.calls.map((call) => ({
      type: "function_call",
      id: ids.next("fc"),
      call_id: ids.next("call"),
      name: call.name,
      arguments: JSON.stringify(call.arguments),
      status: "completed",
    }));
    return [
      ...(answer.thinking === undefined ? [] : [reasoning]),
      ...(calls.length > 0 ? calls : [message]),
    ];
  }

  function response(answer: Answer, output: JsonObject[], usage: boolean): JsonObject {
    const isCut = answer.ending === "length";
    return {
      id,
      object: "response",
      created_at: created,
      status: isCut ? "incomplete" : "completed",
      error: null,
      incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
      model,
      output,
      ...(usage ? usageOf(answer) : {}),
    };
  }

  return {
    whole: (answer, usage) => JSON.stringify(response(answer, outputOf(answer), usage)),
    events(answer, usage) {
      let sequence = 0;
      const event = (type: string, members: JsonObject): string => {
        const data = { type, sequence_number: sequence++, ...members };
        return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
      };
      const begun = { ...response(answer, [], false), status: "in_progress" };
      const output = outputOf(answer);
      const body = [
        event("response.created", { response: begun }),
        event("response.in_progress", { response: begun }),
        ...output.flatMap((item, at) => itemEvents(item, at, event)),
      ];
      const last = response(answer, output, usage);
      return { body, terminal: [event(`response.${stringOf(last.status)}`, { response: last })] };
    },
    errorEvent: `event: error\ndata: ${JSON.stringify({ type: "error", code: "server_error", message: "This failure is simulated", param: null })}\n\n`,
  };
}

type Write = (type: string, members: JsonObject) => string;

function itemEvents(item: JsonObject, at: number, event: Write): string[] {
  const place = { item_id: item.id, output_index: at };
  if (item.type === "function_call") {
    const words = stringOf(item.arguments) ?? "";
    return [
      event("response.output_item.added", { output_index: at, item: { ...item, arguments: "" } }),
      ...fragmentsOf(words).map((delta) =>
        event("response.function_call_arguments.delta", { ...place, delta }),
      ),
      event("response.function_call_arguments.done", { ...place, arguments: words }),
      event("response.output_item.done", { output_index: at, item }),
    ];
  }
  const isMessage = item.type === "message";
  const parts = isMessage ? item.content : item.summary;
  const [part] = Array.isArray(parts) ? parts.filter(isObject) : [];
  const text = stringOf(part?.text) ?? "";
  const word = isMessage ? "response.output_text" : "response.reasoning_summary_text";
  const piece = isMessage ? "response.content_part" : "response.reasoning_summary_part";
  const index = isMessage ? { content_index: 0 } : { summary_index: 0 };
  const empty = isMessage ? { ...item, content: [] } : { ...item, summary: [] };
  return [
    event("response.output_item.added", { output_index: at, item: empty }),
    event(`${piece}.added`, { ...place, ...index, part: { ...part, text: "" } }),
    ...piecesOf(text).map((delta) => event(`${word}.delta`, { ...place, ...index, delta })),
    event(`${word}.done`, { ...place, ...index, text }),
    event(`${piece}.done`, { ...place, ...index, part: part ?? {} }),
    event("response.output_item.done", { output_index: at, item }),
  ];
}

function usageOf({ tokens }: Answer): JsonObject {
  const output = tokens.visible + tokens.thinking;
  return {
    usage: {
      input_tokens: tokens.prompt,
      input_tokens_details: { cached_tokens: tokens.cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: tokens.thinking },
      total_tokens: tokens.prompt + output,
    },
  };
}
