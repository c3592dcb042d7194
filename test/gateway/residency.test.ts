import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { setAccountRouting } from "#src/account/account-routing.ts";
import type { Config } from "#src/config/load.ts";
import { refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * Every way to ask for inference, with every kind of pin. The place that the pins name fails in every way, or is asked
 * for what it does not serve; another region, which would answer everything at a better price and at once, must not
 * receive a byte.
 */

type Fault = "500" | "429" | "cut" | "slow" | "refuses";
let gateway: TestGateway;
let near: ScriptedUpstream;
let far: ScriptedUpstream;
let fault: Fault = "500";
let isPinned = true;
let routing: Config["routing"];
/** Requests that the far place got, with their paths. */
const strayed: string[] = [];

const protocols = ["openai-chat", "anthropic-messages", "gemini"] as const;
const refuse = (status: number) => Response.json({ error: { message: "no" } }, { status });

beforeAll(async () => {
  near = scriptedUpstream(async () => {
    if (fault === "slow") await Bun.sleep(15);
    if (fault === "429") return refuse(429);
    if (fault === "cut")
      return new Response("data: {", { headers: { "content-type": "text/event-stream" } });
    return refuse(fault === "refuses" ? 401 : 500);
  });
  far = scriptedUpstream(async (request) => {
    strayed.push(`${new URL(request.url).pathname} ${await request.text()}`);
    // Answers to what it may not have been asked; a rate limit moves on, and makes nobody ill.
    return isPinned ? completion("from afar") : refuse(429);
  });
  gateway = await startGateway({
    config(config) {
      config.providers = {};
      const price = { input_per_million: 1, output_per_million: 1 };
      const free = { input_per_million: 0, output_per_million: 0 };
      for (const protocol of protocols) {
        const root = (url: string) => (protocol === "openai-chat" ? url : url.replace(/\/v1$/, ""));
        config.providers[`near-${protocol}`] = {
          protocol,
          base_url: root(near.url),
          region: "eu-west",
          country: "FR",
        };
        config.providers[`far-${protocol}`] = {
          protocol,
          base_url: root(far.url),
          region: "us-east",
          country: "US",
        };
        config.models.push(
          { id: "own/both", provider: `near-${protocol}`, ...price },
          { id: "own/both", provider: `far-${protocol}`, ...free },
          { id: "own/far", provider: `far-${protocol}`, ...free },
        );
      }
      config.models.push(
        { id: "own/vectors", provider: "near-openai-chat", kind: "embedding", ...price },
        { id: "own/vectors", provider: "far-openai-chat", kind: "embedding", ...free },
      );
      config.routing.fallbacks = { "own/both": ["own/far"], "*": ["own/far"] };
      config.routing.maxAttempts = 20;
      routing = config.routing;
      // So that the proxy passes on what nobody knows.
      config.billing.unknownPrice = "allow";
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await near.stop();
  await far.stop();
});
beforeEach(() => {
  strayed.length = 0;
});

const messages = [{ role: "user", content: "Hello" }];
const contents = [{ role: "user", parts: [{ text: "Hello" }] }];
const hello = { model: "own/both", messages };

/** Path and body of each inference route. Those of a provider's own words know the header and the key alone. */
const routes: [path: string, body: object][] = [
  ["/v1/chat/completions", hello],
  ["/api/v1/chat/completions", hello],
  ["/v1/chat/completions", { ...hello, stream: true }],
  ["/v1/chat/completions", { models: ["own/both", "own/far"], messages }],
  ["/v1/chat/completions", { model: "own/far", messages }],
  ["/v1/chat/completions", { model: "auto", messages }],
  ["/v1/chat/completions", { model: "lowrouter/auto-cheap", messages }],
  ["/v1/chat/completions", { ...hello, provider: { order: ["far-openai-chat"] } }],
  ["/v1/chat/completions", { ...hello, provider: { sort: { by: "price", partition: "none" } } }],
  ["/v1/chat/completions", { ...hello, model: "own/both:floor" }],
  ["/v1/chat/completions", { ...hello, user: "one and the same" }],
  ["/v1/completions", { model: "own/both", prompt: "Hello" }],
  ["/v1/responses", { model: "own/both", input: "Hello" }],
  ["/v1/embeddings", { model: "own/vectors", input: "Hello" }],
  ["/v1/messages", { ...hello, max_tokens: 10 }],
  ["/v1/messages", { ...hello, max_tokens: 10, stream: true }],
  ["/v1/messages/count_tokens", hello],
  ["/api/v1/anthropic/v1/messages", { ...hello, max_tokens: 10 }],
  ["/api/v1/anthropic/v1/messages/count_tokens", hello],
  ["/v1beta/models/own/both:generateContent", { contents }],
  ["/v1beta/models/own/both:streamGenerateContent?alt=sse", { contents }],
  ["/v1beta/models/own/both:countTokens", { contents }],
  ["/far-openai-chat/v1/chat/completions", { ...hello, model: "both" }],
  ["/far-openai-chat/v1/chat/completions", { ...hello, model: "unheard-of" }],
  ["/far-openai-chat/v1/embeddings", { model: "vectors", input: "Hello" }],
  ["/far-anthropic-messages/v1/messages", { ...hello, model: "both", max_tokens: 10 }],
  ["/far-anthropic-messages/v1/messages/count_tokens", { ...hello, model: "both" }],
  ["/far-gemini/v1beta/models/both:generateContent", { contents }],
  ["/far-openai-chat/v1/batches", { input_file_id: "file-1" }],
  ["/near-openai-chat/v1/chat/completions", { ...hello, model: "both" }],
];
const isProxied = (path: string) => /^\/(near|far)-/.test(path);

interface Pin {
  body?: object;
  header?: string;
  key?: { region: string };
  account?: string;
  euOnly?: true;
}
const pins: [name: string, pin: Pin][] = [
  ["the request's region", { body: { region: "eu-west" } }],
  ["the request's country", { body: { country: "FR" } }],
  ["the request's zone", { body: { grid_zone: "FRA" } }],
  ["the request's eu", { body: { region: "eu" } }],
  [
    "a preferred region without a fallback",
    { body: { policy: "prefer-region", region: "eu-west", fallback: false } },
  ],
  ["the header", { header: "eu-west" }],
  ["the header's eu", { header: "eu" }],
  ["the header's country", { header: "country:FR" }],
  ["the key's region", { key: { region: "eu-west" } }],
  ["the key's country", { key: { region: "country:FR" } }],
  ["the key's zone", { key: { region: "zone:FRA" } }],
  ["the key's eu", { key: { region: "eu" } }],
  ["the account's region", { account: "eu-west" }],
  ["the account's country", { account: "country:FR" }],
  ["the operator's eu_only", { euOnly: true }],
];
const faults: Fault[] = ["500", "429", "cut", "slow", "refuses"];

async function sendAll(pin: Pin, settings: { hedge: boolean }): Promise<number> {
  const key = await gateway.mint({ ...settings, ...pin.key });
  let sent = 0;
  for (const [path, body] of routes) {
    if (isProxied(path) && pin.body !== undefined) continue;
    fault = faults[sent % faults.length] ?? "500";
    const reply = await gateway.ask(path, {
      key,
      headers: pin.header === undefined ? {} : { "x-lowrouter-region": pin.header },
      body: pin.body === undefined ? body : { ...body, route: pin.body },
    });
    sent++;
    // A pin that is not understood would hold as well.
    expect([path, pin, ...refusal(reply)]).not.toContain("invalid_value");
    expect(reply.text).not.toContain("from afar");
  }
  return sent;
}

test.each(pins)(
  "%s lets not a byte out, on no route, hedged or not, whatever fails",
  async (_, pin) => {
    routing.euOnly = pin.euOnly === true;
    if (pin.account !== undefined) {
      await setAccountRouting(gateway.store, gateway.accountId, { region: pin.account });
      await Bun.sleep(60); // As long as a cache of keys may be behind another process.
    }
    for (const hedge of [false, true]) expect(await sendAll(pin, { hedge })).toBeGreaterThan(20);
    if (pin.account !== undefined) {
      await setAccountRouting(gateway.store, gateway.accountId, undefined);
      await Bun.sleep(60);
    }
    expect(strayed).toEqual([]);
  },
);

test("without a pin the far place is reached on every route: it was the pin that held", async () => {
  const key = await gateway.mint({});
  routing.euOnly = false;
  isPinned = false;
  for (const [path, body] of routes) {
    strayed.length = 0;
    fault = "429";
    await gateway.ask(path, { key, body });
    const isNear = path.startsWith("/near-");
    expect([path, strayed.length > 0]).toEqual([path, !isNear]);
  }
});
