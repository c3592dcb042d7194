import { expect, test } from "bun:test";
import {
  openaiCompletionsClient,
  openaiCompletionsSplice,
} from "#src/dialect/openai/openai-completions.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { AppError } from "#src/lib/error.ts";
import { clientThatHears, head, summary } from "#test/dialect/openai/openai-official.ts";
import { refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";

const ask = { model: "openai/gpt-4o-mini", prompt: "Hi" };

test("the official client reads a whole text completion with usage and the block", async () => {
  const body = openaiCompletionsClient.writeReply(
    { choices: [{ index: 0, finish: "length", parts: [{ type: "text", text: "é🌦" }] }] },
    summary,
  );
  const answer = await clientThatHears(body, "application/json").completions.create(ask);
  expect(answer.object).toBe("text_completion");
  expect(answer.choices).toMatchObject([{ index: 0, text: "é🌦", finish_reason: "length" }]);
  expect(answer.usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 26, cost: 0.000132 });
  expect(answer).toMatchObject({ lowrouter: summary.block });
});

test("a reader who takes choices[0].text of every chunk comes through a written stream", async () => {
  const writer = openaiCompletionsClient.writeStream(head);
  const text =
    writer.steps([
      { type: "text", choice: 0, text: "é" },
      { type: "text", choice: 0, text: "🌦" },
      { type: "finish", choice: 0, finish: "stop" },
    ]) + writer.end(summary);
  const client = clientThatHears(text, "text/event-stream");
  const chunks = await Array.fromAsync(await client.completions.create({ ...ask, stream: true }));
  const words = chunks.map((chunk) => {
    const [first] = chunk.choices;
    if (first === undefined) throw new Error("an unguarded reader would break here");
    return first.text;
  });
  expect(words.join("")).toBe("é🌦");
  expect(chunks.map(({ object }) => String(object)).at(-1)).toBe("lowrouter.summary");
  expect(chunks.at(-1)).toMatchObject({ lowrouter: summary.block });
});

test("the official client throws on an honest ending of a text completion", async () => {
  const failure = new AppError("upstream_error", "upstream request failed");
  const text = openaiCompletionsClient.writeStream(head).fail(failure, summary);
  const client = clientThatHears(text, "text/event-stream");
  const stream = await client.completions.create({ ...ask, stream: true });
  await expect(Array.fromAsync(stream)).rejects.toThrow("upstream request failed");
  expect(text).not.toContain("energy_wh");
});

test("a relayed text completion keeps its bytes but for model and id, and is the same one byte at a time", () => {
  const chunk = (text: string, finish: string) =>
    `data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"up","choices":[{"text":${text},"index":0,"logprobs":null,"finish_reason":${finish}}],"x":12345678901234567890}\n\n`;
  const stream = chunk('"a"', "null") + chunk('"\\n🌦"', "null") + chunk('""', '"stop"');
  const bytes = encode(`${stream}data: [DONE]\n\n`);
  for (const size of [1, 7, bytes.length]) {
    const relay = openaiCompletionsSplice.relayStream(head);
    const out: Uint8Array[] = [];
    const keep = (part: Uint8Array | string) =>
      out.push(typeof part === "string" ? encode(part) : part);
    for (let at = 0; at < bytes.length; at += size) keep(relay.push(bytes.subarray(at, at + size)));
    keep(relay.finish());
    expect(decode(Buffer.concat(out))).toBe(
      stream
        .replaceAll('"model":"up"', '"model":"openai/gpt-4o-mini"')
        .replaceAll("cmpl-1", head.completionId),
    );
    expect(relay.ended).toBe(true);
  }
});

test("a retargeted text completion keeps its bytes but for the model, the routing and the wish for usage", () => {
  const body = encode(
    '{"route":{"region":"eu-west"}, "model" : "openai/x","prompt":["a","é\\n"],"x":12345678901234567890, "stream":true,"stream_options":{"y":1.0}}',
  );
  const ask = openaiCompletionsClient.peek(body, "http://gateway/v1/completions");
  const request = openaiCompletionsSplice.retarget(body, ask, targetOf({ model: "up" }));
  expect(decode(request.body)).toBe(
    '{"model" : "up","prompt":["a","é\\n"],"x":12345678901234567890, "stream":true,"stream_options":{"y":1.0,"include_usage":true}}',
  );
  expect(request.path).toBe("/completions");
});

test("a text completion without a prompt is refused, and the prompt is never quoted", () => {
  for (const [body, code, param] of [
    ["{}", "missing_field", "prompt"],
    ['{"prompt":{"secret":1}}', "invalid_value", "prompt"],
    ['{"prompt":[1,"secret"]}', "invalid_value", "prompt"],
    ['{"prompt":"secret","stream":1}', "invalid_value", "stream"],
    ['{"prompt":"secret","max_tokens":-1}', "invalid_value", "max_tokens"],
    ['{"prompt":"secret"', "invalid_json", undefined],
  ] as const) {
    const url = "http://gateway/v1/completions";
    const error = refusalOf(() => openaiCompletionsClient.peek(encode(body), url));
    expect([body, error.code, error.detail.param]).toEqual([body, code, param]);
    expect(error.message).not.toContain("secret");
  }
});
