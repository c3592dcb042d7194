import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Target } from "#src/dialect/dialect.ts";
import { geminiClient, geminiSplice } from "#src/dialect/gemini/gemini-client.ts";
import { ArrayFraming } from "#src/dialect/gemini/gemini-client-array.ts";
import { peekCount } from "#src/dialect/gemini/gemini-client-peek.ts";
import { retargetCount } from "#src/dialect/gemini/gemini-client-splice.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { eventsIn, urlOf } from "#test/dialect/gemini/gemini-client-kit.ts";
import { block, headOf, relayed, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { byteByByte, cut, fixture, targetOf } from "#test/dialect/upstream-kit.ts";

const target = (changes: Partial<Target> = {}) => targetOf({ model: "gemini-x", ...changes });
const exact =
  '"big":98765432109876543210,"float":1.0,"huge":1e400,"text":"\\u00e9\\/","a":{"a":-0}';
const contents = `"contents":[{"role":"user","parts":[{"text":"Grüße 🌦",${exact}}]}]`;

function retargeted(body: string, changes: Partial<Target> = {}, url = urlOf()) {
  const bytes = encode(body);
  const request = geminiSplice.retarget(bytes, geminiClient.peek(bytes, url), target(changes));
  return { ...request, body: decode(request.body) };
}

test("a request keeps its bytes but for what steers the gateway", () => {
  const body = `{ "model":"x","user":"u",${contents} , "route":{"region":"eu-west"},"tomorrow" : {${exact}},"provider":{"zdr":false},"models":["a"]}`;
  expect(retargeted(body)).toEqual({
    path: "/models/gemini-x:generateContent",
    body: `{${contents},"tomorrow" : {${exact}}}`,
    dropped: [],
  });
});

test.each([
  ["generateContent", "", "generateContent"],
  ["streamGenerateContent", "", "streamGenerateContent?alt=sse"],
  ["streamGenerateContent", "?alt=sse", "streamGenerateContent?alt=sse"],
])("%s%s asks the upstream to %s", (verb, query, action) => {
  const { path } = retargeted(`{${contents}}`, { model: "a b/c" }, urlOf("m", verb, query));
  expect(path).toBe(`/models/a%20b/c:${action}`);
});

test("what a target always takes is merged into what was said, under the client's own name", () => {
  const overrides = { generationConfig: { mediaResolution: "X", thinkingConfig: { a: 1 } }, b: 2 };
  const said = `"generation_config":{"thinkingConfig":{"big":98765432109876543210},"temperature":1}`;
  expect(retargeted(`{${contents},${said}}`, { overrides }).body).toBe(
    `{${contents},"generation_config":{"thinkingConfig":{"big":98765432109876543210,"a":1},"temperature":1,"mediaResolution":"X"},"b":2}`,
  );
  expect(retargeted(`{${contents}}`, { overrides }).body).toBe(
    `{${contents},"generationConfig":{"mediaResolution":"X","thinkingConfig":{"a":1}},"b":2}`,
  );
});

test("sampling is left out where the model refuses it, and named", () => {
  const body = `{${contents},"generationConfig":{"temperature":1,"top_p":0.5,"seed":1}}`;
  expect(retargeted(body, { samplingParams: false })).toMatchObject({
    body: `{${contents},"generationConfig":{"seed":1}}`,
    dropped: ["temperature", "top_p"],
  });
});

test("calls of another model are marked where signatures are checked, and only there", () => {
  const body = (sign: (own: string) => string) => {
    const own = (name: string, more = "") => `{"functionCall":{"name":"${name}"}${more}}`;
    const signedPart = own("s", ',"thought_signature":"c2ln"');
    return `{"contents":[{"role":"user","parts":[{"text":"ü"}]},{"role":"model","parts":[{"text":"a"},${sign(own("f"))},${own("g")}]},{"role":"model","parts":[${signedPart}]},{ "parts" : ${sign(own("h"))} ,"role":"model"}]}`;
  };
  const plain = body((own) => own);
  const marked = body((own) =>
    own.replace(/}$/, ',"thoughtSignature":"skip_thought_signature_validator"}'),
  );
  expect(retargeted(plain).body).toBe(plain);
  expect(retargeted(plain, { reasoning: { budget: {} } }).body).toBe(plain);
  expect(retargeted(plain, { reasoning: { efforts: ["low"] } }).body).toBe(marked);
});

