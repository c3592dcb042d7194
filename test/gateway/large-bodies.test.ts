import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  answerAt,
  type HeldGateway,
  holdingStream,
  holdingUpstream,
  startHeldGateway,
} from "#test/bench/held.ts";
import { base64Of, type PicturePath, picturePaths } from "#test/bench/pictures.ts";
import { stallingUpstream } from "#test/bench/stalling.ts";

/*
 * A copy counts as 1.0. What an earlier request left, and the collector did not find yet, may count for a copy or two
 * of all together; so a limit is half a copy above what is held, and one copy more is one too many on any machine.
 */
const megabyte = 1_048_576;
const count = 12;
const picture = base64Of(megabyte);
const once = [0.7, 1.5] as const;

const upstream = holdingUpstream();
let gateway: HeldGateway;

beforeAll(async () => {
  gateway = await startHeldGateway([upstream.url]);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe("a request with a picture of 1 MB, while the upstream works on it", () => {
  const words = ["What is this?", "Was ist das für eins?", "これは何ですか 🦊"];
  test.each(picturePaths.flatMap((one) => words.map((said) => ({ ...one, said }))))(
    "is held once: $name, $said",
    async ({ path, body, said }) => {
      // The first of its kind loads what stays loaded.
      for (const _ of [1, 2]) await (await gateway.ask(path, body(base64Of(100), said))).text();
      const { reached, release } = upstream;
      const held = { path, body: body(picture, said), count, reached, release };
      expect((await gateway.copies(held)).referenced).toBeWithin(...once);
    },
    20_000,
  );
});

describe("40 requests with a picture of 1.4 MB, while the upstream works on them", () => {
  test.each([0, 1, 4, 7].flatMap((at) => picturePaths[at] ?? []))(
    "are resident less than twice, with all that is not collected yet: $name",
    async ({ path, body }) => {
      await using own = await startHeldGateway([upstream.url]);
      await (await own.ask(path, body(base64Of(100)))).text();
      const { reached, release } = upstream;
      const held = { path, body: body(base64Of(1_400_000)), count: 40, reached, release };
      // Undefined where the system does not tell.
      expect((await own.copies(held)).resident ?? 0).toBeLessThan(2);
    },
    20_000,
  );
});

describe("a request with a picture of 16 MB, while the upstream does not read it", () => {
  test.each([0, 1, 4, 7].flatMap((at) => picturePaths[at] ?? []))(
    "is held once, and sent from where it is held: $name",
    async ({ path, body }) => {
      await using slow = stallingUpstream();
      await using own = await startHeldGateway([slow.url]);
      await (await own.ask(path, body(base64Of(100)))).text();
      const large = body(base64Of(16 * megabyte));
      const { reached, release } = slow;
      const copies = await own.copies({ path, body: large, count: 4, reached, release });
      expect(copies.referenced).toBeWithin(...once);
    },
    30_000,
  );
});

describe("a request whose stream has begun", () => {
  const words = "The quick brown fox considers the lazy dog. ".repeat(25_000);
  const [chat, ...others] = picturePaths.filter(({ name }) => name.endsWith("→ chat"));
  const proxied = chat && {
    name: "through the provider's own path",
    path: "/openai/v1/chat/completions",
    body: (base64: string, words?: string) =>
      chat.body(base64, words).replace("openai/gpt-4o-mini", "gpt-4o-mini"),
  };

  test.each(
    [chat, proxied, ...others]
      .flatMap((one) => one ?? [])
      .flatMap((one) => [
        { ...one, what: "a picture of 1 MB", asked: one.body(picture) },
        { ...one, what: "a picture and ü", asked: one.body(picture, "Was ist das für eins?") },
        { ...one, what: "1 MB of words", asked: one.body(base64Of(100), words) },
        { ...one, what: "words and ü", asked: one.body(base64Of(100), `${words}ü`) },
        {
          ...one,
          what: "60 KB of words",
          asked: one.body(base64Of(100), words.slice(0, 60_000)),
          count: 40,
        },
      ]),
  )("is not held any more: $name, $what", async (one) => {
    const { path, body: bodyOf, asked, count = 12 } = { count: 12, ...one };
    await using streaming = holdingStream();
    await using own = await startHeldGateway([streaming.url]);
    const streamed = path.replace(":generateContent", ":streamGenerateContent?alt=sse");
    const toStream = (text: string) => JSON.stringify({ ...JSON.parse(text), stream: true });
    const each = (body: string) =>
      Promise.all(Array.from({ length: count }, () => own.ask(streamed, body)));
    // Over a connection that is kept, a request could be sent again until its answer begins.
    for (const one of await each(toStream(bodyOf(base64Of(100))))) await one.text();
    const body = toStream(asked);
    const before = await own.held();
    const answers = await each(body);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    // The collector may not have found one yet.
    expect(((await own.held()) - before) / count / body.length).toBeLessThan(0.5);
    streaming.release();
    for (const answer of answers) expect(await answer.text()).toContain(" picture.");
  });
});

describe("an answer of 1 MB, while it is settled", () => {
  const said = "The quick brown fox considers the lazy dog. ".repeat(25_000).slice(0, megabyte);
  const hello = [{ role: "user", content: "Hello" }];
  const numbers = Array.from({ length: 50_000 }, (_, index) => Math.fround(Math.sin(index)));
  const vectors = {
    object: "list",
    model: "held",
    data: [{ object: "embedding", index: 0, embedding: numbers }],
    usage: { prompt_tokens: 1, total_tokens: 1 },
  };
  const chat = (model: string) => ({
    path: "/v1/chat/completions",
    asked: { model, messages: hello },
  });
  const embed = (model: string) => ({ path: "/v1/embeddings", asked: { model, input: "Hello" } });
  const claude = "anthropic/claude-haiku-4.5";

  test.each([
    { name: "a text", ...chat("openai/gpt-4o-mini"), answer: (at: string) => answerAt(at, said) },
    { name: "a text, translated", ...chat(claude), answer: (at: string) => answerAt(at, said) },
    { name: "ü", ...chat("openai/gpt-4o-mini"), answer: (at: string) => answerAt(at, `${said}ü`) },
    { name: "ü, translated", ...chat(claude), answer: (at: string) => answerAt(at, `${said}ü`) },
    { name: "vectors", ...embed("openai/text-embedding-3-small"), answer: () => vectors },
    {
      name: "vectors, translated",
      ...embed("google/gemini-embedding-001"),
      answer: () => ({ embeddings: [{ values: numbers }] }),
    },
  ])("is held once: $name", async ({ path, asked, answer }) => {
    await using answering = holdingUpstream(answer);
    await using own = await startHeldGateway([answering.url]);
    const body = JSON.stringify(asked);
    const copyBytes = (await (await own.ask(path, body)).arrayBuffer()).byteLength;
    expect(copyBytes).toBeGreaterThan(0.9 * megabyte);
    const { reached, release } = own.settlement;
    const copies = await own.copies({ path, body, count, reached, release, copyBytes });
    expect(copies.referenced).toBeWithin(...once);
  });
});

describe("a picture whose first connection breaks", () => {
  const words = ["What is this?", "これは何ですか 🦊"];
  const [same, , , , crossed] = picturePaths;

  test.each(words)("arrives byte by byte at the next upstream: %s", async (said) => {
    const { sent, broken, good } = await failedOver(same, said);
    expect(broken).toBe(1);
    expect(good).toBe(sent.replace('"openai/gpt-4o-mini"', '"gpt-4o-mini"'));
  });

  test.each(words)("arrives whole at the next upstream in another wire: %s", async (said) => {
    const { broken, good } = await failedOver(crossed, said);
    expect(broken).toBe(1);
    expect(JSON.parse(good)).toMatchObject({
      messages: [
        {
          content: [
            { type: "text", text: said },
            { type: "image_url", image_url: { url: `data:image/png;base64,${picture}` } },
          ],
        },
      ],
    });
  });

  /** What was sent, how often the first upstream was reached, and what the second one got. */
  async function failedOver(one: PicturePath | undefined, said: string) {
    await using first = stallingUpstream({ breaks: true });
    await using second = stallingUpstream();
    await using own = await startHeldGateway([second.url, first.url]);
    const { path, body } = one ?? { path: "", body: () => "" };
    const sent = body(picture, said).replace(/"model":"[^"]*"/, '"model":"openai/gpt-4o-mini"');
    const response = await own.ask(path, sent);
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining("A picture."),
    ]);
    return { sent, broken: first.connections(), good: second.lastBody() };
  }
});
