import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { responsesClient, responsesSplice } from "#src/dialect/responses/openai-responses.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { block, headOf, peeked, relayed, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { byteByByte, cut, fixture, targetOf } from "#test/dialect/upstream-kit.ts";

const load = (name: string) => fixture(`openai-responses/${name}`);
const relay = () => responsesSplice.relayStream(headOf({ completionId: "resp_ours" }));
const exact = '"big":98765432109876543210,"float":1.0,"huge":1e400,"words":"\\u00e9\\/ü"';

describe("retarget()", () => {
  const retargeted = (body: string, changes: Parameters<typeof targetOf>[0] = {}) => {
    const ask = peeked(responsesClient, body);
    const request = responsesSplice.retarget(encode(body), ask, targetOf(changes));
    expect([request.path, request.dropped]).toEqual(["/responses", []]);
    return decode(request.body);
  };

  test("changes the model, removes what steers the gateway, and leaves all other bytes", () => {
    const state = '"store": true,"previous_response_id":"resp_0","background":false';
    expect(
      retargeted(
        `{"route":{"region":"eu-west"}, "input" : "Grüße",${state}, "model":"m","models":["a"],"temperature":1,${exact},"provider":{"zdr":false},"stream":true}`,
      ),
    ).toBe(
      `{"input" : "Grüße",${state}, "model":"model-x","temperature":1,${exact},"stream":true}`,
    );
  });

  test("adds the model where it was left to the gateway, and an endpoint's own members", () => {
    const overrides = { service_tier: "flex", metadata: { region: "eu" } };
    expect(retargeted('{"input":"x","metadata":{"a":1.0}}', { overrides })).toBe(
      '{"input":"x","metadata":{"a":1.0,"region":"eu"},"model":"model-x","service_tier":"flex"}',
    );
  });

  test("takes out the reasoning that this gateway wrote for another wire, and none else", () => {
    const answer = responsesClient.writeReply(
      {
        choices: [
          {
            index: 0,
            finish: "stop",
            parts: [
              { type: "reasoning", text: "Hm" },
              { type: "text", text: "rs_lr_ is only a word here" },
            ],
          },
        ],
      },
      summaryOf(),
    );
    const [own, message] = JSON.parse(decode(answer)).output;
    const theirs = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" };
    const input = [own, theirs, message, own, { role: "user", content: "x" }];
    const sent = retargeted(JSON.stringify({ model: "m", input, ...JSON.parse(`{${exact}}`) }));
    expect(JSON.parse(sent).input).toEqual([theirs, message, { role: "user", content: "x" }]);
  });
});

describe("a whole answer", () => {
  test("gets model, cost and block, keeps its id and every other byte", async () => {
    const body = decode(await load("reply.json")).replace('"model"', `${exact},\n  "model"`);
    const reply = responsesSplice.meterReply(encode(body));
    expect(reply.id).toBe("resp_up1");
    expect(reply.usage).toMatchObject({
      input: { fresh: 8, cacheRead: 4 },
      output: { visible: 6, reasoning: 3 },
    });
    const text = decode(reply.attach(summaryOf({ usage: reply.usage })));
    expect(text).toContain(exact);
    const beforeUsage = body
      .slice(0, body.indexOf('"usage"'))
      .replace("gpt-x-2026-01-01", "openai/gpt-x");
    expect(text.slice(0, beforeUsage.length)).toBe(beforeUsage);
    expect(JSON.parse(text)).toMatchObject({
      id: "resp_up1",
      model: "openai/gpt-x",
      lowrouter: block,
      usage: {
        input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
        total_tokens: 21,
        cost: 0.000132,
        is_byok: false,
      },
    });
  });

  test("without usage gets our estimate", () => {
    const reply = responsesSplice.meterReply(encode('{"id":"r","output":[],"usage":null}'));
    const usage = { ...summaryOf().usage, estimated: true as const };
    const { input, output } = usage;
    if (input === undefined || output === undefined) throw new Error("the kit has a usage");
    const told = summaryOf({ usage: { input, output, raw: null, estimated: true } });
    expect(JSON.parse(decode(reply.attach(told)))).toMatchObject({
      usage: { input_tokens: 12, output_tokens: 9, cost: 0.000132 },
    });
  });

  test.each([
    "{}",
    "x",
    '{"error":{"code":"server_error"},"output":[]}',
    '{"status":"failed","output":[]}',
  ])("that is none is refused: %s", (body) => {
    expect(() => responsesSplice.meterReply(encode(body))).toThrow("The provider");
  });

  test("that waits in the background is passed on", () => {
    const reply = responsesSplice.meterReply(encode('{"id":"r","status":"queued","output":[]}'));
    expect([reply.id, reply.usage]).toEqual(["r", undefined]);
  });
});

