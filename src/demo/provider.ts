import { answerTo } from "#src/demo/answer.ts";
import { type Behaviour, behaviourIn } from "#src/demo/behaviour.ts";
import { deliver, pause } from "#src/demo/deliver.ts";
import { createPromptCache } from "#src/demo/prompt-cache.ts";
import { createStats, type Flight, type Stats } from "#src/demo/stats.ts";
import type { Exchange, Incoming, Refusal, Wire } from "#src/demo/wire.ts";
import { decode } from "#src/lib/bytes.ts";
import type { Clock } from "#src/lib/clock.ts";
import { type Random } from "#src/lib/id.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** How a provider is simulated. */
export interface Simulation {
  clock: Clock;
  random: Random;
  /** Milliseconds before the first byte and between two tokens; a whole answer takes as long as its stream would. */
  firstByteMs: number;
  perWordMs: number;
  /** Share of requests that fail with 503; none when absent. */
  failureRate?: number;
  /** 0 or absent: any free one. */
  port?: number;
  hostname?: string;
  behaviour?: Behaviour;
  /** The key it accepts; any when absent. */
  apiKey?: string;
}

/** A provider that speaks its wire on a socket, and no model behind it. */
export interface SimulatedProvider {
  /** Base address, as the provider's record in data/ has it: with /v1 or /v1beta. */
  url: string;
  port: number;
  stats: Stats;
  /** Replaces how it behaves. Several behaviours are for one request each; the last one stays. None: as well as it can. */
  behave(...behaviours: Behaviour[]): void;
  stop(): Promise<void>;
}

const simulated = "This failure is simulated";
const sse = "text/event-stream; charset=utf-8";
const noBytes = new Uint8Array();

