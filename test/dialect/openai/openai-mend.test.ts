import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { clientThatHears, head, summary } from "#test/dialect/openai/openai-official.ts";
import { byteByByte } from "#test/dialect/upstream-kit.ts";

/** Raw text of a chunk with this delta. */
const chunk = (delta: string, finish = "null") =>
  `{"id":"up-1","object":"chat.completion.chunk","created":5,"model":"up","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}`;
const role = chunk('{"role":"assistant","content":null}');
const finish = (word = "tool_calls") => chunk("{}", `"${word}"`);
const calls = (...parts: string[]) => chunk(`{"tool_calls":[${parts.join(",")}]}`);

/** What a client gets for these chunks, an event each, without the frame. */
function relayed(chunks: readonly string[], cut = (bytes: Uint8Array) => [bytes]) {
  const stream = openaiChatSplice.relayStream(head);
  const out: Uint8Array[] = [];
  const keep = (part: Uint8Array | string) =>
    out.push(typeof part === "string" ? encode(part) : part);
  for (const part of cut(encode(chunks.map((data) => `data: ${data}\n\n`).join(""))))
    keep(stream.push(part));
  keep(stream.finish());
  const text = decode(Buffer.concat(out));
  const events = text.split("\n\n").slice(0, -1);
  return { stream, text, events: events.map((event) => event.slice("data: ".length)) };
}

/** A chunk as it comes out where nothing is wrong with it. */
const own = (data: string) =>
  data.replace('"id":"up-1"', `"id":"${head.completionId}"`).replace('"up"', `"${head.model}"`);

/** Both functions may be called, and the client reads their arguments as it goes. */
const tools = ["look", "clock"].map((name) => ({
  type: "function" as const,
  function: {
    name,
    strict: true,
    parameters: { type: "object", properties: {}, additionalProperties: false },
  },
}));

/** What the official client makes of the relayed chunks. */
async function heard(chunks: readonly string[]) {
  const { text, stream } = relayed(chunks);
  const client = clientThatHears(text + stream.end(summary), "text/event-stream");
  const flow = client.chat.completions.stream({
    model: "openai/gpt-4o-mini",
    messages: [{ role: "user", content: "Hi" }],
    tools,
  });
  const answer = await flow.finalChatCompletion();
  const message = answer.choices[0]?.message;
  return {
    text: message?.content,
    role: message?.role,
    calls: message?.tool_calls?.map((call) => {
      if (call.type !== "function") throw new Error("a call of no function");
      return [call.id, call.function.name, call.function.arguments];
    }),
    message,
  };
}

const look = '{"name":"look","arguments":"{\\"q\\":\\"ü\\"}"}';
const clock = '{"name":"clock","arguments":"{}"}';
const both = [
  ["x1", "look", '{"q":"ü"}'],
  ["x2", "clock", "{}"],
];
const made = expect.stringMatching(/^call_[0-9a-f]{24}$/);

