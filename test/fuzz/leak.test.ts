import { afterAll, beforeAll, expect, test } from "bun:test";
import { Chance } from "#test/fuzz/chance.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * Never a byte of another request: many at a time through a running gateway, whole and streamed, in every dialect and to
 * every wire, broken, refused and left amid the answer. Each has a word of its own, which nobody else may be told.
 */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    balance: 1000,
    config: (config) => (config.routing.maxAttempts = 1),
  });
  // Much goes wrong on purpose: nobody is set aside for it.
  gateway.app.health.failed = () => {};
});
afterAll(() => gateway.close());

const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"];
const misfortunes = [
  ...["", "", "", "byteByByte", "eventByEvent", "oneWrite", "unknownMembers", "perTokenMs=1"],
  ...["fault=cut_mid_stream", "fault=cut_mid_character", "fault=error_event", "fault=garbage"],
  ...["fault=no_terminal", "fault=no_usage", "status=400", "delayMs=5"],
];

interface Asked {
  path: string;
  body: object | string;
}

/** How each dialect says it. */
const dialects: readonly ((model: string, text: string, stream: boolean) => Asked)[] = [
  (model, text, stream) => ({
    path: "/v1/chat/completions",
    body: { model, stream, messages: [{ role: "user", content: text }], user: text.slice(-60) },
  }),
  (model, text, stream) => ({
    path: "/v1/messages",
    body: { model, stream, max_tokens: 500, messages: [{ role: "user", content: text }] },
  }),
  (model, text, stream) => ({
    path: "/v1/responses",
    body: { model, stream, store: false, input: text },
  }),
  (model, text, stream) => ({
    path: `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: { contents: [{ role: "user", parts: [{ text }] }] },
  }),
  // What cannot be read is refused beside the others.
  (model, text) => ({
    path: "/v1/chat/completions",
    body: `{"model":"${model}","messages":"${text}`,
  }),
  (model, text) => ({ path: "/v1/messages", body: { model, messages: [{ role: text }] } }),
];

const word = /canary[0-9a-f]{32}/g;

interface Heard {
  own: string;
  /** Everything that was told, with the headers. */
  text: string;
  isWhole: boolean;
}

/** Asks once. A request that leaves reads a few pieces and goes. */
async function ask(chance: Chance): Promise<Heard> {
  const own = `canary${crypto.randomUUID().replaceAll("-", "")}`;
  const long = " é🦊".repeat(chance.once(6) ? 3000 : chance.below(40));
  const simulated = chance.pick(misfortunes);
  const told = `${simulated === "" ? "" : `simulate:${simulated} `}echo: ${`${own} `.repeat(1 + chance.below(6))}${long}${own}`;
  const stream = chance.once(2);
  const { path, body } = chance.pick(dialects)(chance.pick(models), told, stream);
  const leave = new AbortController();
  const leaves = chance.once(4);
  let text = "";
  let isWhole = false;
  try {
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal: leave.signal,
    });
    text = JSON.stringify([...response.headers]);
    const decoder = new TextDecoder();
    let left = chance.below(4);
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      if (leaves && left-- === 0) leave.abort();
    }
    isWhole = response.status === 200 && !leaves && !/fault|status/.test(simulated);
  } catch (thrown) {
    // It left by itself; nobody else breaks a connection of ours.
    if (!leave.signal.aborted) throw thrown;
  }
  return { own, text, isWhole };
}

test("no answer, stream or refusal has a word of another request", async () => {
  const seed = String(Date.now());
  const chance = new Chance(seed);
  const all: Heard[] = [];
  let left = 300;
  const inTurn = async () => {
    while (left-- > 0) all.push(await ask(chance));
  };
  await Promise.all(Array.from({ length: 32 }, inTurn));
  const foreign = all.filter(({ own, text }) =>
    [...text.matchAll(word)].some(([found]) => found !== own),
  );
  expect({ seed, foreign: foreign.map(({ text }) => text.slice(0, 500)) }).toEqual({
    seed,
    foreign: [],
  });
  const whole = all.filter(({ isWhole }) => isWhole);
  expect(whole.length).toBeGreaterThan(40);
  // Whoever stayed was told its own.
  expect(whole.filter(({ own, text }) => !text.includes(own)).map(({ text }) => text)).toEqual([]);
  await gateway.until(() => true);
  expect(await gateway.imbalances()).toBe(0);
}, 120_000);