test("a count keeps its bytes and names the upstream's model inside", () => {
  const inner = `{"model":"models/mine",${contents}}`;
  for (const [body, expected] of [
    [`{${contents},"route":{}}`, `{${contents}}`],
    [
      `{"generateContentRequest":${inner}}`,
      `{"generateContentRequest":{"model":"models/gemini-x",${contents}}}`,
    ],
  ]) {
    const bytes = encode(body ?? "");
    const ask = peekCount(bytes, urlOf("mine", "countTokens"));
    const request = retargetCount(bytes, ask, target());
    expect(request.path).toBe("/models/gemini-x:countTokens");
    expect(decode(request.body)).toBe(expected ?? "");
  }
});

const replyText = `{${exact},"candidates":[{"content":{"parts":[{"text":"Grüße",${exact}}]},"finishReason":"STOP"}],"modelVersion":"x","responseId":"r1","usageMetadata":{"promptTokenCount":20,"cachedContentTokenCount":4,"candidatesTokenCount":12,"thoughtsTokenCount":9,"totalTokenCount":41,"odd":1.0}}`;

test("an answer keeps its bytes but for its names and the block", () => {
  const reply = geminiSplice.meterReply(encode(replyText));
  expect(reply.id).toBe("r1");
  expect(reply.usage).toMatchObject({
    input: { fresh: 16, cacheRead: 4 },
    output: { visible: 12, reasoning: 9 },
  });
  const summary = summaryOf({ usage: reply.usage });
  expect(decode(reply.attach(summary))).toBe(
    replyText
      .replace('"modelVersion":"x"', '"modelVersion":"openai/gpt-x"')
      .replace('"responseId":"r1"', '"responseId":"chatcmpl-up1"')
      .replace(/}$/, `,"lowrouter":${JSON.stringify(block)}}`),
  );
});

test("an estimate is told where the upstream told no usage", () => {
  const reply = geminiSplice.meterReply(encode('{"candidates":[{"finishReason":"STOP"}]}'));
  expect(reply.usage).toBeUndefined();
  const usage = {
    input: { fresh: 3, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 4, reasoning: 0 },
    raw: null,
    estimated: true as const,
  };
  expect(JSON.parse(decode(reply.attach(summaryOf({ usage }))))).toMatchObject({
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 },
    responseId: "chatcmpl-up1",
  });
});

test("a blocked prompt is an answer", async () => {
  const reply = geminiSplice.meterReply(await fixture("gemini/blocked.json"));
  expect([reply.id, reply.usage?.input.fresh]).toEqual(["r2", 9]);
});

test.each([
  "<b>secret",
  '"secret"',
  "[]",
  "{}",
  '{"candidates":[]}',
  '{"error":{"message":"secret","status":"UNAVAILABLE"}}',
  '[{"error":{"message":"secret","status":"UNAVAILABLE"}}]',
])("%s is no answer, and is not quoted", (body) => {
  const thrown = () => geminiSplice.meterReply(encode(body));
  expect(thrown).toThrow(/^The provider/);
  expect(thrown).not.toThrow(/secret/);
  if (body.includes("UNAVAILABLE")) expect(thrown).toThrow(/UNAVAILABLE/);
});

const summary = summaryOf();

function through(chunks: Uint8Array[]) {
  const relay = geminiSplice.relayStream(headOf());
  const { text, failure } = relayed(relay, chunks);
  return { relay, text, failure, ended: relay.ended };
}

/** The stream of the fixture as a client gets it, with its end. */
async function expected(): Promise<string> {
  const text = decode(await fixture("gemini/client-stream-relayed.sse"));
  return text.replace('"lowrouter":{}', `"lowrouter":${JSON.stringify(block)}`);
}

test("a stream keeps its bytes but for names and the block in the last event", async () => {
  const { relay, text, failure } = through([await fixture("gemini/client-stream.sse")]);
  expect(failure).toBeUndefined();
  expect(relay).toMatchObject({
    ended: true,
    id: "r9",
    usage: { output: { visible: 13, reasoning: 9 } },
  });
  expect(relay.outputBytes).toBeGreaterThan(20);
  expect(text + relay.end(summary)).toBe(await expected());
});

test("one byte per chunk, or any split, gives the same stream", async () => {
  const bytes = await fixture("gemini/client-stream.sse");
  const whole = await expected();
  const single = through(byteByByte(bytes));
  expect(single.text + single.relay.end(summary)).toBe(whole);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (places) => {
      const { relay, text } = through(cut(bytes, places));
      expect(text + relay.end(summary)).toBe(whole);
    }),
  );
});

