/**
 * Counts the copies of a body that a gateway holds: many requests at once, all held at the same place, and what memory
 * grew by, divided by what was sent. Referenced is exact and the same on every machine: a heap after a full collection.
 * Resident also counts what the collector and the allocator have not given back.
 */
import { join } from "node:path";
import * as v from "valibot";
import { use } from "#test/bench/process.ts";

const begun = v.strictObject({ port: v.number(), key: v.string() });
const told = v.strictObject({ heldBytes: v.number() });

/** Copies of a body, per request. */
export interface Copies {
  referenced: number;
  /** Absent where the system does not tell. */
  resident: number | undefined;
}

/** A gateway's process that is asked for its memory. */
export interface HeldGateway extends AsyncDisposable {
  ask(path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response>;
  /** Bytes that its heap holds after a full collection. */
  held(): Promise<number>;
  /** Sends as many requests as asked for, waits until all are held, counts, and lets them go. */
  copies(held: {
    path: string;
    body: string;
    count: number;
    /** Settles when all of them are where they are counted. */
    reached: (count: number) => Promise<void>;
    release: () => void;
    /** What a copy is, in bytes; absent: the request's body. */
    copyBytes?: number;
  }): Promise<Copies>;
  /** Holds answers where they are settled: for `copies`. */
  settlement: { reached: (count: number) => Promise<void>; release: () => void };
}

/** Starts one on upstreams by their addresses. */
export async function startHeldGateway(upstreams: readonly string[]): Promise<HeldGateway> {
  let heard: (message: unknown) => void = () => {};
  const next = () => new Promise<unknown>((resolve) => (heard = resolve));
  const first = next();
  const script = join(import.meta.dir, "held-gateway.ts");
  const child = Bun.spawn([process.execPath, script, ...upstreams], {
    stdout: "ignore",
    stderr: "inherit",
    ipc: (message: unknown) => heard(message),
    onExit: () => heard(undefined),
  });
  const { port, key } = v.parse(begun, await first);
  const tell = async (message: string | number) => {
    const answer = next();
    child.send(message);
    return v.parse(told, await answer);
  };
  const resident = async () => {
    const used = await use(child.pid);
    return used && used.residentMegabytes * 1e6;
  };
  const ask: HeldGateway["ask"] = (path, body) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body,
    });
  return {
    ask,
    held: async () => (await tell("count")).heldBytes,
    async copies({ path, body, count, reached, release, copyBytes }) {
      const bytes = new TextEncoder().encode(body);
      const before = await tell("count");
      const residentBefore = await resident();
      const all = reached(count);
      const asked = Array.from({ length: count }, async () => {
        const response = await ask(path, bytes);
        const { byteLength } = await response.arrayBuffer();
        if (response.status !== 200)
          throw new Error(`Cannot count: ${path} answered ${response.status}, ${byteLength} bytes`);
      });
      await Promise.race([all, Promise.all(asked)]);
      const residentDuring = await resident();
      const during = await tell("count");
      release();
      await Promise.all(asked);
      const per = (grown: number) => grown / count / (copyBytes ?? bytes.length);
      return {
        referenced: per(during.heldBytes - before.heldBytes),
        resident:
          residentBefore === undefined || residentDuring === undefined
            ? undefined
            : per(residentDuring - residentBefore),
      };
    },
    settlement: {
      reached: (count) => tell(count).then(() => {}),
      release: () => child.send("release"),
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await child.exited;
    },
  };
}

/** An upstream that takes requests whole and answers none until it is told. */
export interface HoldingUpstream extends AsyncDisposable {
  url: string;
  reached(count: number): Promise<void>;
  release(): void;
}

/** Starts one, of every wire unless told what to answer. Before the first reached() it answers at once. */
export function holdingUpstream(answer: (path: string) => object = answerAt): HoldingUpstream {
  let held = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  let full: { count: number; resolve: () => void } | undefined;
  const upstream = patient(async (request) => {
    // Not kept: this process must not run out before the gateway does.
    if (request.body !== null) for await (const _ of request.body);
    held++;
    if (held === full?.count) full.resolve();
    await gate?.promise;
    return Response.json(answer(new URL(request.url).pathname));
  });
  return {
    ...upstream,
    reached(count) {
      held = 0;
      gate = Promise.withResolvers();
      return new Promise((resolve) => (full = { count, resolve }));
    },
    release: () => gate?.resolve(),
  };
}

/** An upstream of chat streams that says a word of each, and the rest when it is told; of a short question's at once. */
export interface HoldingStream extends AsyncDisposable {
  url: string;
  release(): void;
}

/** Starts one. */
export function holdingStream(): HoldingStream {
  const gate = Promise.withResolvers<void>();
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({
      ...{ id: "chatcmpl-held", object: "chat.completion.chunk", created: 1, model: "held" },
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  const upstream = patient(async (request) => {
    let size = 0;
    if (request.body !== null) for await (const piece of request.body) size += piece.length;
    const words = async function* () {
      yield chunk({ role: "assistant", content: "A" });
      if (size > 10_000) await gate.promise;
      yield `${chunk({ content: " picture." })}${chunk({}, "stop")}data: [DONE]\n\n`;
    };
    return new Response(words(), { headers: { "content-type": "text/event-stream" } });
  });
  return { ...upstream, release: () => gate.resolve() };
}

/** A server that takes bodies of any length, and waits for whoever is silent. */
function patient(
  fetch: (request: Request) => Promise<Response>,
): Pick<HoldingStream, "url" | typeof Symbol.asyncDispose> {
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0, maxRequestBodySize: 1e9 },
    fetch,
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A short answer in the wire of a path. */
export function answerAt(path: string, text = "A picture."): object {
  if (path.endsWith("/messages"))
    return {
      id: "msg_held",
      type: "message",
      role: "assistant",
      model: "held",
      content: [{ type: "text", text }],
      stop_reason: "end_turn",
      usage: { input_tokens: 10, output_tokens: 3 },
    };
  if (path.includes(":generateContent"))
    return {
      candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 },
    };
  return {
    id: "chatcmpl-held",
    object: "chat.completion",
    created: 1,
    model: "held",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 },
  };
}