describe("the official client reads a stream", () => {
  test.each<[string, string[]]>([
    [
      "whose calls have no index, in one chunk",
      [
        calls(
          `{"id":"x1","type":"function","function":${look}}`,
          `{"id":"x2","type":"function","function":${clock}}`,
        ),
      ],
    ],
    [
      "whose calls have no index, in a chunk each",
      [
        calls(`{"id":"x1","type":"function","function":${look}}`),
        calls(`{"id":"x2","type":"function","function":${clock}}`),
      ],
    ],
    [
      "whose indexes are strings",
      [
        calls(`{"index":"0","id":"x1","type":"function","function":${look}}`),
        calls(`{"index":"1","id":"x2","type":"function","function":${clock}}`),
      ],
    ],
    [
      "whose indexes are below zero",
      [
        calls(`{"index":-1,"id":"x1","type":"function","function":${look}}`),
        calls(`{"index":-1,"id":"x2","type":"function","function":${clock}}`),
      ],
    ],
    [
      "whose calls are all under index 0",
      [
        calls(
          '{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":"{\\"q\\""}}',
        ),
        calls('{"index":0,"function":{"arguments":":"}}'),
        calls('{"index":0,"function":{"arguments":"\\"ü\\"}"}}'),
        calls(
          '{"index":0,"id":"x2","type":"function","function":{"name":"clock","arguments":"{"}}',
        ),
        calls('{"index":0,"function":{"arguments":"}"}}'),
      ],
    ],
    [
      "whose calls have no type",
      [
        calls(
          `{"index":0,"id":"x1","function":${look}}`,
          `{"index":1,"id":"x2","type":null,"function":${clock}}`,
        ),
      ],
    ],
    [
      "whose arguments are objects, or missing",
      [
        calls(
          '{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":{"q":"ü"}}}',
          '{"index":1,"id":"x2","type":"function","function":{"name":"clock","arguments":null}}',
        ),
      ],
    ],
    [
      "whose arguments stay empty",
      [
        calls(`{"index":0,"id":"x1","type":"function","function":${look}}`),
        calls('{"index":1,"id":"x2","type":"function","function":{"name":"clock"}}'),
        calls('{"index":1,"function":{"arguments":""}}'),
      ],
    ],
    [
      "whose calls say an empty name and type again",
      [
        calls('{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":""}}'),
        calls('{"index":0,"id":"","type":null,"function":{"name":"","arguments":"{\\"q\\":"}}'),
        calls('{"index":0,"id":null,"type":"","function":{"name":null,"arguments":"\\"ü\\"}"}}'),
        calls(`{"index":1,"id":"x2","type":"function","function":${clock}}`),
      ],
    ],
  ])("%s", async (_, chunks) => {
    const answer = await heard([role, ...chunks, finish()]);
    expect(answer.calls).toEqual(both);
  });

  test("whose calls come whole with the finish", async () => {
    const begun = '{"index":0,"id":"x1","type":"function","function":{"name":"clock"}}';
    const { calls: read } = await heard([role, chunk(`{"tool_calls":[${begun}]}`, '"tool_calls"')]);
    expect(read).toEqual([["x1", "clock", "{}"]]);
    const { events } = relayed([role, chunk(`{"tool_calls":[${begun}]}`, '"tool_calls"')]);
    expect(events[1]).toContain('"function":{"name":"clock","arguments":"{}"}}]}');
  });

  test("whose words come after an empty one", async () => {
    const begun =
      '{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":""}}';
    const more = (words: string) => calls(`{"index":0,"function":{"arguments":"${words}"}}`);
    const chunks = [role, calls(begun), more(""), more("{"), more("}"), finish()];
    expect((await heard(chunks)).calls).toEqual([["x1", "look", "{}"]]);
  });

  test("whose calls have no id and say their name each time", async () => {
    const part = (name: string, words: string) =>
      calls(`{"index":0,"type":"function","function":{"name":"${name}","arguments":"${words}"}}`);
    const { calls: read } = await heard([
      role,
      ...[part("look", "{"), part("look", "}"), part("clock", "{"), part("clock", "}")],
      finish(),
    ]);
    expect(read).toEqual([
      [made, "look", "{}"],
      [made, "clock", "{}"],
    ]);
  });

  test("whose call says its id again, and an empty name", async () => {
    const part = (name: string, words: string) =>
      `{"index":0,"id":"x1","type":"function","function":{"name":"${name}","arguments":"${words}"}}`;
    const chunks = [role, calls(part("look", "{")), calls(part("", "}")), finish()];
    expect((await heard(chunks)).calls).toEqual([["x1", "look", "{}"]]);
  });

  test("whose calls have no id, one that is the same each time", async () => {
    const chunks = [
      role,
      calls(`{"index":0,"function":${look}}`),
      calls(`{"index":0,"function":${clock}}`),
      finish(),
    ];
    const first = await heard(chunks);
    expect(first.calls).toEqual([
      [made, "look", '{"q":"ü"}'],
      [made, "clock", "{}"],
    ]);
    expect(first.calls?.[0]?.[0]).not.toBe(first.calls?.[1]?.[0]);
    expect((await heard(chunks)).calls).toEqual(first.calls);
  });

  test("whose content is a list of parts, reasoning and refusal among them", async () => {
    const answer = await heard([
      chunk(
        '{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h\\u00fcm"}]},{"type":"text","text":"ü\\ud83d\\ude00"}]}',
      ),
      chunk('{"content":[{"type":"refusal","refusal":"No"},{"type":"text","text":"!"}]}'),
      finish("stop"),
    ]);
    expect(answer).toMatchObject({ text: "ü😀!", role: "assistant" });
    expect(answer.message).toMatchObject({ reasoning: "hüm", refusal: "No" });
  });

  test("whose reasoning is told beside the parts of its content", async () => {
    const parts = '[{"type":"thinking","thinking":[{"type":"text","text":"b"}]}]';
    const { message } = await heard([
      chunk(`{"role":"assistant","reasoning":"a","content":${parts}}`),
      finish("stop"),
    ]);
    expect(message).toMatchObject({ reasoning: "a", content: "" });
  });

  test("without a role", async () => {
    const answer = await heard([chunk('{"content":"Hi"}'), finish("stop")]);
    expect(answer).toMatchObject({ text: "Hi", role: "assistant" });
  });

  test("with chunks that have no choices", async () => {
    const chunks = ['{"id":"up-1","x":12345678901234567890}', '{"id":"up-1","choices":null}'];
    expect(relayed(chunks).events[0]).toContain('"x":12345678901234567890,"choices":[]');
    const answer = await heard([role, ...chunks, chunk('{"content":"Hi"}'), finish("stop")]);
    expect(answer.text).toBe("Hi");
  });

  test("without an index of its choices", async () => {
    const none = (data: string) => data.replace('"choices":[{"index":0,', '"choices":[{');
    const answer = await heard([role, chunk('{"content":"Hi"}'), finish("stop")].map(none));
    expect(answer.text).toBe("Hi");
  });
});

