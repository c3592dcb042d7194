import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { Clock } from "#src/lib/clock.ts";
import { isObject, type Json } from "#src/lib/json.ts";
import { Recent } from "#src/lib/recent.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";

/** How often answers came from where the conversation was before. */
export interface StickyCounts {
  /** From the same place, so that its prompt cache could serve. */
  hits: number;
  /** From another place. */
  moves: number;
  /** Conversations not seen in the last ten minutes. */
  starts: number;
}

/** A provider's region, by the ids: an address and a credential may be others by now. */
export interface Place {
  provider: string;
  region: string;
}

/**
 * Where conversations were served last, so that the prompt caches there are hit. Holds no text, and nothing of the gateway
 * that served: one that takes its place goes on with it.
 */
export interface Sticky {
  /** Where a conversation was served with a model in the last ten minutes; nobody may be there any more. */
  placeOf(conversation: string, model: string): Place | undefined;
  /** A route answered. */
  served(conversation: string, route: Route): void;
  /** Since the start; for metrics. */
  readonly counts: Readonly<StickyCounts>;
  /** The same of the answers of one provider. */
  of(provider: string): Readonly<StickyCounts>;
}

/** As long as the providers' own prompt caches live at most without being asked for more. */
const stickyMs = 600_000;

/** A memory of the conversations that were served last, each for ten minutes. */
export function createSticky(clock: Pick<Clock, "monotonic">, size = 10_000): Sticky {
  const places = new Recent<{ place: Place; until: number }>(size);
  const counts: StickyCounts = { hits: 0, moves: 0, starts: 0 };
  const byProvider = new Map<string, StickyCounts>();
  function find(name: string): Place | undefined {
    const known = places.get(name);
    return known !== undefined && known.until > clock.monotonic() ? known.place : undefined;
  }
  return {
    counts,
    of: (provider) => byProvider.get(provider) ?? { hits: 0, moves: 0, starts: 0 },
    placeOf: (conversation, model) => find(`${conversation} ${model}`),
    served(conversation, { model, deployment }) {
      const name = `${conversation} ${model.id}`;
      const before = find(name);
      const what = before === undefined ? "starts" : isAt(deployment, before) ? "hits" : "moves";
      const { region, provider } = deployment;
      const { id } = provider;
      let here = byProvider.get(id);
      if (here === undefined) byProvider.set(id, (here = { hits: 0, moves: 0, starts: 0 }));
      counts[what]++;
      here[what]++;
      const place = { provider: id, region };
      places.use(name, { place, until: clock.monotonic() + stickyMs });
    },
  };
}

/** Whether requests to a deployment go to this place. */
export function isAt({ provider, region }: Deployment, place: Place): boolean {
  return provider.id === place.provider && region === place.region;
}

/** Characters of the system's text, and of the first message, that tell conversations apart. */
const told = 4096;
/** How many messages the system's text may be. */
const openers = 8;

/**
 * Names a conversation: its user where the request names one, else how it begins – the system's text and the first
 * message, which every later turn repeats and a provider's prompt cache is made from. `within` are the bounds of
 * routing: a request under other bounds is another matter. The name is a hash; no text is kept.
 */
export function conversationOf(ask: Ask, { account }: Caller, within: string): string {
  const who = ask.user === undefined ? `p\n${beginningOf(ask)}` : `u\n${ask.user}`;
  return Bun.hash(`${account.id}\n${within}\n${who}`).toString(36);
}

function beginningOf({ parsed }: Ask): string {
  const system = parsed.system ?? parsed.systemInstruction ?? parsed.system_instruction;
  let text = opening(system ?? parsed.instructions, told);
  const messages = parsed.messages ?? parsed.contents ?? parsed.input ?? parsed.prompt;
  if (!Array.isArray(messages)) return `${text}\n${opening(messages, told)}`;
  for (const message of messages.slice(0, openers)) {
    text += `\n${opening(message, told)}`;
    // What the system says may be several messages; the first of anybody else ends the beginning.
    const role = isObject(message) ? message.role : undefined;
    if (role !== "system" && role !== "developer") break;
  }
  return text;
}

/** The texts of a value, one behind the other, as many characters as there is room for. */
function opening(value: Json | undefined, room: number): string {
  if (typeof value === "string") return value.length > room ? value.slice(0, room) : value;
  if (typeof value !== "object" || value === null) return "";
  let text = "";
  for (const key in value) {
    if (text.length >= room) break;
    const member: Json | undefined = Array.isArray(value) ? value[Number(key)] : value[key];
    text += opening(member, room - text.length);
  }
  return text;
}
