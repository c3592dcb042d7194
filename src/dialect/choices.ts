import type { DialectId } from "#src/dialect/dialect.ts";
import { callsNeedResponses, givesOneChoice } from "#src/dialect/openai/openai-quirks.ts";

/** Wires that give one choice to a request, whatever it asks for. */
const ofOne: ReadonlySet<string> = new Set<DialectId>([
  "openai-responses",
  "anthropic-messages",
  "cohere-v2",
  "bedrock-converse",
]);

/** Whether an upstream gives a request several choices; one with tools may have to go another way. */
export function givesSeveral(
  protocol: string,
  provider: string,
  /** Its own name of the model, and whether the request has tools. */
  { model, tools }: { model: string; tools: boolean },
): boolean {
  if (ofOne.has(protocol)) return false;
  if (protocol !== "openai-chat") return true;
  return !givesOneChoice(provider) && !(tools && callsNeedResponses(provider, model));
}
