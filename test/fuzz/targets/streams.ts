import { type DialectId, type StreamRelay, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { upstreamDialect } from "#src/dialect/upstreams.ts";
import { SseTextParser } from "#src/dialect/sse.ts";
import { ArrayFraming } from "#src/dialect/gemini/gemini-client-array.ts";
import type { Front } from "#src/gateway/context.ts";
import { hear } from "#test/dialect/upstream-kit.ts";
import { recorded } from "#test/fuzz/seeds.ts";
import { chanceOf, claim, isFinish, never, type Target } from "#test/fuzz/target.ts";
import { cuts } from "#test/fuzz/targets/cuts.ts";
import {
  chatFronts,
  failure,
  fronts,
  head,
  rawOf,
  summary,
  wires,
} from "#test/fuzz/targets/wires.ts";

/*
 * Streams of providers, read and shown to every client: the same however the bytes are cut, always whole events, and
 * not a word of another stream that is read at the same time.
 */

const streamed: Target[] = [...wires, "openai-completions" as const].map((wire) => ({
  name: `stream-${wire}`,
  shape: wire === "bedrock-converse" ? "frames" : "events",
  seeds: () =>
    recorded(wire === "openai-completions" ? "openai-chat/*.sse" : `${wire}/*.{sse,events}`),
  read: (input) => readStream(wire, input),
  // What a stream breaks with is part of what is told.
  refuses: never,
  growth: 400,
}));

export const streamTargets: readonly Target[] = streamed;

/** The stream before, which is read between the pieces of this one. */
const before = new Map<DialectId, Uint8Array>();

function readStream(wire: DialectId, input: Uint8Array): string[] {
  const told: string[] = [];
  const whole = [[new Uint8Array(input)], ...cuts(input)];
  const chance = chanceOf(input);
  if (wire !== "openai-completions") {
    const heard = whole.map((pieces) => {
      const { steps, ...rest } = hear(upstreamDialect(wire).readStream(), pieces);
      for (const step of steps)
        claim(
          step.type !== "finish" || isFinish(step.finish),
          "an answer ends in one of our words",
        );
      return JSON.stringify([steps, rest.id, rest.usage, rest.ended, rest.failure]);
    });
    claim(new Set(heard).size === 1, "a reader hears the same however the bytes are cut");
    told.push(heard[0] ?? "");
  }
  const clients = chatFronts.filter(
    ([, front]) => (wire === "openai-completions") === (front === fronts.completions),
  );
  const stops = chance.once(3) ? { sent: ["END"], left: ["e", "\n\n"] } : undefined;
  for (const [, front] of clients) {
    const own = wire === front.wire;
    const open = () => front.stream(wire, own ? head : { ...head, stops });
    const shown: Shown = { front, isStopped: !own && stops !== undefined };
    const seen = whole.map((pieces) => relayed(open(), { pieces, ...shown }));
    claim(
      new Set(seen).size === 1,
      `a client of ${front.wire} is told the same however the bytes are cut`,
    );
    told.push(seen[0] ?? "");
    const other = before.get(wire);
    if (other === undefined || !chance.once(8)) continue;
    const alone = seen[0] ?? "";
    const beside = besides(open(), open(), { pieces: whole[1] ?? [], other, ...shown });
    claim(beside === alone, "a stream is told the same while another one is read");
  }
  before.set(wire, new Uint8Array(input));
  return [told.map(outline).join().slice(0, 2000), ...told];
}

/** The kinds of events of a stream, each run of the same once. */
function outline(text: string): string {
  const kinds = [...text.matchAll(/"type":"([\w.]+)"|"finish_?[rR]eason":"(\w+)"|error/g)].map(
    ([all, type, finish]) => type ?? finish ?? all,
  );
  return kinds.filter((kind, at) => kind !== kinds[at - 1]).join(" ");
}

/** Whom a stream is shown to. */
interface Shown {
  front: Front;
  /** It is cut at stop sequences. */
  isStopped: boolean;
}

/** Everything that a client is told, as the gateway tells it. */
function relayed(
  relay: StreamRelay,
  { pieces, ...shown }: Shown & { pieces: readonly Uint8Array[] },
): string {
  const out: string[] = [];
  pieces.some((piece) => pushed(relay, piece, out));
  return ending(relay, out, shown);
}

/** Tells a piece; whether nothing more is to be read. */
function pushed(relay: StreamRelay, piece: Uint8Array, out: string[]): boolean {
  try {
    const told = rawOf(relay.push(new Uint8Array(piece)));
    out.push(told);
    return relay.over === true || relay.isCut === true;
  } catch (thrown) {
    out.push(`broken: ${breaking(thrown)}`);
    return true;
  }
}

function breaking(thrown: unknown): string {
  if (!(thrown instanceof UpstreamStreamError)) throw thrown;
  return thrown.message;
}

function ending(relay: StreamRelay, out: string[], { front, isStopped }: Shown): string {
  let why = out.at(-1)?.startsWith("broken:") === true ? out.pop() : undefined;
  try {
    if (why === undefined) out.push(rawOf(relay.finish()));
  } catch (thrown) {
    why = `broken: ${breaking(thrown)}`;
  }
  const { id, usage, ended, outputBytes } = relay;
  claim(
    Number.isSafeInteger(outputBytes) && outputBytes >= 0,
    "the length of an answer is a count",
  );
  const last =
    why === undefined && ended
      ? relay.end({ ...summary, usage })
      : relay.fail(failure, { ...summary, usage });
  const shown = out.join("");
  const text = shown + rawOf(last);
  wellFormed(text, front);
  // What came with the words that an answer was cut at is counted, though not shown.
  if (isStopped) return shown;
  return [text, id, JSON.stringify(usage), ended, outputBytes, why].join("\n");
}

/** Every event has JSON in it, and the last one ends with a blank line. */
function wellFormed(raw: string, front: Front): void {
  claim(/\n\r?\n$/.test(raw), `a stream for ${front.wire} ends with a whole event`);
  const events = new SseTextParser().push(raw);
  for (const { data } of events) {
    if (data === "[DONE]") continue;
    claim(isJson(data), `an event for ${front.wire} holds JSON`);
  }
  if (front.wire !== "gemini") return;
  const framing = new ArrayFraming();
  const framed = rawOf(framing.push(Buffer.from(raw, "latin1"))) + rawOf(framing.finish());
  claim(isJson(framed), "a stream for Google's clients is one array");
}

function isJson(raw: string): boolean {
  try {
    JSON.parse(new TextDecoder().decode(Buffer.from(raw, "latin1")));
    return true;
  } catch {
    return false;
  }
}

/** What a client is told of one stream while another one is read, piece by piece. */
function besides(
  relay: StreamRelay,
  second: StreamRelay,
  { pieces, other, ...shown }: Shown & { pieces: readonly Uint8Array[]; other: Uint8Array },
): string {
  const out: string[] = [];
  const ignored: string[] = [];
  const others = cuts(other)[0] ?? [];
  let isSecondOver = false;
  for (const [at, piece] of pieces.entries()) {
    const next = others[at];
    if (next !== undefined && !isSecondOver) isSecondOver = pushed(second, next, ignored);
    if (pushed(relay, piece, out)) break;
  }
  return ending(relay, out, shown);
}
