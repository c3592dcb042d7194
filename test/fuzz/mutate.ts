import type { Chance } from "#test/fuzz/chance.ts";
import { spansOf } from "#test/fuzz/json-spans.ts";
import { framesOf, writeFrames } from "#test/fuzz/frames.ts";

/*
 * Inputs made from recorded ones: by their bytes, by what they are in JSON, events, frames or lines. All text here has
 * one character for each byte, so that halves of characters can be cut.
 */

/** What an input is made of: how it is changed. */
export type Shape = "json" | "events" | "frames" | "lines" | "bytes";

/** Longest input that is made. */
export const longestInput = 400_000;

const utf8 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

/** JSON values that readers stumble over. */
const values: readonly string[] = [
  ...["null", "true", "false", "0", "-0", "1", "-1", "0.5", "1e400", "-1e400", "1E-7", "5e-324"],
  ...["9007199254740993", "98765432109876543210", "2147483648", "-2147483649", "1.0", "1e308"],
  ...['""', '" "', '"0"', '"null"', '"\\ud83d"', '"\\udd8a\\ud83d"', '"\\u0000"', '"\\ue0000"'],
  ...[
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"\\\\"',
    '"\\""',
    '"[DONE]"',
    '"\\n\\ndata: x"',
  ],
  ...["[]", "{}", "[[]]", "[null]", "[{}]", "[0]", '[""]', "[[[]]]", '{"":null}', '{"":{"":[]}}'],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}', '{"toString":1,"length":-1}'],
  ...['{"type":"text"}', '{"type":"text","text":null}', '{"type":null}', '{"role":"user"}'],
  ...['{"length":4294967296,"0":"a"}', '{"toJSON":1}', '{"then":1}', '{"rawJSON":"1"}'],
  ...['"\\\\\\\\"', '"\\\\\\\\\\""', '"a\\\\\\\""'],
  utf8('"é\u2028日🦊"'),
  '"\xf0\x9f"',
  '"\xed\xa0\x80"',
];

const keys: readonly string[] = [
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "then"],
  ...["toJSON", "valueOf", "", "0", "-1", "type", "id", "index", "text", "usage", "error"],
  // Members that nobody knows: see the targets, which look for them.
  ...["x_a", "x_b", "x_big"],
];

