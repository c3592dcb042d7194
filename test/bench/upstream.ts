/**
 * The fastest OpenAI-shaped upstream we can make, a process of its own:
 * `bun test/bench/upstream.ts PORT`. The prompt says which answer it wants; see plan.ts.
 */
const answer = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "gpt-4o-mini-2024-07-18",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "It depends on the fox. ".repeat(30) },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 210, completion_tokens: 180, total_tokens: 390 },
});
const messageAnswer = JSON.stringify({
  id: "msg_bench",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5",
  content: [{ type: "text", text: "It depends on the fox. ".repeat(30) }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 210, output_tokens: 180 },
});
const encoder = new TextEncoder();
const done = encoder.encode("data: [DONE]\n\n");
const stats = { requests: 0, open: 0, peak: 0 };

Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  idleTimeout: 255,
  routes: {
    "/stats": () => {
      const seen = { ...stats };
      stats.peak = stats.open;
      return Response.json(seen);
    },
    "/v1/chat/completions": { POST: reply },
    "/v1/messages": { POST: message },
  },
});

async function reply(request: Request): Promise<Response> {
  stats.requests++;
  const ask = await request.text();
  const at = ask.indexOf("stream:");
  if (at < 0) {
    return new Response(answer, { headers: { "content-type": "application/json" } });
  }
  const events = Number.parseInt(ask.slice(at + "stream:".length), 10);
  const usage = ask.includes('"include_usage":true');
  const body = ask.startsWith("slow-", at - 5)
    ? slow(events, paceOf(ask, at), usage)
    : fast(events, usage);
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** The same answers in Anthropic's dialect. */
async function message(request: Request): Promise<Response> {
  stats.requests++;
  const ask = await request.text();
  const at = ask.indexOf("stream:");
  if (at < 0) {
    return new Response(messageAnswer, { headers: { "content-type": "application/json" } });
  }
  const events = Number.parseInt(ask.slice(at + "stream:".length), 10);
  const body = written(messageFrames(events));
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Every event in its own write to the socket; what is written in one turn would leave as one. */
function fast(events: number, usage: boolean): ReadableStream {
  return written(frames(events, usage));
}

function written(events: Uint8Array[]): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      for (const event of events) {
        controller.write(event);
        await controller.flush();
        await nextTurn();
      }
      controller.close();
    },
  });
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Milliseconds between two events: what stands behind their number. */
function paceOf(ask: string, at: number): number {
  return Number.parseInt(ask.slice(ask.indexOf("/", at) + 1), 10);
}

/** The first event at once, then one at a time. */
function slow(events: number, paceMs: number, usage: boolean): ReadableStream {
  stats.peak = Math.max(stats.peak, ++stats.open);
  const left = frames(events, usage);
  let timer: Timer | undefined;
  const stop = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    stats.open--;
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = () => {
        const event = left.shift();
        if (event !== undefined) controller.enqueue(event);
        if (left.length > 0) return;
        stop();
        controller.close();
      };
      timer = setInterval(send, paceMs);
      send();
    },
    cancel: stop,
  });
}

function frames(events: number, usage: boolean): Uint8Array[] {
  const found = Array.from({ length: events }, (_, index) => event(index, events));
  if (usage) found.push(usageEvent(events));
  return [...found, done];
}

/** Events by position, encoded once. */
const encoded = new Map<string, Uint8Array>();

function event(index: number, events: number): Uint8Array {
  const last = index === events - 1;
  const delta = index === 0 ? { role: "assistant", content: "" } : { content: ` word${index}` };
  const choice = last
    ? { index: 0, delta: {}, finish_reason: "stop" }
    : { index: 0, delta, finish_reason: null };
  return encode(`${index}/${last}`, { choices: [choice] });
}

function usageEvent(events: number): Uint8Array {
  const usage = { prompt_tokens: 210, completion_tokens: events, total_tokens: 210 + events };
  return encode(`usage/${events}`, { choices: [], usage });
}

function encode(key: string, members: object): Uint8Array {
  const known = encoded.get(key);
  if (known !== undefined) return known;
  const chunk = {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "gpt-4o-mini-2024-07-18",
    ...members,
  };
  const bytes = encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`);
  encoded.set(key, bytes);
  return bytes;
}

const messages = new Map<number, Uint8Array[]>();

/** As many text events as asked for, between those that begin and end a message. */
function messageFrames(events: number): Uint8Array[] {
  const known = messages.get(events);
  if (known !== undefined) return known;
  const named = (event: { type: string; [member: string]: unknown }) =>
    encoder.encode(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const words = Array.from({ length: events }, (_, index) => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text: ` word${index}` },
  }));
  const made = [
    {
      type: "message_start",
      message: { id: "msg_bench", usage: { input_tokens: 210, output_tokens: 1 }, content: [] },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...words,
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: events } },
    { type: "message_stop" },
  ].map(named);
  messages.set(events, made);
  return made;
}
