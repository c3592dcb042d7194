import type { Ask } from "#src/dialect/dialect.ts";
import type { Call } from "#src/gateway/context.ts";

/** Members in which a conversation stands, in the words of each dialect. What an answer repeats is none of them. */
const conversation = [
  ...["messages", "input", "prompt", "contents"],
  ...["system", "systemInstruction", "system_instruction"],
];

/** Bytes up to which a question takes less than its stream does. */
const smallBytes = 4_096;

/**
 * Lets go of a question once its answer has begun, after which no route is tried any more: a stream of minutes would
 * hold up to megabytes until its end.
 */
export function forgetQuestion(call: Call, ask: Ask): void {
  const length = (ask.raw ?? ask.ascii)?.length ?? call.body.length;
  if (length <= smallBytes) return;
  call.body = new Uint8Array();
  delete ask.raw;
  delete ask.ascii;
  delete ask.turn;
  for (const name of conversation) delete ask.parsed[name];
}