const bytes: readonly string[] = [
  ..."\0\t\n\r \"'\\/,:;{}[]()<>=&%+-.0129eE_-#*!|~$`@?AZaz\x7f\x80\xbf\xc0\xe2\xed\xee\xef\xf0\xf4\xfe\xff",
  ...["\r\n", "\n\n", "\r\n\r\n", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xee\x80\x80", "\\ud83d"],
  ...["\\u0000", "\\ue000", "data:", "data: ", "event: ", "data: [DONE]\n\n", ": x\n\n", "id: 1\n"],
  ...["retry: 0\n", "null", "true", "1e999", "-lr1-", "%00", "%zz", "..", "//", "<script>", "${x}"],
];

/** What a campaign changes inputs with. */
export interface Pool {
  /** Recorded inputs, and those that showed something new. */
  readonly inputs: readonly Uint8Array[];
  /** Names and words of the recorded inputs. */
  readonly words: readonly string[];
}

/** The next input: one of the pool, changed once or several times. */
export function mutate(pool: Pool, shape: Shape, chance: Chance): Uint8Array {
  let text = Buffer.from(chance.pick(pool.inputs)).toString("latin1");
  let rounds = 1;
  while (rounds < 8 && chance.next() < 0.45) rounds++;
  for (let round = 0; round < rounds; round++) {
    const other = Buffer.from(chance.pick(pool.inputs)).toString("latin1");
    text = change(text, { other, words: pool.words, chance }, shape);
    if (text.length > longestInput) text = text.slice(0, longestInput);
  }
  return Buffer.from(text, "latin1");
}

/** What stands for a value, in each place where one is recorded. */
const simple: readonly string[] = [
  ...["null", "-1", '""', "[]", "{}", '"constructor"', "[null]", "1.5", "true", "[{}]"],
];

/** An input with one of its values replaced, or left out; undefined where it has no such place. `turn` counts the ways. */
function replaced(input: Uint8Array, shape: Shape, turn: number): Uint8Array | undefined {
  const text = Buffer.from(input).toString("latin1");
  const way = simple[turn % simple.length] ?? "null";
  const place = Math.floor(turn / simple.length);
  if (shape !== "frames") {
    const span = spansOf(text)[place];
    if (span === undefined) return undefined;
    return Buffer.from(text.slice(0, span.start) + way + text.slice(span.end), "latin1");
  }
  const frames = framesOf(text);
  let left = place;
  for (const frame of frames) {
    const spans = spansOf(frame.payload);
    const span = spans[left];
    left -= spans.length;
    if (span === undefined) continue;
    frame.payload = frame.payload.slice(0, span.start) + way + frame.payload.slice(span.end);
    return Buffer.from(writeFrames(frames), "latin1");
  }
  return undefined;
}

/** Recorded inputs with every one of their values replaced in some simple ways, in an order of chance. */
export function* everywhere(
  inputs: readonly Uint8Array[],
  shape: Shape,
  chance: Chance,
): Generator<Uint8Array, void, void> {
  const all: [input: Uint8Array, turn: number][] = [];
  for (const input of inputs) {
    const text = Buffer.from(input).toString("latin1");
    const places =
      shape === "frames"
        ? framesOf(text).reduce((sum, { payload }) => sum + spansOf(payload).length, 0)
        : spansOf(text).length;
    for (let turn = 0; turn < places * simple.length; turn++) all.push([input, turn]);
  }
  while (all.length > 0) {
    const at = chance.below(all.length);
    const taken = all[at];
    const last = all.pop();
    if (taken === undefined || last === undefined) return;
    if (at < all.length) all[at] = last;
    const made = replaced(taken[0], shape, taken[1]);
    if (made !== undefined) yield made;
  }
}

/** Bytes of an input in which one piece is there again and again. */
const swollenBytes = 120_000;

/** The input with each of many pieces again and again, at places of each kind: who looks back at every one takes for ever. */
export function* swollen(input: Uint8Array, shape: Shape): Generator<Uint8Array, void, void> {
  const text = Buffer.from(input).toString("latin1");
  const middle = Math.floor(text.length / 2);
  const spans = shape === "json" ? spansOf(text).filter(({ start }) => text[start] === '"') : [];
  const { start, end } = spans[Math.floor(spans.length / 2)] ?? { start: middle, end: middle };
  for (const piece of [...bytes, ...values, ...pairs]) {
    const many = piece.repeat(Math.ceil(swollenBytes / piece.length));
    yield Buffer.from(text.slice(0, middle) + many + text.slice(middle), "latin1");
    if (shape !== "json") continue;
    const quoted = JSON.stringify(many.slice(0, swollenBytes));
    yield Buffer.from(text.slice(0, start) + quoted + text.slice(end), "latin1");
    const listed = Array.from({ length: Math.ceil(20_000 / piece.length) }, () => piece).join(",");
    yield Buffer.from(`${text.slice(0, start)}[${listed}]${text.slice(end)}`, "latin1");
  }
}

const pairs: readonly string[] = [
  ...["a:", ":a", "a=", "@a", '"a":1,', '"id":"-lr1-', "https://", "data:a;base64,", " #", "\\\\"],
  ...[
    "data: {}\n\n",
    "data: x\n",
    "event: a\ndata: {}\n\n",
    "a,b\n",
    "[a]\n",
    "a = 1\n",
    "- a\n",
    '"",',
  ],
  ...["<a ", "<!--", "a.", "%2e", ";a=b", ", a", "\n ", "a-b", "((", "*a", "{{", "_1", "_0"],
];

interface Kit {
  /** Another input. */
  other: string;
  words: readonly string[];
  chance: Chance;
}

function change(text: string, kit: Kit, shape: Shape): string {
  const { chance } = kit;
  // Bytes of a frame are behind checksums: what is changed there is refused at once, most of the time.
  if (shape === "frames") return chance.once(4) ? byBytes(text, kit) : byFrames(text, kit);
  if (chance.once(4)) return byBytes(text, kit);
  if (shape === "json") return byJson(text, kit);
  if (shape === "events") return byEvents(text, kit);
  if (shape === "lines") return byLines(text, kit);
  return byBytes(text, kit);
}

function byBytes(text: string, { other, words, chance }: Kit): string {
  const at = chance.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + chance.below(chance.once(3) ? text.length : 8));
  const put = (piece: string, end = at) => text.slice(0, at) + piece + text.slice(end);
  const code = text.charCodeAt(Math.min(at, text.length - 1)) || 0;
  switch (chance.below(11)) {
    case 0:
      return put(String.fromCharCode(code ^ (1 << chance.below(8))), at + 1);
    case 1:
      return put(chance.pick(bytes), at + 1);
    case 2:
      return put(chance.pick(bytes));
    case 3:
      return put("", to);
    case 4:
      return text.slice(0, at);
    case 5:
      return put(text.slice(at, to).repeat(1 + chance.below(chance.once(20) ? 2000 : 4)), to);
    case 6: {
      const from = chance.below(other.length + 1);
      return put(other.slice(from, from + 1 + chance.below(other.length)), to);
    }
    case 7:
      return text.slice(0, at) + other.slice(chance.below(other.length + 1));
    case 8:
      return put(words.length > 0 ? chance.pick(words) : "x");
    case 9:
      return put(chance.pick(bytes).repeat(1 + chance.below(chance.once(30) ? 20_000 : 40)));
    default: {
      const from = Math.max(0, at - (to - at));
      return text.slice(0, from) + text.slice(at, to) + text.slice(from, at) + text.slice(to);
    }
  }
}

