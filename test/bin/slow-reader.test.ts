/** What clients cost that ask for a stream and do not read it: a bounded part of memory, and nobody's time. */
import type { Socket } from "bun";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { use } from "#test/bench/process.ts";
import { answerAt } from "#test/bench/held.ts";
import { until } from "#test/bin/executable.ts";
import { chat, chatBody } from "#test/bin/provider.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import { fromSources, type Gateway } from "#test/chaos/program.ts";
import { heapOf } from "#test/soak/sample.ts";

const deafEach = 8;
const paths = ["/v1/chat/completions", "/v1/messages", "/openai/v1/chat/completions"];
/** The kernel keeps some megabytes of every connection; all that is beyond would be the gateway's. */
const kernelMegabytes = 24;
/** Of the gateway's own memory, garbage apart: what was read and not passed on yet, and the buffers beneath. */
const heldMegabytes = 2;
const residentMegabytes = 8;
/** A stream that moves at all on this machine does so within this. */
const stallMs = 1500;
const largest = 2 ** 34;

const event = `data: ${JSON.stringify({
  id: "chatcmpl-endless",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta: { content: "word ".repeat(3200) }, finish_reason: null }],
})}\n\n`;
const piece = Buffer.from(`${event.length.toString(16)}\r\n${event}\r\n`);
const streamHead =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

interface Line {
  asked: string;
  /** Endless once it has begun. */
  isEndless: boolean;
  unsent: Buffer;
}

/** An upstream that writes without end where it is asked to, as fast as it is read. */
function endlessUpstream() {
  let taken = 0;
  let open = 0;
  function pour(socket: Socket<Line>): void {
    const { data } = socket;
    while (taken < largest) {
      if (data.unsent.length === 0) data.unsent = piece;
      const sent = Math.max(0, socket.write(data.unsent));
      taken += sent;
      data.unsent = data.unsent.subarray(sent);
      if (data.unsent.length > 0) return;
    }
  }
  const server = Bun.listen<Line>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) =>
        void (socket.data = { asked: "", isEndless: false, unsent: Buffer.alloc(0) }),
      data(socket, bytes) {
        const { data } = socket;
        if (data.isEndless) return;
        data.asked += bytes.toString("latin1");
        const end = data.asked.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(data.asked)?.[1] ?? 0);
        if (end === -1 || data.asked.length < end + 4 + length) return;
        const isEndless = data.asked.includes("endless");
        data.asked = "";
        if (isEndless) {
          open++;
          data.isEndless = true;
          socket.write(streamHead);
          return pour(socket);
        }
        const body = JSON.stringify(answerAt("/chat/completions"));
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
      },
      drain: (socket) => {
        if (socket.data.isEndless) pour(socket);
      },
      close: (socket) => {
        if (socket.data.isEndless) open--;
      },
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    /** Bytes that the sockets of all streams took. */
    taken: () => taken,
    open: () => open,
    stop: () => server.stop(true),
  };
}

const upstream = endlessUpstream();
let house: House;
let gateway: Gateway;
let heapSocket: string;
const deaf: Socket<undefined>[] = [];
beforeAll(async () => {
  house = await openHouse({
    program: fromSources([join(import.meta.dir, "../soak/heap-door.ts")]),
    env: { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: "x" },
  });
  heapSocket = join(house.folder, "heap");
  gateway = await house.serve({ env: { SOAK_HEAP: heapSocket } });
}, 60_000);
afterAll(async () => {
  for (const socket of deaf) socket.terminate();
  gateway.kill("SIGKILL");
  await gateway.ended;
  upstream.stop();
  await house[Symbol.asyncDispose]();
});

const key = () => house.keys[0] ?? "";

/** Asks for an endless stream and stops reading before the first byte. */
async function beDeaf(path: string): Promise<void> {
  const model = path.startsWith("/openai") ? "gpt-4o-mini" : "openai/gpt-4o-mini";
  const body = chatBody("endless", { model, stream: true, max_tokens: 100 });
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key()}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: gateway.port,
    socket: { open: (opened) => void opened.pause(), data() {} },
  });
  deaf.push(socket);
  socket.write(head + body);
}

/** The middle of how long a plain request takes now, milliseconds. */
async function middleMs(count: number): Promise<number> {
  const took: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const from = performance.now();
    const answer = await chat(gateway.url, key());
    await answer.text();
    expect(answer.status).toBe(200);
    took.push(performance.now() - from);
  }
  return took.toSorted((a, b) => a - b)[count >> 1] ?? Infinity;
}

/** What the gateway has after a full collection, MB: on its heap, and resident. */
async function memory(): Promise<{ heap: number; resident: number }> {
  const heap = ((await heapOf(heapSocket))?.heapSize ?? Number.NaN) / 1e6;
  return { heap, resident: (await use(gateway.pid))?.residentMegabytes ?? Number.NaN };
}

/** Resolves once no upstream could write for a while. */
async function stalled(): Promise<void> {
  let seen = upstream.taken();
  let since = performance.now();
  await until("the upstreams stall", () => {
    const now = upstream.taken();
    if (now !== seen) since = performance.now();
    seen = now;
    return performance.now() - since > stallMs;
  });
}

test("clients that stop reading cost a bounded memory, stall their upstreams, slow nobody, and go on where they read again", async () => {
  await middleMs(50);
  const alone = await middleMs(40);
  const before = await memory();
  await Promise.all(paths.flatMap((path) => Array.from({ length: deafEach }, () => beDeaf(path))));
  const count = deaf.length;
  await until("every stream has begun", () => upstream.open() === count);
  await stalled();
  const taken = upstream.taken();
  expect(taken / count / 1e6).toBeLessThan(kernelMegabytes);
  const after = await memory();
  const held = (after.heap - before.heap) / count;
  const resident = (after.resident - before.resident) / count;
  console.log(
    `${count} clients that do not read: ${(taken / count / 1e6).toFixed(1)} MB taken from each upstream, ` +
      `${held.toFixed(2)} MB held for each, ${resident.toFixed(2)} MB resident`,
  );
  expect(held).toBeLessThan(heldMegabytes);
  expect(resident).toBeLessThan(residentMegabytes);
  expect(await middleMs(40)).toBeLessThan(3 * alone + 20);
  // None of them was given up, and nothing moved meanwhile.
  expect(upstream.open()).toBe(count);
  expect(upstream.taken()).toBe(taken);
  for (const socket of deaf) socket.resume();
  await until("the streams move again", () => upstream.taken() > taken + count * 1e6);
  for (const socket of deaf) socket.terminate();
  await until("the upstreams are let go", () => upstream.open() === 0);
}, 60_000);