test("an event leaves at once, and only one after the ending is held back", async () => {
  const relay = geminiSplice.relayStream(headOf());
  const event = (text: string, finish = "") =>
    encode(`data: {"candidates":[{"content":{"parts":[{"text":"${text}"}]}${finish}}]}\r\n\r\n`);
  expect(decode(relay.push(event("a")))).toContain('"a"');
  expect(relay.ended).toBe(false);
  expect(decode(relay.push(event("b", ',"finishReason":"STOP"')))).toBe("");
  expect(relay.ended).toBe(true);
  expect(decode(relay.push(event("ç🌦")))).toContain('"b"');
  const end = relay.end(summary);
  expect(end).toContain('"ç🌦"');
  expect(end).toContain('"lowrouter"');
});

test("two candidates have to finish both, and a blocked prompt has none", async () => {
  const two = await fixture("gemini/stream-two.sse");
  expect(through([two]).ended).toBe(true);
  expect(through([two.subarray(0, two.length - 250)]).ended).toBe(false);
  const blocked = through([await fixture("gemini/stream-blocked.sse")]);
  expect(blocked).toMatchObject({ ended: true, text: "" });
  expect(eventsIn(blocked.relay.end(summary))).toMatchObject([
    { promptFeedback: { blockReason: "SAFETY" }, responseId: "chatcmpl-ours", lowrouter: block },
  ]);
});

test("a stream that was cut has not ended", async () => {
  const bytes = await fixture("gemini/stream-tools.sse");
  const text = decode(bytes);
  const cutOff = encode(text.slice(0, text.lastIndexOf("data:")));
  expect(through([cutOff])).toMatchObject({ ended: false, failure: undefined });
});

test("an error after text is thrown once the text is out, and quotes nothing", async () => {
  for (const chunks of [
    [await fixture("gemini/stream-error.sse")],
    byteByByte(await fixture("gemini/stream-error.sse")),
  ]) {
    const { text, failure, relay } = through(chunks);
    expect(text).toContain("Half an ans");
    expect(failure).toBe('UpstreamStreamError: The provider ended its answer with "UNAVAILABLE"');
    const error = new AppError("upstream_error", "upstream request failed");
    const [failed] = eventsIn(relay.fail(error, summary));
    expect(failed).toMatchObject({ error: { code: 502, status: "UNAVAILABLE" } });
    expect(failed?.lowrouter).not.toHaveProperty("eco");
  }
});

test("what was held back is not lost when the stream breaks after its ending", () => {
  const relay = geminiSplice.relayStream(headOf());
  relay.push(encode('data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n'));
  const error = new AppError("upstream_error", "upstream request failed");
  expect(eventsIn(relay.fail(error, summary))).toMatchObject([{ candidates: [{}] }, { error: {} }]);
});

test.each([
  "data: <b>secret\n\n",
  'data: "secret"\n\n',
  "data: [1]\n\n",
  '{"error":{"message":"secret"}}',
  '\n[{"error":{"message":"secret"}}]',
])("%j breaks a stream, and is not quoted", (body) => {
  const { failure, text } = through(byteByByte(encode(body)));
  expect(failure).toStartWith("UpstreamStreamError: The provider");
  expect(failure).not.toContain("secret");
  expect(text).toBe("");
});

test("the same stream as an array: one value from any split of its bytes", async () => {
  const { relay, text } = through([await fixture("gemini/client-stream.sse")]);
  const events = encode(text + relay.end(summary));
  const framed = (chunks: (Uint8Array | string)[]) => {
    const framing = new ArrayFraming();
    const pieces = chunks.map((chunk) => framing.push(chunk));
    return decode(Buffer.concat([...pieces, framing.finish()]));
  };
  const whole = framed([events]);
  expect(JSON.parse(whole)).toEqual(eventsIn(decode(events)));
  expect(whole).toContain("98765432109876543210");
  expect(framed(byteByByte(events))).toBe(whole);
  expect(framed([decode(events)])).toBe(whole);
});

test("an array without a value is an array, and a comment in its midst is a line end", () => {
  const framing = new ArrayFraming();
  const said = [": WAITING\n\n", 'data: {"a":1}\r\n\r\n', ": WAITING\n\n", 'data: {"a":2}\r\n\r\n'];
  const text = said.map((one) => decode(framing.push(one))).join("");
  expect(text + decode(framing.finish())).toBe('\n[{"a":1}\n,\n{"a":2}]');
  expect(decode(new ArrayFraming().finish())).toBe("[]");
});
