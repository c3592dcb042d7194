import {
  type MessagesRead,
  readMessages,
  readSystem,
} from "#src/dialect/anthropic/anthropic-client-blocks.ts";
import { readTools } from "#src/dialect/anthropic/anthropic-client-tools.ts";
import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import {
  booleanIn,
  countable,
  missing,
  numberIn,
  objectIn,
  parseBody,
  textIn,
  textsIn,
  wrong,
} from "#src/dialect/ask.ts";
import { parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { parseShell } from "#src/dialect/shell.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Tokens of the instructions that some providers put around tools. */
const toolPromptTokens = 600;
/** The least that may be spent on thinking. */
const leastBudget = 1024;

/** Validates a Messages request and reads what routing needs. */
export function peekMessages(body: Uint8Array): Ask {
  const ask = peekCount(body);
  // At Anthropic itself 0 asks for nothing but a warm cache.
  const maxOutputTokens = numberIn(ask.parsed, "max_tokens", { ...countable, least: 0 });
  if (maxOutputTokens === undefined) throw missing("max_tokens", "an integer of at least 1");
  return { ...ask, maxOutputTokens };
}

/** The same for a request that only counts tokens, which has no limit on the answer. */
export function peekCount(body: Uint8Array): Ask {
  const { parsed, ascii, raw } = readBody(body);
  refuseThread(parsed);
  const read = readMessages(parsed.messages);
  const { needs, weight } = read;
  readSystem(parsed.system);
  if (readTools(parsed)) needs.tools = true;
  readSampling(parsed);
  readThinking(parsed, read);
  readFormat(parsed, read);
  const routing = routingIn(parsed);
  return {
    dialect: dialectId,
    kind: "chat",
    parsed,
    ascii,
    raw,
    ...routing,
    user: userIn(parsed) ?? routing.user,
    stream: booleanIn(parsed, "stream") === true,
    // This wire tells the usage to everyone.
    includeUsage: true,
    // A token is at least one byte of text; what is inline as base64 is counted by its kind.
    inputTokensAtMost:
      body.length - weight.inline + weight.tokens + (needs.tools ? toolPromptTokens : 0),
    choices: 1,
    needs,
    parameters: parametersIn(parsed).flatMap(
      (name) => (Object.hasOwn(known, name) && known[name]) || [name],
    ),
  };
}

/** Numbers that would not survive parsing are kept as text: tool inputs are written out again. */
function readBody(body: Uint8Array): Pick<Ask, "parsed" | "ascii" | "raw"> {
  const { parsed, ascii, raw, shell } = parseBody(body);
  if (!/\d{16}|\d[eE]\+?\d{3}/.test(shell.text)) return { parsed, ascii, raw };
  const exact = parseShell(shell, parseExact);
  return { parsed: isObject(exact) ? exact : parsed, ascii, raw };
}

/** Nothing of a conversation is kept here, and an upstream would keep it under an id that the client never sees. */
function refuseThread(body: JsonObject): void {
  if (objectIn(body, "thread") === undefined) return;
  const message =
    'Cannot hold the state of a conversation: send the whole conversation without "thread"';
  throw new AppError("unsupported_feature", message, { param: "thread" });
}

/** The catalogue's words for this wire's parameters; those that every model takes have none. */
const known: Readonly<Record<string, readonly string[]>> = {
  stop_sequences: ["stop"],
  thinking: ["reasoning"],
  output_config: [],
  output_format: ["response_format"],
  system: [],
  metadata: [],
  cache_control: [],
};

function userIn(body: JsonObject): string | undefined {
  const metadata = objectIn(body, "metadata");
  return metadata && textIn(metadata, "user_id", "metadata.user_id");
}

function readSampling(body: JsonObject): void {
  numberIn(body, "temperature", { least: 0, most: 1 });
  numberIn(body, "top_p", { least: 0, most: 1 });
  numberIn(body, "top_k", { least: 0, whole: true });
  textsIn(body, "stop_sequences");
  textIn(body, "service_tier");
}

function readThinking(body: JsonObject, { needs }: MessagesRead): void {
  const thinking = objectIn(body, "thinking");
  const output = objectIn(body, "output_config") ?? {};
  textIn(output, "effort", "output_config.effort");
  if (thinking === undefined) return;
  const { type } = thinking;
  if (type === "disabled") return;
  if (type !== "enabled" && type !== "adaptive")
    throw wrong("thinking.type", type, "enabled, adaptive or disabled");
  textIn(thinking, "display", "thinking.display");
  needs.reasoning = true;
  if (type !== "enabled") return;
  const path = "thinking.budget_tokens";
  const range = { least: leastBudget, whole: true } as const;
  if (numberIn(thinking, "budget_tokens", range, path) === undefined)
    throw missing(path, `an integer of at least ${leastBudget}`);
}

/** `output_config.format`, or `output_format`, its older name. */
function readFormat(body: JsonObject, { needs }: MessagesRead): void {
  const output = objectIn(body, "output_config") ?? {};
  const newer = objectIn(output, "format", "output_config.format");
  const format = newer ?? objectIn(body, "output_format");
  if (format === undefined) return;
  const at = newer === undefined ? "output_format" : "output_config.format";
  if (format.type !== "json_schema") throw wrong(`${at}.type`, format.type, "json_schema");
  if (!isObject(format.schema)) throw wrong(`${at}.schema`, format.schema, "an object");
  needs.jsonSchema = true;
}