function byJson(text: string, kit: Kit): string {
  const { other, words, chance } = kit;
  const spans = spansOf(text);
  if (spans.length === 0) return byBytes(text, kit);
  const span = chance.pick(spans);
  const { start, end, keyStart } = span;
  const told = text.slice(start, end);
  const put = (value: string) => text.slice(0, start) + value + text.slice(end);
  switch (chance.below(13)) {
    case 0:
    case 1:
      return put(chance.pick(values));
    case 2: {
      const others = spansOf(chance.once(2) ? other : text);
      if (others.length === 0) return put("null");
      const taken = chance.pick(others);
      return put((others.length > 0 && other.slice(taken.start, taken.end)) || told);
    }
    case 3:
      // Left out, with its name and one comma.
      return (text.slice(0, keyStart ?? start) + text.slice(end))
        .replace(/,(\s*[}\]])/, "$1")
        .replace(/([{[]\s*),/, "$1")
        .replace(/,\s*,/, ",");
    case 4:
      if (keyStart === undefined) return put(`${told},${told}`);
      return put(`${told},${text.slice(keyStart, start)}${chance.pick(values)}`);
    case 5: {
      if (keyStart === undefined) return put(chance.pick(values));
      const name = chance.once(2) || words.length === 0 ? chance.pick(keys) : chance.pick(words);
      return `${text.slice(0, keyStart)}${JSON.stringify(name)}:${text.slice(start)}`;
    }
    case 6: {
      const depth = chance.once(4) ? 200 + chance.below(5000) : 1 + chance.below(8);
      return put(
        chance.once(2)
          ? "[".repeat(depth) + told + "]".repeat(depth)
          : '{"a":'.repeat(depth) + told + "}".repeat(depth),
      );
    }
    case 7: {
      const often = chance.once(10) ? chance.below(3000) : chance.below(5);
      return put(`[${Array.from({ length: often }, () => told.slice(0, 200)).join(",")}]`);
    }
    case 8: {
      const long = chance.pick([
        "a",
        "QUJD",
        "\\u00e9",
        "\\ud83e\\udd8a",
        utf8("é"),
        "\\n",
        '{\\"',
      ]);
      return put(`"${long.repeat(chance.once(6) ? 18_000 : 1 + chance.below(300))}"`);
    }
    case 9:
      return put(words.length > 0 ? JSON.stringify(chance.pick(words)) : '"x"');
    case 10: {
      // A member more, at the end of an object.
      if (!told.startsWith("{") || !told.endsWith("}")) return put(chance.pick(values));
      const name = words.length > 0 && chance.once(2) ? chance.pick(words) : chance.pick(keys);
      const comma = /^\{\s*\}$/.test(told) ? "" : ",";
      return put(`${told.slice(0, -1)}${comma}${JSON.stringify(name)}:${chance.pick(values)}}`);
    }
    case 11:
      // Another way of writing the same.
      return put(
        `${chance.pick([" ", "\n", "\t", "\r\n", ""])}${told}${chance.pick([" ", "\n", ""])}`,
      );
    default: {
      if (!/^".*"$/s.test(told)) return put(`"${told.replace(/["\\\n\r]/g, "")}"`);
      const middle = 1 + chance.below(told.length - 1);
      return put(told.slice(0, middle) + chance.pick(bytes) + told.slice(middle));
    }
  }
}

