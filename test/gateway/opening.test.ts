import { expect, test } from "bun:test";
import type { StreamRelay } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { Opening, opened } from "#src/gateway/trying/opening.ts";
import { createDeadlines } from "#src/lib/deadline.ts";
import { decode, encode, type Payload } from "#src/lib/bytes.ts";
import type { Exchange } from "#src/provider/exchange.ts";
import { startHarness } from "#test/gateway/harness.ts";

/** A relay that passes everything on; words are in capitals. */
class Plain implements StreamRelay {
  readonly id = undefined;
  readonly usage = undefined;
  ended = false;
  over = false;
  outputBytes = 0;
  push(chunk: Uint8Array): Payload {
    const text = decode(chunk);
    this.outputBytes += text.replaceAll(/[^A-Z]/g, "").length;
    this.ended ||= text.includes("!");
    this.over ||= text.includes(".");
    return text.includes("b") ? chunk.slice() : text;
  }
  finish = () => "";
  end = () => "";
  fail = () => "";
}

function opening() {
  const flow = new Plain();
  const begins = new Opening(flow);
  return { begins, push: (text: string) => begins.push(encode(text)) };
}
const textOf = (payload: Payload) => (typeof payload === "string" ? payload : decode(payload));

test("an answer has begun with its first word, and what announced it is kept in order", () => {
  const { begins, push } = opening();
  expect([push("a"), push("b"), push("c"), push("dE")]).toEqual([false, false, false, true]);
  expect(textOf(begins.take())).toBe("abcdE");
  expect(begins.take()).toBe("");
});

test("an answer without a word has begun with its end, and never where it stops before", () => {
  expect(opening().push("!")).toBe(true);
  expect(() => opening().push("a.")).toThrow("before the terminal event");
  const { begins, push } = opening();
  push("a");
  expect(() => begins.end()).toThrow("before the terminal event");
  expect(begins.isAtEnd).toBe(false);
});

test("no more than a megabyte is held back", () => {
  const { push } = opening();
  expect(push("a".repeat(1_048_576))).toBe(false);
  expect(push("a")).toBe(true);
});

interface Script {
  here?: string;
  reads: (Promise<Uint8Array | undefined> | string | undefined)[];
}

function exchangeOf({ here, reads }: Script) {
  const asked = { reads: 0 };
  const exchange: Exchange = {
    head: Promise.resolve({ status: 200, header: () => undefined }),
    here: () => (here === undefined ? undefined : encode(here)),
    read() {
      const next = reads[asked.reads++];
      return next instanceof Promise
        ? next
        : Promise.resolve(next === undefined ? undefined : encode(next));
    },
    bytes: () => new Uint8Array(),
    abort() {},
  };
  return { exchange, asked };
}

/** Waits for a stream to begin, where a moment has so many milliseconds. */
async function begin(script: Script, act: (opened: Opening | Promise<Opening>) => Promise<void>) {
  const harness = await startHarness();
  const route = harness.app.routes.models.flatMap((model) => harness.app.routes.of(model))[0];
  if (route === undefined) throw new Error("It has routes");
  let now = 0;
  let timers = 0;
  const deadlines = createDeadlines({ now: () => now, monotonic: () => (now += 200) }, 1);
  const app: App = {
    ...harness.app,
    deadlines: {
      ...deadlines,
      after(milliseconds, expire) {
        timers++;
        return deadlines.after(milliseconds, expire);
      },
    },
  };
  const { exchange, asked } = exchangeOf(script);
  const begins = opened(new Plain(), exchange, route, app);
  const isWaiting = begins instanceof Promise;
  await act(begins);
  deadlines.stop();
  await harness.close();
  return { isWaiting, timers, reads: asked.reads };
}

test("nothing is waited for or timed where the first word came with the head", async () => {
  const seen = await begin({ here: "aB", reads: [] }, async (begins) => {
    expect(textOf((await begins).take())).toBe("aB");
  });
  expect(seen).toEqual({ isWaiting: false, timers: 0, reads: 0 });
});

test("what came with the head is held back until the first word", async () => {
  const seen = await begin({ here: "a", reads: ["b", "C"] }, async (begins) => {
    const { reading, isAtEnd } = await begins;
    expect([reading, isAtEnd]).toEqual([undefined, false]);
    expect(textOf((await begins).take())).toBe("abC");
  });
  expect(seen).toMatchObject({ isWaiting: true, reads: 2 });
});

test("the hold ends by itself, and hands on the read that is still waited for", async () => {
  const late = Promise.withResolvers<Uint8Array | undefined>();
  const seen = await begin({ here: "a", reads: [late.promise] }, async (begins) => {
    const { reading } = await begins;
    expect(textOf((await begins).take())).toBe("a");
    late.resolve(encode("B"));
    expect(decode((await reading) ?? new Uint8Array())).toBe("B");
  });
  expect(seen.reads).toBe(1);
});

test("a read that breaks after the hold is nobody's unhandled rejection", async () => {
  const late = Promise.withResolvers<Uint8Array | undefined>();
  let unhandled = 0;
  const count = () => unhandled++;
  process.on("unhandledRejection", count);
  await begin({ reads: [late.promise] }, async (begins) => {
    await begins;
    late.reject(new Error("The connection broke"));
    await Bun.sleep(5);
  });
  process.off("unhandledRejection", count);
  expect(unhandled).toBe(0);
});

test("a stream that ends before its first word rejects", async () => {
  await begin({ reads: ["a", undefined] }, async (begins) => {
    await expect((async () => begins)()).rejects.toThrow("before the terminal event");
  });
});
