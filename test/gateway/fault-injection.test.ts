import { expect, test } from "bun:test";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { errorCodes } from "#src/lib/error.ts";
import { isObject } from "#src/lib/json.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { at, eventsOf } from "#test/lib/gateway.ts";
import { freePort } from "#test/lib/port.ts";

/*
 * Three providers in one region serve a model, and a cheaper one in another. Every request is pinned to the region, and
 * says its number; what each provider does with each number is drawn from a seed, so that an oracle knows which requests
 * any provider of the region would have answered. The gateway's clock goes on with every request, so that all of them are
 * an hour of its time, in which circuits open and close, however fast the machine is.
 *
 * LOWROUTER_FAULT_REQUESTS=10000 runs the whole of it.
 */

const requests = Number(process.env["LOWROUTER_FAULT_REQUESTS"] ?? 2000);
const seed = Number(process.env["LOWROUTER_FAULT_SEED"] ?? 4);
const atOnce = 8;
/** Milliseconds of the gateway's clock. */
const stepMs = 3_600_000 / requests;
const firstByteMs = 120_000;
/** How much faster it goes besides, so that those who wait for silence are not waited for. */
const speed = 100;

const places = ["alpha", "beta", "gamma"] as const;
type Place = (typeof places)[number];
/** USD per million tokens. */
const prices: Readonly<Record<Place | "far", [number, number]>> = {
  alpha: [1, 2],
  beta: [1.1, 2.2],
  gamma: [1.2, 2.4],
  far: [0.1, 0.2],
};
type Deed =
  "answers" | "500" | "503" | "429" | "storm" | "reset" | "silent" | "garbage" | "cut" | "refuses";

let begun = 0;
const clock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => begun * stepMs + systemClock.monotonic() * speed,
};

