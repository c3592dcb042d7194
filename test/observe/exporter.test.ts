import { describe, expect, test } from "bun:test";
import { batchSize, Exporter, mostWaiting } from "#src/observe/exporter.ts";

interface Answer {
  status: number;
  retryAfterSeconds?: number;
  text?: string;
}

/** An exporter of numbers, a collector that answers as told, and a clock that is set by hand. */
function kit(answers: (Answer | Error)[]) {
  const sent: number[][] = [];
  const lost: [count: number, why: string][] = [];
  let time = 0;
  const timers = new Set<{ at: number; call: () => void }>();
  const exporter = new Exporter<number>({
    url: "http://collector/v1/traces",
    headers: { "x-key": "sesame" },
    now: () => time,
    after: (milliseconds, call) => {
      const timer = { at: time + milliseconds, call };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    encode: (batch) => ({ batch }),
    onLost: (count, why) => void lost.push([count, why]),
    post: (url, headers, body) => {
      expect([url, headers]).toEqual(["http://collector/v1/traces", { "x-key": "sesame" }]);
      const parsed: { batch: number[] } = JSON.parse(body);
      sent.push(parsed.batch);
      const next = answers.shift() ?? { status: 200 };
      if (next instanceof Error) return Promise.reject(next);
      return Promise.resolve({ retryAfterSeconds: undefined, text: "{}", ...next });
    },
  });
  /** Lets time pass until the next timer, which is called; undefined where there is none. */
  async function sleep(): Promise<number | undefined> {
    const [next] = [...timers].sort((one, other) => one.at - other.at);
    if (next === undefined) return undefined;
    const slept = next.at - time;
    time = next.at;
    timers.delete(next);
    next.call();
    await exporter.flush();
    return slept;
  }
  const wait = (milliseconds: number) => (time += milliseconds);
  return { exporter, sent, lost, wait, sleep };
}

describe("an exporter", () => {
  test("sends what waits in batches, and once only", async () => {
    const { exporter, sent, lost } = kit([]);
    for (let at = 0; at < batchSize + 3; at++) exporter.add(at);
    await Promise.all([exporter.flush(), exporter.flush()]);
    expect(sent.map((batch) => batch.length)).toEqual([batchSize, 3]);
    expect(sent.flat()).toEqual(Array.from({ length: batchSize + 3 }, (_, at) => at));
    await exporter.flush();
    expect([sent.length, exporter.waiting, lost]).toEqual([2, 0, []]);
  });

  test.each([429, 502, 503, 504])(
    "tries a batch again after a %d, when it is time",
    async (status) => {
      const { exporter, sent, lost, wait } = kit([{ status }]);
      exporter.add(1);
      await exporter.flush();
      exporter.add(2);
      await exporter.flush();
      expect(sent).toEqual([[1]]);
      wait(1000);
      await exporter.flush();
      expect(sent).toEqual([[1], [1], [2]]);
      expect(lost).toEqual([]);
    },
  );

  test("waits as long as the collector asks, and no longer than a minute", async () => {
    const { exporter, sent, wait } = kit([
      { status: 503, retryAfterSeconds: 30 },
      { status: 503, retryAfterSeconds: 9999 },
    ]);
    exporter.add(1);
    await exporter.flush();
    wait(29_999);
    await exporter.flush();
    expect(sent).toHaveLength(1);
    wait(1);
    await exporter.flush();
    expect(sent).toHaveLength(2);
    wait(60_000);
    await exporter.flush();
    expect(sent).toHaveLength(3);
  });

  test("wakes by itself after 1, 2, 4, 8 and 16 seconds, and then gives up", async () => {
    const { exporter, sent, lost, sleep } = kit(Array.from({ length: 6 }, () => ({ status: 503 })));
    exporter.add(1);
    await exporter.flush();
    const slept: (number | undefined)[] = [];
    for (let tries = 0; tries < 6; tries++) slept.push(await sleep());
    expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000, undefined]);
    expect([sent.length, lost]).toEqual([6, [[1, "the collector answered 503"]]]);
  });

  test("that was flushed in the meantime has one timer, and none once it is closed", async () => {
    const { exporter, sent, wait, sleep } = kit([
      { status: 503 },
      { status: 503 },
      { status: 503 },
    ]);
    exporter.add(1);
    await exporter.flush();
    wait(1000);
    await exporter.flush();
    expect([sent.length, await sleep(), sent.length]).toEqual([2, 2000, 3]);
    await exporter.close();
    expect([sent.length, await sleep()]).toEqual([4, undefined]);
  });

  test.each([400, 401, 404, 413, 500, 301])(
    "gives a batch up that is answered %d",
    async (status) => {
      const { exporter, sent, lost } = kit([{ status }]);
      exporter.add(1);
      await exporter.flush();
      expect([sent.length, exporter.waiting]).toEqual([1, 0]);
      expect(lost).toEqual([[1, `the collector answered ${status}`]]);
    },
  );

  test("gives up what fails too often, and what fails says no address", async () => {
    const fault = Object.assign(new Error("cannot reach http://user:secret@collector"), {
      code: "ConnectionRefused",
    });
    const { exporter, sent, lost, wait } = kit(Array.from({ length: 6 }, () => fault));
    exporter.add(1);
    for (let tries = 0; tries < 8; tries++) {
      await exporter.flush();
      wait(60_000);
    }
    expect(sent).toHaveLength(6);
    expect(lost).toEqual([[1, "ConnectionRefused"]]);
  });

  test("holds so many and no more, and says how many were lost", async () => {
    const { exporter, sent, lost } = kit([]);
    for (let at = 0; at < mostWaiting + 10; at++) expect(exporter.add(at)).toBe(at < mostWaiting);
    await exporter.flush();
    expect(sent.flat()).toHaveLength(mostWaiting);
    expect(lost).toEqual([[10, "more came than could be sent"]]);
  });

  test("tells what a collector did not take of what it took", async () => {
    const { exporter, lost } = kit([
      { status: 200, text: '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}' },
    ]);
    exporter.add(1);
    await exporter.flush();
    expect(lost).toEqual([[3, "the collector refused them"]]);
  });

  test("sends once more when it closes, and gives up the rest", async () => {
    const { exporter, sent, lost } = kit([{ status: 503 }, { status: 503 }]);
    exporter.add(1);
    await exporter.flush();
    await exporter.close();
    expect(sent).toEqual([[1], [1]]);
    expect(lost).toEqual([[1, "the gateway stops"]]);
    expect(exporter.waiting).toBe(0);
  });
});
