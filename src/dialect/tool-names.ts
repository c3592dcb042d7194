import type { AssistantPart, Message, Reply, Turn } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";

/*
 * Dialects differ in the names that tools may have. A name that some upstream refuses goes out as another, the same
 * each time, and comes back as it was: the table is made anew from the tools of each request.
 */

/** What every wire takes, Google's beginning with a letter included. */
const plain = /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/;

/** Names as the client gave them, by the names that go out. */
export type ToolNames = ReadonlyMap<string, string>;

function aliasOf(name: string): string {
  if (plain.test(name)) return name;
  const start = name.replace(/[^a-zA-Z0-9_-]/g, "_").replace(/^[^a-zA-Z_]/, "_");
  return `${start.slice(0, 50)}_${sha256Hex(name).slice(0, 8)}`;
}

/** A request whose tools have names that every wire takes. */
export function aliasNames(turn: Turn): { turn: Turn; names: ToolNames } {
  const names = new Map<string, string>();
  for (const { name } of turn.tools) {
    const alias = aliasOf(name);
    if (alias !== name) names.set(alias, name);
  }
  const { toolChoice } = turn;
  if (names.size === 0 && !turn.messages.some(callsOddly)) return { turn, names };
  return {
    names,
    turn: {
      ...turn,
      tools: turn.tools.map((tool) => ({ ...tool, name: aliasOf(tool.name) })),
      messages: turn.messages.map(aliased),
      ...(typeof toolChoice === "object" ? { toolChoice: { name: aliasOf(toolChoice.name) } } : {}),
    },
  };
}

function callsOddly(message: Message): boolean {
  if (message.role !== "assistant") return false;
  return message.content.some((part) => part.type === "tool_call" && !plain.test(part.name));
}

function aliased(message: Message): Message {
  if (message.role !== "assistant") return message;
  const content = message.content.map((part): AssistantPart =>
    part.type === "tool_call" ? { ...part, name: aliasOf(part.name) } : part,
  );
  return { ...message, content };
}

/** An answer with the names that the client gave. */
export function originalNames(reply: Reply, names: ToolNames | undefined): Reply {
  if (names === undefined || names.size === 0) return reply;
  const choices = reply.choices.map((choice) => ({
    ...choice,
    parts: choice.parts.map((part): AssistantPart =>
      part.type === "tool_call" ? { ...part, name: names.get(part.name) ?? part.name } : part,
    ),
  }));
  return { ...reply, choices };
}