describe("a mended chunk", () => {
  test("keeps every byte that is not wrong", () => {
    const wrong = chunk(
      '{ "x":12345678901234567890, "tool_calls" : [ {"function":{"name":"look" ,"arguments":{"n": 12345678901234567890,"s":"\\u00e9ü\\n"},"y":1.0e-7},"z":[1 , 2]} ]}',
    );
    const { events } = relayed([role, wrong]);
    expect(events[1]).toBe(
      own(
        wrong
          .replace('{"n": 123', '"{\\"n\\": 123')
          .replace('"s":"\\u00e9ü\\n"}', '\\"s\\":\\"\\\\u00e9ü\\\\n\\"}"')
          .replace(/"z":\[1 , 2\]/, '$&,"index":0,"type":"function","id":"MADE"'),
      ).replace("MADE", /call_[0-9a-f]{24}/.exec(events[1] ?? "")?.[0] ?? "none"),
    );
  });

  test("counts as what the client gets of it", () => {
    const { stream } = relayed([chunk('{"content":[{"type":"text","text":"four"}]}')]);
    expect(stream.outputBytes).toBe(4);
  });

  test("comes out the same whole and byte by byte, over several lines too", () => {
    const lines = chunk('{"content":[{"type":"text",\ndata: "text":"ü"}]}');
    const chunks = [role, lines, calls(`{"function":${look}}`), finish()];
    expect(relayed(chunks, byteByByte).text).toBe(relayed(chunks).text);
    expect(relayed(chunks).events[1]).toContain('"content":"\\u00fc"');
  });

  test("that finishes says what is left after its own words", () => {
    const begun = (at: number) =>
      `{"index":${at},"id":"x${at}","type":"function","function":{"name":"look","arguments":""}}`;
    const words = '{"index":0,"function":{"arguments":"{}"}}';
    const last = chunk(`{"tool_calls":[ ${words} ]}`, '"tool_calls"');
    const { events } = relayed([role, calls(begun(0), begun(1)), last]);
    expect(events[2]).toContain(
      `"tool_calls":[ ${words},{"index":1,"function":{"arguments":"{}"}}]},`,
    );
  });

  test("is not taken for the pattern of the next one", () => {
    const begin = (name: string) => calls(`{"index":0,"function":{"name":"${name}"}}`);
    const more = calls('{"index":0,"function":{"arguments":"1"}}');
    const { events } = relayed([role, begin("look"), more, more, begin("clock"), more, more]);
    expect(events.map((event) => /"tool_calls":\[\{"index":(\d)/.exec(event)?.[1])).toEqual(
      [undefined, 0, 0, 0, 1, 1, 1].map((index) => index?.toString()),
    );
  });

  test("nests no deeper than any other", () => {
    const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
    const wrong = calls(`{"function":{"name":"look","arguments":{"a":${deep}}}}`);
    expect(() => relayed([role, wrong])).toThrow("nested too deep");
  });
});

test("a call without an index stands behind one of another kind", () => {
  const other = '{"index":0,"id":"x1","type":"custom","custom":{"name":"note","input":"a"}}';
  const { events } = relayed([
    role,
    calls(other),
    calls(`{"id":"x2","type":"function","function":${clock}}`),
  ]);
  expect(events[2]).toContain('"index":1');
});

test("a stream that clients can read keeps its bytes", () => {
  const chunks = [
    role,
    calls('{"index":3,"id":"x4","type":"function","function":{"arguments":""}}'),
    calls('{"index":3,"function":{"name":"look","arguments":"{}"}}'),
    calls('{"index":1,"id":"x2","type":"function","function":{"name":"clock","arguments":""}}'),
    calls('{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":""}}'),
    calls('{"index":0,"function":{"arguments":"{"}}', '{"index":1,"function":{"arguments":"{}"}}'),
    calls('{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":"}"}}'),
    calls('{"index":2,"id":"x3","type":"custom","custom":{"name":"note","input":"a"}}'),
    chunk('{"content":"","tool_calls":null}'),
    calls('{"index":5,"function":{"arguments":""}}'),
    finish(),
  ];
  expect(relayed(chunks).events).toEqual(chunks.map(own));
});

test("an empty finish is none: the official client hears what follows, and the stream has not ended", async () => {
  const begun = '{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":""}}';
  const more = '{"index":0,"function":{"arguments":"{}"}}';
  const parts = [begun, more].map((call) => chunk(`{"tool_calls":[${call}]}`, '""'));
  const chunks = [chunk('{"content":"Hi"}', '""'), ...parts];
  expect(relayed(chunks).stream.ended).toBe(false);
  const answer = await heard([...chunks, finish()]);
  expect(answer).toMatchObject({ text: "Hi", calls: [["x1", "look", "{}"]] });
});

test("what is left is said once, however often a choice finishes", () => {
  const begun = calls(
    '{"index":0,"id":"x1","type":"function","function":{"name":"look","arguments":""}}',
  );
  const { events } = relayed([role, begun, finish(), finish()]);
  expect(events[2]).toContain('"arguments":"{}"');
  expect(events[3]).toBe(own(finish()));
});

test("a call that a limit cut off is not made whole", () => {
  const begun = calls('{"index":0,"id":"x1","type":"function","function":{"name":"look"}}');
  const { events } = relayed([role, begun, finish("length")]);
  expect(events[1]).toContain('"arguments":""');
  expect(events[2]).toBe(own(finish("length")));
});

interface Said {
  name: "look" | "clock";
  words: string[];
}
const said = fc.array(
  fc.record<Said>({
    name: fc.constantFrom("look", "clock"),
    words: fc.array(fc.constantFrom('"é', "\\", '"', "{", "1", "😀"), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const style = fc.record({
  index: fc.constantFrom("own", "zero", "none"),
  id: fc.boolean(),
  type: fc.boolean(),
  again: fc.constantFrom("", '"name":"",', '"name":null,'),
});

test("calls in any broken manner come out under indexes of their own, whole, with ids and types", () => {
  fc.assert(
    fc.property(said, style, (list, { index, id, type, again }) => {
      // Without an id only another name tells a call from the one before it.
      const told = id ? list : list.filter(({ name }, at) => name !== list[at - 1]?.name);
      const chunks = told.flatMap(({ name, words }, at) => {
        const place = { own: `"index":${at},`, zero: '"index":0,', none: "" }[index];
        const ids = (id ? `"id":"x${at}",` : "") + (type ? '"type":"function",' : "");
        const begin = `{${place}${ids}"function":{"name":"${name}","arguments":""}}`;
        const parts = words.map(
          (word) => `{${place}"function":{${again}"arguments":${JSON.stringify(word)}}}`,
        );
        return [begin, ...parts].map((call) => calls(call));
      });
      const got: { id: unknown; type: unknown; name: unknown; words: string }[] = [];
      for (const event of relayed([role, ...chunks, finish()]).events) {
        for (const call of JSON.parse(event).choices[0].delta.tool_calls ?? []) {
          const known = (got[call.index] ??= { id: "", type: "", name: "", words: "" });
          known.id = call.id ?? known.id;
          known.type = call.type ?? known.type;
          known.name = call.function.name ?? known.name;
          known.words += call.function.arguments;
        }
      }
      expect(got).toEqual(
        told.map(({ name, words }, at) => ({
          id: id ? `x${at}` : made,
          type: "function",
          name,
          words: words.join("") || "{}",
        })),
      );
      expect(new Set(got.map((call) => call.id)).size).toBe(got.length);
    }),
    { numRuns: 200 },
  );
});

/** What is told of a whole answer with this message. */
function attached(message: string, finished = "tool_calls"): string {
  const body = `{"id":"up-1","object":"chat.completion","created":5,"model":"up","choices":[{"index":0,"message":${message},"finish_reason":"${finished}","n":12345678901234567890}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`;
  const answer = openaiChatSplice.meterReply(encode(body)).attach(summary);
  return typeof answer === "string" ? answer : decode(answer);
}

describe("a whole answer", () => {
  test("with calls without type, id or arguments, or with an object for them, is read by the official client", async () => {
    const text = attached(
      `{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"ü\\u00fc"}],"tool_calls":[{"function":{"name":"look","arguments":{"n":12345678901234567890,"s":"ü"}}},{"id":"x2","type":"function","function":{"name":"clock","arguments":""}},{"id":"x3","type":"function","function":{"name":"clock"}}]}`,
    );
    expect(text).toContain('"n":12345678901234567890}],');
    const client = clientThatHears(text, "application/json");
    const answer = await client.chat.completions.parse({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hi" }],
      tools,
    });
    expect(answer.choices[0]?.message).toMatchObject({
      content: "üü",
      reasoning: "hm",
      tool_calls: [
        {
          id: made,
          type: "function",
          function: { name: "look", arguments: '{"n":12345678901234567890,"s":"ü"}' },
        },
        { id: "x2", type: "function", function: { name: "clock", arguments: "{}" } },
        { id: "x3", type: "function", function: { name: "clock", arguments: "{}" } },
      ],
    });
  });

  test.each([
    '{"role":"assistant","content":"Hi \\u00fc", "x" : 12345678901234567890}',
    '{"role":"assistant","content":null,"tool_calls":[{"id":"x1","type":"function","function":{"name":"look","arguments":"{ }"}},{"id":"x2","type":"custom","custom":{"name":"note","input":""}}]}',
    '{"role":"assistant","content":null,"tool_calls":null}',
  ])("that clients can read keeps its bytes: %s", (message) => {
    expect(attached(message)).toContain(`"choices":[{"index":0,"message":${message},`);
  });

  test("whose call a limit cut off keeps its arguments as they are", () => {
    const message =
      '{"content":null,"tool_calls":[{"id":"x1","type":"function","function":{"name":"look","arguments":""}}]}';
    expect(attached(message, "length")).toContain(message);
  });
});
