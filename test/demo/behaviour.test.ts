import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { behaviourIn } from "#src/demo/behaviour.ts";
import type { Protocol as Simulated } from "#src/demo/simulate.ts";
import { startSimulatedProvider } from "#src/demo/simulate.ts";
import { systemClock } from "#src/lib/clock.ts";
import { post, startUpstreams } from "#test/lib/upstream.ts";

type Protocol = Exclude<Simulated, "mistral">;

const upstreams = startUpstreams();
const protocols: Protocol[] = ["openai", "anthropic", "gemini"];
beforeEach(() => {
  upstreams.behave();
  for (const protocol of protocols) upstreams[protocol].stats.reset();
});
afterAll(() => upstreams.stop());

/** The same question in each protocol. */
function ask(
  protocol: Protocol,
  text: string,
  { stream = false, signal }: { stream?: boolean; signal?: AbortSignal } = {},
): Promise<Response> {
  const init = signal ? { signal } : {};
  const messages = [{ role: "user", content: text }];
  if (protocol === "gemini") {
    const call = stream ? "streamGenerateContent?alt=sse" : "generateContent";
    const contents = [{ role: "user", parts: [{ text }] }];
    return post(upstreams, protocol, `/models/gemini-2.5-flash:${call}`, { contents }, init);
  }
  const body = { model: "m", max_tokens: 4096, stream, messages };
  const path = protocol === "openai" ? "/chat/completions" : "/messages";
  return post(upstreams, protocol, path, body, init);
}