/** Starts a provider that speaks a wire, on a socket of its own. */
export function startProvider(wire: Wire, simulation: Simulation): SimulatedProvider {
  const { failureRate = 0, random, apiKey, hostname = "127.0.0.1" } = simulation;
  const { stats, enter } = createStats(simulation.clock);
  const cache = createPromptCache();
  let behaviours: Behaviour[] = [simulation.behaviour ?? {}];

  const server = Bun.serve({
    hostname,
    port: simulation.port ?? 0,
    idleTimeout: 0,
    maxRequestBodySize: 1024 * 1024 * 1024,
    fetch: async (request) => {
      const flight = enter();
      const { signal } = request;
      signal.addEventListener("abort", flight.hangUp, { once: true });
      try {
        return await respond(request, flight, signal);
      } catch (error) {
        flight.end();
        if (error === undefined) return reset();
        throw error;
      }
    },
  });

  async function respond(request: Request, flight: Flight, signal: AbortSignal): Promise<Response> {
    const { headers, method, url } = request;
    const path = url.slice(url.indexOf("/", "http://".length));
    const bytes = method === "GET" ? noBytes : await request.bytes();
    flight.received(path, headers, bytes);
    const body = method === "GET" ? {} : parse(bytes);
    const incoming: Incoming = { method, path, headers, body: body ?? {} };
    const denied = apiKey === undefined ? undefined : wire.checkKey(incoming, apiKey);
    if (denied) return refused(denied, flight);
    if (body === undefined)
      return refused({ status: 400, message: "Invalid JSON payload" }, flight);
    const reading = wire.read(incoming);
    if ("refusal" in reading) return refused(reading.refusal, flight);

    const text = "plain" in reading ? reading.plain.text : reading.exchange.question.text;
    const standing = (behaviours.length > 1 ? behaviours.shift() : behaviours[0]) ?? {};
    const magic = behaviourIn(text);
    const behaviour = magic ? { ...standing, ...magic } : standing;
    const wait = behaviour.delayMs ?? simulation.firstByteMs;
    if (wait > 0) await pause(wait, signal);
    const failed = failure(behaviour) ?? (random() < failureRate ? outage : undefined);
    if (failed) return refused(failed, flight);
    switch (behaviour.fault) {
      case "silent":
        await pause(undefined, signal);
        break;
      case "reset":
        flight.end();
        return reset();
      case "error_body":
        return json(JSON.stringify(wire.writeError({ status: 500, message: simulated })), flight);
      case "garbage":
        flight.end();
        return new Response("<html><body>Simulated garbage</body></html>", {
          headers: {
            "content-type":
              "exchange" in reading && reading.exchange.stream ? sse : "application/json",
          },
        });
    }
    return "plain" in reading
      ? json(JSON.stringify(reading.plain.write()), flight)
      : answered(reading.exchange, behaviour, flight, signal);
  }

  async function answered(
    { question, render, stream }: Exchange,
    behaviour: Behaviour,
    flight: Flight,
    signal: AbortSignal,
  ): Promise<Response> {
    const { caching, prompt } = question;
    const cacheable = typeof caching === "object" ? prompt.slice(0, caching.upTo) : prompt;
    const cachedCharacters = caching === undefined ? 0 : cache.seen(cacheable);
    const answer = answerTo(question, { cachedCharacters, tokens: behaviour.answerTokens });
    const usage = behaviour.fault !== "no_usage";
    const whole = behaviour.fault === undefined || !usage;
    const perTokenMs = behaviour.perTokenMs ?? simulation.perWordMs;
    const unknown = behaviour.unknownMembers ? withUnknown : (event: string) => event;
    if (stream) {
      const { body, terminal } = render.events(answer, usage);
      const headers = { ...wire.headers(), "content-type": sse };
      const pieces = [...body, ...terminal].map(unknown);
      if (behaviour.oneWrite && whole) {
        flight.end();
        return new Response(pieces.join(""), { headers });
      }
      const { errorEvent } = render;
      const how = { errorEvent, behaviour, perTokenMs, signal, flight };
      return new Response(deliver({ ...how, pieces, terminal: terminal.length }), { headers });
    }
    const tokens = answer.tokens.visible + answer.tokens.thinking;
    if (perTokenMs > 0) await pause(perTokenMs * tokens, signal);
    const written = unknown(render.whole(answer, usage));
    if (whole && !behaviour.byteByByte) return json(written, flight);
    const half = Math.floor(written.length / 2);
    const pieces = [written.slice(0, half), written.slice(half)];
    const how = { errorEvent: "", perTokenMs: 0, signal, flight, terminal: 1 };
    const halfWay = { ...behaviour, afterEvents: 1 };
    return new Response(deliver({ ...how, pieces, behaviour: halfWay }), {
      headers: { ...wire.headers(), "content-type": "application/json" },
    });
  }

  function json(body: string, flight: Flight): Response {
    flight.end();
    return new Response(body, {
      headers: { ...wire.headers(), "content-type": "application/json" },
    });
  }

  function refused(refusal: Refusal, flight: Flight): Response {
    flight.end();
    const headers = { ...wire.headers(), ...wire.errorHeaders(refusal) };
    return Response.json(wire.writeError(refusal), { status: refusal.status, headers });
  }

  const port = server.port ?? 0;
  return {
    url: `http://${hostname}:${port}${wire.base}`,
    port,
    stats,
    behave(...next) {
      behaviours = next.length === 0 ? [{}] : next;
    },
    stop: () => server.stop(true),
  };
}

const outage: Refusal = { status: 503, message: simulated };

function failure({ status, code, retryAfter }: Behaviour): Refusal | undefined {
  if (status === undefined) return undefined;
  // What waiting does not heal, as an empty quota, comes without a time to wait.
  const soon = status === 429 && code === undefined ? 1 : undefined;
  return { status, message: simulated, code, retryAfterSeconds: retryAfter ?? soon };
}

/** A response that closes the connection without a byte. */
function reset(): Response {
  return new Response(
    new ReadableStream({
      type: "direct",
      pull() {
        throw undefined;
      },
    }),
  );
}

const unknownMembers =
  ',"unknown_number":12345678901234567890,"unknown":{"nested":[1.50,{"b":1e400}]}}';

/** Adds members that no specification has at the end of the object, before the line ends of an event. */
function withUnknown(text: string): string {
  const end = text.trimEnd();
  if (!end.endsWith("}")) return text;
  return end.slice(0, -1) + unknownMembers + text.slice(end.length);
}

function parse(bytes: Uint8Array): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(decode(bytes));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
