import { isPlain, longLength, mark } from "#src/dialect/shell.ts";
import { ForeignMark } from "#src/dialect/shell-write.ts";
import type { Message, Turn, UserPart } from "#src/dialect/turn.ts";

/*
 * A wire that takes pictures as data URIs joins each with what stands before it: a copy that only the collector
 * removes, and that waits for it while many are sent. So a mark is joined instead, and sent as the picture that it is of.
 */

/** Bytes that stand in a turn. */
interface Inline {
  mediaType: string;
  base64: string;
}

const none: readonly string[] = [];

/**
 * What `write` makes of a turn in which each long picture or document is a mark of its place in `long`. `write` gives
 * `long` to cutJson(); where a text has such a mark as well, it is called once more, with the turn as it is.
 */
export function writeCut<T>(turn: Turn, write: (turn: Turn, long: readonly string[]) => T): T {
  if (!turn.messages.some(hasLong)) return write(turn, none);
  const long: string[] = [];
  const messages = turn.messages.map((message) => cutMessage(message, long));
  try {
    return write({ ...turn, messages }, long);
  } catch (thrown) {
    if (thrown instanceof ForeignMark) return write(turn, none);
    throw thrown;
  }
}

function hasLong(message: Message): boolean {
  if (message.role === "user") return message.content.some(isLong);
  return message.role === "tool" && message.results.some(({ content }) => content.some(isLong));
}

function isLong(part: UserPart): boolean {
  return longIn(part) !== undefined;
}

function longIn(part: UserPart): Inline | undefined {
  if (part.type !== "image" && part.type !== "file") return undefined;
  const { source } = part;
  return "base64" in source && source.base64.length > longLength ? source : undefined;
}

function cutMessage(message: Message, long: string[]): Message {
  if (message.role === "user")
    return { ...message, content: message.content.map((part) => cutPart(part, long)) };
  if (message.role !== "tool") return message;
  const results = message.results.map((result) => ({
    ...result,
    content: result.content.map((part) => cutPart(part, long)),
  }));
  return { ...message, results };
}

function cutPart<P extends UserPart>(part: P, long: string[]): P {
  const source = longIn(part);
  // Anything else may be written in JSON otherwise than it reads.
  if (source === undefined || !isPlain(source.base64)) return part;
  const base64 = mark + long.length;
  long.push(source.base64);
  return { ...part, source: { ...source, base64 } };
}