/** Bytes until the end, and whether the end was clean. */
async function drain(response: Response): Promise<{ bytes: Uint8Array; clean: boolean }> {
  const parts: Uint8Array[] = [];
  let clean = true;
  try {
    for await (const part of response.body ?? []) parts.push(part);
  } catch {
    clean = false;
  }
  return { bytes: new Uint8Array(Buffer.concat(parts)), clean };
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 2000;
  while (!condition() && performance.now() < end) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

const terminal = {
  openai: "data: [DONE]",
  anthropic: '"message_stop"',
  gemini: '"finishReason"',
} as const;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe.each(protocols)("%s", (protocol) => {
  test("fails with a status, a code and a time to wait", async () => {
    const limited = await ask(protocol, "simulate:status=429,retryAfter=7");
    expect(limited.status).toBe(429);
    if (protocol === "gemini") expect(await limited.text()).toContain('"retryDelay":"7s"');
    else expect(limited.headers.get("retry-after")).toBe("7");
    const empty = await ask(protocol, "simulate:status=429,code=insufficient_quota");
    expect(empty.headers.get("retry-after")).toBeNull();
    expect(await empty.text()).toContain("insufficient_quota");
    for (const status of [500, 503, 529])
      expect((await ask(protocol, `simulate:status=${status}`)).status).toBe(status);
  });

  test("answers 200 with an error body, and with garbage", async () => {
    const error = await ask(protocol, "simulate:fault=error_body");
    expect(error.status).toBe(200);
    expect(await error.json()).toHaveProperty("error.message");
    const garbage = await ask(protocol, "simulate:fault=garbage", { stream: true });
    expect(await garbage.text()).toStartWith("<html>");
  });

  test("closes the connection without a byte", async () => {
    await expect(ask(protocol, "simulate:fault=reset")).rejects.toThrow();
  });

  test("closes it in the middle of a whole answer", async () => {
    const whole = await drain(await ask(protocol, "simulate:fault=cut_mid_stream"));
    expect(whole.clean).toBe(false);
    expect(() => JSON.parse(text(whole.bytes))).toThrow();
  });

  test("leaves out the terminal events, the usage, or sends an error event", async () => {
    const open = await drain(await ask(protocol, "simulate:fault=no_terminal", { stream: true }));
    expect([open.clean, text(open.bytes).includes(terminal[protocol])]).toEqual([true, false]);
    const broken = await drain(await ask(protocol, "simulate:fault=error_event", { stream: true }));
    expect(text(broken.bytes)).toContain('"error":{');
    expect(text(broken.bytes)).not.toContain(terminal[protocol]);
    for (const stream of [false, true]) {
      const silent = await (await ask(protocol, "simulate:fault=no_usage", { stream })).text();
      expect(silent).not.toContain('"usage');
      expect(silent).toContain("simulated");
    }
  });

  test("adds members nobody knows, and keeps their digits", async () => {
    for (const stream of [false, true]) {
      const answer = await (await ask(protocol, "simulate:unknownMembers", { stream })).text();
      expect(answer).toContain('"unknown_number":12345678901234567890');
      for (const line of answer.split(/\r?\n/).filter((one) => one.startsWith("data: {")))
        expect(JSON.parse(line.slice(6))).toHaveProperty("unknown_number");
    }
  });

  test.each(["silent", "hang_mid_stream"])(
    "waits when told %s, and sees the client go",
    async (fault) => {
      const leave = new AbortController();
      const { stats } = upstreams[protocol];
      const asked = ask(protocol, `simulate:fault=${fault}`, {
        stream: true,
        signal: leave.signal,
      });
      const left = asked.then(drain, () => undefined);
      await until(() => stats.bodies === 1);
      if (fault === "hang_mid_stream") await asked;
      expect(stats.inFlight).toBe(1);
      const at = performance.now();
      leave.abort();
      await until(() => stats.aborted === 1);
      expect(performance.now() - at).toBeLessThan(100);
      expect([stats.inFlight, stats.hangUps.length]).toEqual([0, 1]);
      expect(stats.hangUps[0]?.sinceLastByteMs).toBeGreaterThanOrEqual(0);
      await left;
    },
  );

  test("makes an answer as long as told", async () => {
    const answer = await (await ask(protocol, "simulate:answerTokens=500")).text();
    expect(answer.length).toBeGreaterThan(1900);
  });
});

test("several behaviours are for one request each, and the last one stays", async () => {
  upstreams.openai.behave({ status: 503 }, { status: 429 }, {});
  const statuses = [];
  for (let asked = 0; asked < 4; asked++) statuses.push((await ask("openai", "Hi")).status);
  expect(statuses).toEqual([503, 429, 200, 200]);
});

test("the last request is kept byte for byte, and what is in flight is counted", async () => {
  const body =
    '{ "model": "m",\t"messages":[{"role":"user","content":"é simulate:delayMs=30"}], "n":1 }';
  await Promise.all([
    post(upstreams, "openai", "/chat/completions", body),
    post(upstreams, "openai", "/chat/completions", body),
  ]);
  const { stats } = upstreams.openai;
  expect(text(stats.lastBody ?? new Uint8Array())).toBe(body);
  expect(stats.lastPath).toBe("/v1/chat/completions");
  expect(stats.lastHeaders?.authorization).toBe(`Bearer ${upstreams.keys.openai}`);
  expect([stats.requests, stats.bodies, stats.inFlight, stats.peakInFlight]).toEqual([2, 2, 0, 2]);
  expect(stats.aborted).toBe(0);
  stats.reset();
  expect([stats.requests, stats.peakInFlight, stats.lastBody]).toEqual([0, 0, undefined]);
});

test("latency is waited for, the failure rate is drawn", async () => {
  const chances = [0.5, 0.05];
  const slow = startSimulatedProvider({
    protocol: "openai",
    clock: systemClock,
    random: () => chances.shift() ?? 1,
    latency: { firstByteMs: 20, perTokenMs: 2 },
    failureRate: 0.1,
  });
  const body = { model: "m", stream: true, messages: [{ role: "user", content: "echo: a b c d" }] };
  const send = () =>
    fetch(`${slow.url}/chat/completions`, { method: "POST", body: JSON.stringify(body) });
  const start = performance.now();
  const good = await send();
  expect(performance.now() - start).toBeGreaterThanOrEqual(19);
  await drain(good);
  // Seven events, six waits between them.
  expect(performance.now() - start).toBeGreaterThanOrEqual(19 + 6 * 2 - 1);
  expect((await send()).status).toBe(503);
  await slow.stop();
});

test("magic words are the names of the members, and others are ignored", () => {
  expect(behaviourIn("Hello")).toBeUndefined();
  expect(behaviourIn("x simulate:status=503,retryAfter=2 y")).toEqual({
    status: 503,
    retryAfter: 2,
  });
  expect(behaviourIn("simulate:byteByByte,toString=1,fault=none")).toEqual({ byteByByte: true });
});