describe("a stream", () => {
  const names = ["text", "tools", "refusal", "failed", "error", "cut"];
  test.each(names)("%s is relayed the same whole, byte by byte and cut anywhere", async (name) => {
    const bytes = await load(`stream-${name}.sse`);
    const whole = relay();
    const expected = relayed(whole, [bytes]);
    const single = relay();
    expect(relayed(single, byteByByte(bytes))).toEqual(expected);
    const facts = (one: typeof whole) => [one.id, one.usage, one.ended, one.outputBytes];
    expect(facts(single)).toEqual(facts(whole));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (places) => {
        expect(relayed(relay(), cut(bytes, places))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
    const text = decode(bytes);
    for (const other of [
      text.replaceAll("\n", "\r\n"),
      text.replace(/\n+$/, ""),
      `${text}data: [DONE]\n\n`,
    ])
      expect(relayed(relay(), byteByByte(encode(other)))).toEqual(expected);
  });

  test("changes in its model alone; its last event is held back", async () => {
    const bytes = await load("stream-text.sse");
    const flow = relay();
    const { text } = relayed(flow, [bytes]);
    const theirs = decode(bytes).split("\n\n").slice(1, -2);
    expect(text).toBe(
      theirs
        .map((event) => `${event}\n\n`)
        .join("")
        .replaceAll("gpt-x-2026-01-01", "openai/gpt-x"),
    );
    expect(text).toContain("98765432109876543210");
    expect([flow.id, flow.ended]).toEqual(["resp_up1", true]);
    expect(flow.outputBytes).toBeGreaterThan(40);
  });

  test("ends in the upstream's own last event, with cost and block", async () => {
    const bytes = await load("stream-text.sse");
    const flow = relay();
    relayed(flow, [bytes]);
    const end = flow.end(summaryOf({ usage: flow.usage }));
    const theirs = decode(bytes).split("\n\n").at(-2) ?? "";
    const beforeUsage = theirs
      .slice(0, theirs.lastIndexOf('"usage"'))
      .replace("gpt-x-2026-01-01", "openai/gpt-x");
    expect(end.slice(0, beforeUsage.length)).toBe(beforeUsage);
    expect(end).toEndWith("}\n\n");
    expect(JSON.parse(end.split("data: ")[1] ?? "")).toMatchObject({
      type: "response.completed",
      response: {
        id: "resp_up1",
        model: "openai/gpt-x",
        lowrouter: block,
        usage: { cost: 0.000132 },
      },
    });
  });

  test("that broke ends in a failed response, numbered on, without figures", async () => {
    const flow = relay();
    relayed(flow, [await load("stream-cut.sse")]);
    expect(flow.ended).toBe(false);
    const text = flow.fail(new AppError("upstream_error", "upstream request failed"), summaryOf());
    const { eco: _eco, ...rest } = block;
    expect(text).toStartWith("event: response.failed\n");
    const event = JSON.parse(text.split("data: ")[1] ?? "");
    expect(event).toMatchObject({
      type: "response.failed",
      sequence_number: 4,
      response: {
        id: "resp_up1",
        status: "failed",
        model: "openai/gpt-x",
        error: { code: "upstream_error", message: "upstream request failed" },
      },
    });
    expect(event.response.lowrouter).toEqual(rest);
  });

  test("that fails delivers what came before, and throws the code alone", async () => {
    const flow = relay();
    const { text, failure } = relayed(flow, [await load("stream-failed.sse")]);
    expect(text).toContain('"delta":"Hel"');
    expect(failure).toBe('UpstreamStreamError: The provider ended its answer with "server_error"');
    expect(flow.usage).toMatchObject({ input: { fresh: 8 } });
  });

  test("has nothing after its last event", async () => {
    const bytes = decode(await load("stream-tools.sse"));
    const expected = relayed(relay(), [encode(bytes)]);
    const late = 'data: {"type":"response.output_text.delta","delta":"late"}\n\n';
    expect(relayed(relay(), [encode(bytes + late)])).toEqual(expected);
  });

  test("events without names and of several lines stay what they are", () => {
    const flow = relay();
    const text = 'data: {"type":"response.output_text.delta",\ndata: "delta":"é"}\n\n';
    expect(relayed(flow, [encode(text)]).text).toBe(text);
    expect(flow.outputBytes).toBe(2);
  });

  test("an event nested too deep breaks it while that can still be told", () => {
    const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
    for (const type of ["response.created", "response.completed"]) {
      const text = `data: {"type":"${type}","response":{"id":"r","output":${deep}}}\n\n`;
      expect(relayed(relay(), [encode(text)]).failure).toContain("nested too deep");
    }
  });
});
