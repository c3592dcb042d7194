import { type SimulatedProvider, startProvider } from "#src/demo/provider.ts";
import { openaiWire } from "#src/demo/wire-openai.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";

const apiKey = "sk-simulated-upstream";

/** A simulated OpenAI that answers at once, and the environment that leads a gateway to it. */
export function startOpenai(): SimulatedProvider & { env: Record<string, string> } {
  const upstream = startProvider(openaiWire(systemClock, createIds(systemClock)), {
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: 0,
    apiKey,
  });
  const env = {
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: apiKey,
    OPENAI_REGION: "eu-west",
  };
  return { ...upstream, env };
}

/** Body of a chat request as a client sends it. */
export function chatBody(content: string, more: object = {}): string {
  const messages = [{ role: "user", content }];
  return JSON.stringify({ model: "openai/gpt-4o-mini", messages, ...more });
}

/** Asks a gateway a question. */
export function chat(
  url: string,
  key: string,
  content = "Hello",
  more: object = {},
  signal?: AbortSignal,
) {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    ...(signal === undefined ? {} : { signal }),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: chatBody(content, more),
  });
}
