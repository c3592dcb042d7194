import Anthropic from "@anthropic-ai/sdk";

/** The official client, which gets these bytes as the answer to whatever it asks. */
export function clientThatHears(
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  status = 200,
): Anthropic {
  return new Anthropic({
    apiKey: "test",
    baseURL: "http://gateway",
    maxRetries: 0,
    fetch: async () => new Response(body, { status, headers: { "content-type": type } }),
  });
}

export const hello = {
  model: "claude-opus-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Hi" }],
};

/** What the official accumulator makes of a stream. */
export function assembled(stream: string): Promise<Anthropic.Message> {
  return clientThatHears(stream, "text/event-stream").messages.stream(hello).finalMessage();
}

export interface Event {
  type: string;
  index?: number;
  [member: string]: unknown;
}

/** The events of a stream; each is named by its type. */
export function eventsOf(text: string): Event[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const [name, ...data] = event.split("\n");
      const parsed: Event = JSON.parse(data.map((line) => line.slice("data: ".length)).join("\n"));
      if (name !== `event: ${parsed.type}`) throw new Error(`an event is misnamed: ${name}`);
      return parsed;
    });
}
