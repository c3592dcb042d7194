import { afterEach, beforeEach, expect, test } from "bun:test";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* Counting tokens asks the provider too, and so it takes one of the provider's places. */

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let script: (request: Request) => Response | Promise<Response>;
beforeEach(async () => {
  script = () => Response.json({ input_tokens: 77 });
  upstream = scriptedUpstream((request) => script(request));
  gateway = await startGateway({
    config(config) {
      config.timeouts.firstByteMs = 300;
      config.providers = { anthropic: { base_url: upstream.url, max_in_flight: 1 } };
    },
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

const question = {
  model: "anthropic/claude-haiku-4.5",
  messages: [{ role: "user", content: "How long is this?" }],
};
const count = (signal?: AbortSignal) =>
  gateway.ask("/v1/messages/count_tokens", { body: question, ...(signal ? { signal } : {}) });
async function crowd(): Promise<unknown> {
  const { json } = await gateway.ask("/v1/providers");
  const all = listAt(json, "data");
  return at(
    all.find((one) => at(one, "id") === "anthropic"),
    "in_flight",
  );
}
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 3000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("The condition did not come to hold");
    await Bun.sleep(1);
  }
}

test("no more counts are at a provider than it has places, and the others wait their turn", async () => {
  let inside = 0;
  let busiest = 0;
  const answers: (() => void)[] = [];
  script = () =>
    new Promise((resolve) => {
      busiest = Math.max(busiest, ++inside);
      answers.push(() => {
        inside--;
        resolve(Response.json({ input_tokens: 77 }));
      });
    });
  const calls = [count(), count(), count()];
  await until(async () => at(await crowd(), "waiting") === 2);
  for (let done = 0; done < 3; done++) {
    await until(() => answers.length > done);
    answers[done]?.();
  }
  for (const { json } of await Promise.all(calls)) expect(at(json, "input_tokens")).toBe(77);
  expect(busiest).toBe(1);
  expect(await crowd()).toMatchObject({ now: 0, waiting: 0 });
});

test.each<[string, () => Response | Promise<Response>]>([
  ["an answer", () => Response.json({ input_tokens: 77 })],
  ["a refusal", () => Response.json({ error: { message: "no" } }, { status: 400 })],
  ["a failure", () => Response.json({ error: { message: "no" } }, { status: 500 })],
  ["silence", () => new Promise(() => {})],
])("after %s the place is given back", async (_, answer) => {
  script = answer;
  for (let time = 0; time < 2; time++) await count();
  expect(upstream.requests()).toBe(2);
  expect(await crowd()).toMatchObject({ now: 0, waiting: 0 });
});

test("a client that leaves gives its place back, or its turn", async () => {
  script = () => new Promise(() => {});
  const leaving = new AbortController();
  const calls = [count(leaving.signal), count(leaving.signal)];
  await until(async () => at(await crowd(), "waiting") === 1);
  leaving.abort();
  for (const call of calls) await call.catch(() => {});
  await until(async () => at(await crowd(), "now") === 0 && at(await crowd(), "waiting") === 0);
});

test("where no place comes free in time, the count is our own estimate", async () => {
  script = () => new Promise(() => {});
  const [first, second] = await Promise.all([count(), count()]);
  for (const reply of [first, second]) {
    expect(reply.status).toBe(200);
    expect(at(reply.json, "estimated")).toBe(true);
  }
  await until(async () => at(await crowd(), "now") === 0);
});