function byEvents(text: string, kit: Kit): string {
  const { other, chance } = kit;
  const events = text.split(/(?<=\n\r?\n)/);
  const at = chance.below(events.length);
  const event = events[at] ?? "";
  const others = other.split(/(?<=\n\r?\n)/);
  switch (chance.below(9)) {
    case 0:
      events.splice(at, 1);
      break;
    case 1:
      events.splice(at, 0, event);
      break;
    case 2:
      events.splice(at, 0, chance.pick(others));
      break;
    case 3:
      return [...events.slice(0, at), ...others.slice(chance.below(others.length))].join("");
    case 4: {
      const to = chance.below(events.length);
      events[at] = events[to] ?? "";
      events[to] = event;
      break;
    }
    case 5:
      return text.replaceAll(
        chance.pick(["\n", "\n\n", "data: "]),
        chance.pick(["\r\n", "\r", "\n\n", "data:"]),
      );
    case 6:
      events.splice(at, 0, ...Array.from({ length: chance.below(300) }, () => event));
      break;
    default:
      events[at] = event.replace(
        /^(data: ?)(.*)$/m,
        (_, head: string, data: string) =>
          head + byJson(data, { ...kit, other: dataIn(chance.pick(others)) }),
      );
  }
  return events.join("");
}

function dataIn(event: string): string {
  return /^data: ?(.*)$/m.exec(event)?.[1] ?? "{}";
}

function byFrames(text: string, kit: Kit): string {
  const { chance } = kit;
  const frames = framesOf(text);
  const others = framesOf(kit.other);
  const [at, frame] = [chance.below(frames.length), frames[chance.below(frames.length)]];
  if (frame === undefined) return byBytes(text, kit);
  switch (chance.below(7)) {
    case 0:
      frames.splice(at, 1);
      break;
    case 1:
      frames.splice(at, 0, frame);
      break;
    case 2:
      frames.splice(at, 0, ...others.slice(chance.below(others.length + 1)));
      break;
    case 3:
      frame.headers = byBytes(frame.headers, { ...kit, other: others[0]?.headers ?? "" });
      break;
    default:
      frame.payload = byJson(frame.payload, { ...kit, other: others[0]?.payload ?? "{}" });
  }
  return writeFrames(frames);
}

function byLines(text: string, kit: Kit): string {
  const { other, chance } = kit;
  const lines = text.split("\n");
  const others = other.split("\n");
  const at = chance.below(lines.length);
  const line = lines[at] ?? "";
  switch (chance.below(8)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(at, 0, line);
      break;
    case 2:
      lines.splice(at, 0, chance.pick(others));
      break;
    case 3:
      lines[at] = line.replace(/[^=:,]*$/, chance.pick(chance.once(3) ? keys : values));
      break;
    case 4:
      lines[at] = chance.pick(["  ", "\t", "- ", "# ", "", "[", '"']) + line;
      break;
    case 5:
      lines[at] = line.replace(/[^\s=:,-]+/, chance.pick(chance.once(3) ? keys : kit.words));
      break;
    default:
      lines[at] = byBytes(line, { ...kit, other: chance.pick(others) });
  }
  return lines.join("\n");
}