/** Uniform in [0, 1), the same for the same numbers. */
function drawn(...numbers: number[]): number {
  let state = seed;
  for (const number of numbers) {
    state = Math.imul(state ^ (number + 0x9e3779b9), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return (state >>> 0) / 2 ** 32;
}

/** From, to as parts of all requests; and what the provider does then. */
const spells: Readonly<Record<Place, [number, number, (number: number) => Deed | undefined][]>> = {
  alpha: [
    [0.1, 0.16, () => "storm"],
    [0.5, 0.6, () => "refuses"],
  ],
  beta: [
    [0.13, 0.2, (number) => (drawn(number, 7) < 0.9 ? "500" : undefined)],
    [0.55, 0.65, () => "storm"],
  ],
  gamma: [
    // Up and down by turns.
    [0.3, 0.45, (number) => (Math.floor(number / 50) % 2 === 0 ? "503" : undefined)],
    [0.8, 0.83, () => "silent"],
  ],
};
/** What goes wrong at any time, and how often. */
const mishaps: readonly [Deed, number][] = [
  ["500", 0.006],
  ["503", 0.004],
  ["429", 0.004],
  ["reset", 0.006],
  ["silent", 0.002],
  ["garbage", 0.006],
  ["cut", 0.001],
];

/** What a provider does with a request. */
function deed(place: Place, number: number): Deed {
  for (const [from, to, does] of spells[place]) {
    if (number < from * requests || number >= to * requests) continue;
    const done = does(number);
    if (done !== undefined) return done;
  }
  let chance = drawn(number, places.indexOf(place));
  for (const [mishap, share] of mishaps) {
    if (chance < share) return mishap;
    chance -= share;
  }
  return "answers";
}
const isStream = (number: number) => drawn(number, 99) < 0.3;
const tokensOf = (number: number) => [10 + (number % 7), 5 + (number % 5)] as const;
/** Whether any provider of the region would have answered; one cut in mid-answer has not. */
const oracle = (number: number) =>
  places.some((place) => {
    const done = deed(place, number);
    return done === "answers" || (done === "cut" && !isStream(number));
  });

function answer(number: number): Response {
  const [prompt_tokens, completion_tokens] = tokensOf(number);
  const total_tokens = prompt_tokens + completion_tokens;
  const usage = { prompt_tokens, completion_tokens, total_tokens };
  const base = { id: `c${number}`, created: 1, model: "small" };
  if (!isStream(number)) {
    const message = { role: "assistant", content: `Answer ${number}` };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return Response.json({ ...base, object: "chat.completion", choices, usage });
  }
  const delta = { role: "assistant", content: `Answer ${number}` };
  const events = [
    { ...base, choices: [{ index: 0, delta, finish_reason: null }] },
    { ...base, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { ...base, choices: [], usage },
  ].map((event) => `data: ${JSON.stringify({ ...event, object: "chat.completion.chunk" })}\n\n`);
  return streamed(events.join("") + "data: [DONE]\n\n");
}

function streamed(body: string | ReadableStream): Response {
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Closes the connection, after so many bytes. */
function broken(first = ""): Response {
  const sent = new ReadableStream({
    type: "direct",
    async pull(controller) {
      if (first !== "") {
        controller.write(first);
        await controller.flush();
      }
      throw undefined;
    },
  });
  return first === "" ? new Response(sent) : streamed(sent);
}

const refusal = (status: number, headers: Record<string, string> = {}) =>
  Response.json({ error: { message: "scripted" } }, { status, headers });

function perform(done: Deed, number: number, signal: AbortSignal): Response | Promise<Response> {
  switch (done) {
    case "answers":
      return answer(number);
    case "500":
      return refusal(500);
    case "503":
      return refusal(503);
    case "429":
      return refusal(429);
    case "storm":
      return refusal(429, { "retry-after": "5" });
    case "garbage":
      return new Response("<html>", { headers: { "content-type": "text/html" } });
    case "cut":
      if (!isStream(number)) return answer(number);
      return broken('data: {"id":"c","choices":[{"index":0,"delta":{"content":"An"}}]}\n\n');
    case "silent":
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("The client hung up"))),
      );
    case "reset":
    case "refuses":
      return broken();
  }
}

/** A provider that can be switched off: then nobody listens. */
class Upstream {
  asked = 0;
  #server: ReturnType<typeof Bun.serve> | undefined;
  readonly port = freePort();

  constructor(readonly does: (number: number) => Deed) {
    this.#server = this.#listen();
  }

  #listen() {
    return Bun.serve({
      hostname: "127.0.0.1",
      port: this.port,
      idleTimeout: 0,
      fetch: async (request) => {
        this.asked++;
        const number = Number(/number (\d+)/.exec(await request.text())?.[1]);
        return perform(this.does(number), number, request.signal);
      },
    });
  }

  async switch(isOn: boolean): Promise<void> {
    if (isOn === (this.#server !== undefined)) return;
    const server = this.#server;
    this.#server = isOn ? this.#listen() : undefined;
    if (!isOn) await server?.stop(true);
  }
}

interface Told {
  number: number;
  isAnswered: boolean;
  /** Nano-units, of the answer's own provider; 0 for a failure. */
  cost: number;
}

async function ask(harness: Harness, pinnedKey: string, number: number): Promise<Told> {
  const byKey = number % 2 === 0;
  const response = await harness.post(
    "/v1/chat/completions",
    {
      model: "test/small",
      messages: [{ role: "user", content: `number ${number}` }],
      max_tokens: 50,
      stream: isStream(number),
      ...(byKey ? {} : { route: { region: "eu-west" } }),
    },
    byKey ? { headers: { authorization: `Bearer ${pinnedKey}` } } : {},
  );
  const text = await response.text();
  const failed = (error: unknown): Told => {
    expect<readonly unknown[]>(errorCodes).toContain(at(error, "code"));
    expect(typeof at(error, "type")).toBe("string");
    expect(typeof at(error, "message")).toBe("string");
    return { number, isAnswered: false, cost: 0 };
  };
  if (response.status !== 200) return failed(at(JSON.parse(text), "error"));
  const events = isStream(number) ? eventsOf(text) : [JSON.parse(text)];
  const error = events.map((event) => at(event, "error")).find((one) => one !== undefined);
  if (error !== undefined) return failed(error);
  expect(text).toContain(`Answer ${number}`);
  const block = events.map((event) => at(event, "lowrouter")).find(isObject);
  expect(at(block, "region")).toBe("eu-west");
  const place = places.find((one) => one === at(block, "provider"));
  if (place === undefined) throw new Error("An answer came from nowhere");
  const [input, output] = prices[place];
  const [prompt, completion] = tokensOf(number);
  return {
    number,
    isAnswered: true,
    cost: Math.round((prompt * input + completion * output) * 1000),
  };
}

test(`${requests} requests under random failures: none leaves its region, none is charged twice, every error is typed, and as many succeed as could`, async () => {
  const upstreams = {
    alpha: new Upstream((number) => deed("alpha", number)),
    beta: new Upstream((number) => deed("beta", number)),
    gamma: new Upstream((number) => deed("gamma", number)),
    far: new Upstream(() => "answers"),
  };
  const names = [...places, "far"] as const;
  const harness = await startHarness({
    balance: 1000,
    clock,
    change(config) {
      config.timeouts.firstByteMs = firstByteMs;
      config.timeouts.idleMs = firstByteMs;
      config.timeouts.connectMs = firstByteMs;
      config.providers = Object.fromEntries(
        names.map((name) => [
          name,
          {
            protocol: "openai-chat" as const,
            base_url: `http://127.0.0.1:${upstreams[name].port}/v1`,
            region: name === "far" ? "us-east" : "eu-west",
            country: name === "far" ? "US" : "FR",
          },
        ]),
      );
      config.models = names.map((name) => ({
        id: "test/small",
        provider: name,
        input_per_million: prices[name][0],
        output_per_million: prices[name][1],
      }));
    },
  });
  const pinnedKey = await harness.mint({ region: "eu-west" });
  const before = await harness.balance();
  const told: Told[] = [];
  const worker = async () => {
    for (let number = begun++; number < requests; number = begun++) {
      await upstreams.alpha.switch(deed("alpha", number) !== "refuses");
      told.push(await ask(harness, pinnedKey, number));
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - started) / 1000;
  await harness.until(() => true);

  expect(upstreams.far.asked).toBe(0);
  const answered = told.filter((one) => one.isAnswered).length;
  const possible = told.filter(({ number }) => oracle(number)).length;
  const sum = told.reduce((total, { cost }) => total + cost, 0);
  const asked = places.map((place) => `${place} ${upstreams[place].asked}`).join(", ");
  console.log(
    `${requests} requests in ${seconds.toFixed(1)} s: ${answered} answered of ${possible} that could be; asked: ${asked}`,
  );
  const rows = await harness.rows();
  expect(before - (await harness.balance())).toBe(sum);
  expect(rows.reduce((total, { cost }) => total + Number(cost), 0)).toBe(sum);
  expect(rows.filter(({ status }) => status === "ok")).toHaveLength(answered);
  expect(rows.every(({ region }) => region === "eu-west" || region === null)).toBe(true);
  expect(await harness.imbalances()).toBe(0);
  expect(answered / requests).toBeGreaterThanOrEqual(possible / requests - 0.005);
  // The faults were there: without moving on, this many would have failed.
  expect(told.filter(({ number }) => deed("alpha", number) !== "answers").length).toBeGreaterThan(
    requests / 10,
  );
  await harness.close();
  for (const upstream of Object.values(upstreams)) await upstream.switch(false);
}, 120_000);
