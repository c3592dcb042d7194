import { misplaced, unrecorded } from "#src/dialect/conversation.ts";
import type { Message, ToolResult } from "#src/dialect/turn.ts";

/**
 * A turn's messages for a wire of roles that need not alternate, but in which each call's result has to follow its
 * message: all of them, missing ones as an error. Throws `invalid_value` for a result that answers no call.
 */
export function pairedMessages(messages: readonly Message[]): Message[] {
  if (!messages.some(hasCallsOrResults)) return [...messages];
  const out: Message[] = [];
  for (let at = 0; at < messages.length;) {
    const said: Extract<Message, { role: "assistant" }>[] = [];
    let message = messages[at];
    for (; message?.role === "assistant"; message = messages[++at]) said.push(message);
    const results: ToolResult[] = [];
    const others: Message[] = [];
    for (; message !== undefined && message.role !== "assistant"; message = messages[++at]) {
      if (message.role !== "tool") others.push(message);
      else for (const result of message.results) results.push(result);
    }
    for (const [index, answers] of answersOf(said, results).entries()) {
      const one = said[index];
      if (one !== undefined) out.push(one);
      if (answers.length > 0) out.push({ role: "tool", results: answers });
    }
    for (const other of others) out.push(other);
  }
  return out;
}

/** The results of the calls of each message, in the order of the client. */
function answersOf(said: readonly Message[], results: readonly ToolResult[]): ToolResult[][] {
  const answers = said.map((): ToolResult[] => []);
  /** Those that wait for the result of a call, by its id. */
  const open = new Map<string, ToolResult[][]>();
  for (const [index, one] of said.entries()) {
    for (const id of new Set(callsIn(one))) {
      const waiting = open.get(id);
      const own = answers[index] ?? [];
      if (waiting === undefined) open.set(id, [own]);
      else waiting.push(own);
    }
  }
  for (const result of results) {
    const own = open.get(result.callId)?.shift();
    if (own === undefined) throw misplaced(open.has(result.callId));
    own.push(result);
  }
  for (const [id, waiting] of open) for (const own of waiting) own.push(unrecorded(id));
  return answers;
}

function hasCallsOrResults(message: Message): boolean {
  return message.role === "tool" || callsIn(message).length > 0;
}

function callsIn(message: Message): string[] {
  if (message.role !== "assistant") return [];
  return message.content.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
}
