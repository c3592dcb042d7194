import type { Ask, ClientDialect, StreamHead, StreamRelay, Summary } from "#src/dialect/dialect.ts";
import { readUsage } from "#src/dialect/openai/openai-usage.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

export const block = {
  generation_id: "gen_1",
  provider: "acme",
  region: "eu-west",
  eco: {
    energy_wh: 0.0942832,
    carbon_g: 0.02558846,
    carbon_per_1k_tokens_g: 0.5815559,
    accuracy: "medium" as const,
    methodology_version: "v0.4-2026-01",
  },
};

/** A summary with what a test changes about it. */
export function summaryOf(changes: Partial<Summary> = {}): Summary {
  return {
    completionId: "chatcmpl-up1",
    created: 1_780_000_000,
    model: "openai/gpt-x",
    provider: "acme",
    usage: usageOf(12, 9),
    cost: { total: 0.000132, prompt: 0.00003, completion: 0.000102 },
    isByok: false,
    block,
    ...changes,
  };
}

export function usageOf(prompt: number, completion: number) {
  return readUsage({ prompt_tokens: prompt, completion_tokens: completion });
}

export function headOf(changes: Partial<StreamHead> = {}): StreamHead {
  return {
    completionId: "chatcmpl-ours",
    created: 1_780_000_000,
    model: "openai/gpt-x",
    provider: "acme",
    includeUsage: false,
    ...changes,
  };
}

export function peeked(client: ClientDialect, body: JsonObject | string): Ask {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return client.peek(encode(text), "http://gateway/v1");
}

export interface Relayed {
  text: string;
  failure: string | undefined;
}

/** What a client gets while the upstream's bytes arrive in these chunks, without the ending. */
export function relayed(relay: StreamRelay, chunks: Uint8Array[]): Relayed {
  const bytes: Uint8Array[] = [];
  const keep = (out: Uint8Array | string) =>
    bytes.push(typeof out === "string" ? encode(out) : out);
  let failure: string | undefined;
  try {
    for (const chunk of chunks) keep(relay.push(chunk));
    keep(relay.finish());
  } catch (thrown) {
    failure = String(thrown);
  }
  return { text: decode(Buffer.concat(bytes)), failure };
}

/** The events of a stream as JSON; the terminal event as its own word. */
export function eventsOf(text: string): (JsonObject | string)[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const data = event.replaceAll(/^data: /gm, "");
      const value: Json = data === "[DONE]" ? data : JSON.parse(data);
      if (isObject(value)) return value;
      if (typeof value === "string") return value;
      throw new Error("an event is no object");
    });
}
