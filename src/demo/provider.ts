import { type Answer, answerTo, type Question } from "#src/demo/answer.ts";
import { asked, type Behaviour } from "#src/demo/behaviour.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Random } from "#src/lib/id.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** What a simulated provider saw. */
export interface Stats {
  requests: number;
  inFlight: number;
  peakInFlight: number;
  /** Clients that hung up before the end. */
  aborted: number;
  /** Clock time of the last hang-up, Unix milliseconds. */
  abortedAt: number | undefined;
  lastBody: Uint8Array | undefined;
  lastHeaders: Record<string, string> | undefined;
  lastPath: string | undefined;
}

/** A provider on a loopback socket. */
export interface SimulatedProvider {
  /** Base address as its SDK's variable takes it. */
  url: string;
  stats: Stats;
  /** Replaces how it behaves from now on. */
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
}

export interface Simulation {
  clock: Clock;
  random: Random;
  firstByteMs: number;
  perWordMs: number;
  /** Share of requests that fail with 503. */
  failureRate?: number;
  /** The key it accepts; any when absent. */
  apiKey?: string;
}

/** What a wire adds to the common simulation. Pure but for the ids. */
export interface Wire {
  /** Path that the base address ends with. */
  base: string;
  keyOf(headers: Headers): string | undefined;
  /** Reads a request; a string is why it is refused with 400. */
  read(
    path: string,
    headers: Headers,
    body: JsonObject,
  ): { question: Question; stream: boolean; render: Render } | string;
  error(status: number, message: string): unknown;
}

/** How an answer is written on a wire. */
export interface Render {
  whole(answer: Answer, behaviour: Behaviour): string;
  /** Events before the terminal ones, then the terminal ones. */
  events(answer: Answer, behaviour: Behaviour): { body: string[]; terminal: string[] };
  errorEvent(): string;
}

const encoder = new TextEncoder();

/** Starts a provider that speaks a wire for real. */
export function startProvider(wire: Wire, simulation: Simulation): SimulatedProvider {
  let standing: Behaviour = {};
  const stats: Stats = {
    requests: 0,
    inFlight: 0,
    peakInFlight: 0,
    aborted: 0,
    abortedAt: undefined,
    lastBody: undefined,
    lastHeaders: undefined,
    lastPath: undefined,
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 256 * 1024 * 1024,
    fetch: (request) => answer(request),
  });

  async function answer(request: Request): Promise<Response> {
    stats.requests++;
    stats.inFlight++;
    stats.peakInFlight = Math.max(stats.peakInFlight, stats.inFlight);
    let open = true;
    const close = (): void => {
      if (open) stats.inFlight--;
      open = false;
    };
    request.signal.addEventListener("abort", () => {
      if (!open) return;
      stats.aborted++;
      stats.abortedAt = simulation.clock.now();
      close();
    });
    return respond(request, close);
  }

  async function respond(request: Request, close: () => void): Promise<Response> {
    const path = new URL(request.url).pathname;
    const bytes = new Uint8Array(await request.arrayBuffer());
    Object.assign(stats, {
      lastBody: bytes,
      lastHeaders: Object.fromEntries(request.headers),
      lastPath: path,
    });
    const refuse = (
      status: number,
      message: string,
      headers?: Record<string, string>,
    ): Response => {
      close();
      return Response.json(wire.error(status, message), { status, headers });
    };
    if (simulation.apiKey !== undefined && wire.keyOf(request.headers) !== simulation.apiKey)
      return refuse(401, "The API key is not known");
    const parsed = parse(bytes);
    if (parsed === undefined) return refuse(400, "The body is not a JSON object");
    const read = wire.read(path, request.headers, parsed);
    if (typeof read === "string") return refuse(400, read);
    const behaviour: Behaviour = { ...standing, ...asked(read.question.text) };
    const wait = behaviour.delayMs ?? simulation.firstByteMs;
    if (wait > 0) await pause(wait, request.signal);
    if (behaviour.fault === "silent") await pause(3_600_000, request.signal);
    const fails =
      simulation.failureRate !== undefined && simulation.random() < simulation.failureRate;
    const status = behaviour.status ?? (fails ? 503 : undefined);
    if (status !== undefined) {
      return refuse(
        status,
        "This failure is simulated",
        behaviour.retryAfter === undefined
          ? undefined
          : { "retry-after": String(behaviour.retryAfter) },
      );
    }
    if (behaviour.fault === "error_body") {
      close();
      return Response.json(wire.error(500, "This failure is simulated"));
    }
    if (behaviour.fault === "garbage") {
      close();
      return new Response("<html>simulated garbage</html>", {
        headers: { "content-type": read.stream ? "text/event-stream" : "application/json" },
      });
    }
    const made = answerTo(read.question);
    if (!read.stream) {
      close();
      return new Response(read.render.whole(made, behaviour), {
        headers: { "content-type": "application/json" },
      });
    }
    return new Response(stream(read.render, made, behaviour, request.signal, close), {
      headers: { "content-type": "text/event-stream" },
    });
  }

  async function* stream(
    render: Render,
    made: Answer,
    behaviour: Behaviour,
    signal: AbortSignal,
    close: () => void,
  ): AsyncGenerator<Uint8Array> {
    const { body, terminal } = render.events(made, behaviour);
    const after = behaviour.afterEvents ?? 2;
    try {
      for (const [index, event] of body.entries()) {
        if (simulation.perWordMs > 0 && index > 0) await pause(simulation.perWordMs, signal);
        if (index >= after) {
          // What was sent has left before the connection breaks.
          if (behaviour.fault?.startsWith("cut_")) await pause(10, signal);
          if (behaviour.fault === "cut_mid_stream") throw new Error("simulated cut");
          if (behaviour.fault === "hang_mid_stream") await pause(3_600_000, signal);
          if (behaviour.fault === "error_event") {
            yield encoder.encode(render.errorEvent());
            return;
          }
          if (behaviour.fault === "cut_mid_character") {
            // The first half of a two-byte character, and nothing more.
            yield new Uint8Array([
              ...encoder.encode(event.slice(0, Math.max(1, event.indexOf(":") + 1))),
              0xc3,
            ]);
            throw new Error("simulated cut");
          }
        }
        yield* pieces(event, behaviour);
      }
      if (behaviour.fault === "no_terminal") return;
      for (const event of terminal) yield* pieces(event, behaviour);
    } finally {
      close();
    }
  }

  function* pieces(event: string, behaviour: Behaviour): Generator<Uint8Array> {
    const bytes = encoder.encode(event);
    if (!behaviour.byteByByte) yield bytes;
    else for (const byte of bytes) yield new Uint8Array([byte]);
  }

  return {
    url: `http://127.0.0.1:${server.port}${wire.base}`,
    stats,
    behave(behaviour) {
      standing = behaviour;
    },
    stop: () => server.stop(true),
  };
}

function parse(bytes: Uint8Array): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Waits, or ends at once when the client hangs up. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(new Error("The client hung up"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", leave, { once: true });
  });
}
