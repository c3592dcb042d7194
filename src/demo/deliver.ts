import type { Behaviour } from "#src/demo/behaviour.ts";
import type { Flight } from "#src/demo/stats.ts";
import { encode } from "#src/lib/bytes.ts";

/** An answer on its way out, in pieces. */
export interface Delivery {
  /** What goes out, in order; the last `terminal` of them are left out where the behaviour says so. */
  pieces: string[];
  terminal: number;
  errorEvent: string;
  behaviour: Behaviour;
  perTokenMs: number;
  signal: AbortSignal;
  flight: Flight;
}

/** Time to read what came before a cut, milliseconds. */
const readMs = 20;

type Controller = ReadableStreamDirectController;

/** Writes the pieces to the socket as the behaviour says. The connection is cut where pull() throws undefined: Bun reports any other reason on stderr. */
export function deliver(delivery: Delivery): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller: Controller) {
      if (isPlain(delivery)) {
        controller.write(delivery.pieces.join(""));
        delivery.flight.end();
        // Flushed before the end, or Bun would send a Content-Length, which no provider does on a stream.
        await controller.flush();
        controller.close();
        return;
      }
      await step(controller, delivery);
      delivery.flight.end();
      controller.close();
    },
  });
}

/** True when nothing needs a write of its own. */
function isPlain({ behaviour, perTokenMs }: Delivery): boolean {
  const { fault, eventByEvent, byteByByte } = behaviour;
  return (
    perTokenMs === 0 &&
    (fault === undefined || fault === "no_usage") &&
    !eventByEvent &&
    !byteByByte
  );
}

async function step(controller: Controller, delivery: Delivery): Promise<void> {
  const { pieces, behaviour, perTokenMs, signal, errorEvent } = delivery;
  const after = Math.min(behaviour.afterEvents ?? 2, pieces.length - 1);
  const last =
    behaviour.fault === "no_terminal" ? pieces.length - delivery.terminal : pieces.length;
  for (const [index, piece] of pieces.slice(0, last).entries()) {
    if (perTokenMs > 0 && index > 0) await pause(perTokenMs, signal);
    if (index === after) {
      switch (behaviour.fault) {
        case "cut_mid_stream":
          return cut(delivery);
        case "cut_mid_character":
          await write(controller, halfCharacter(piece), delivery);
          return cut(delivery);
        case "hang_mid_stream":
          await pause(undefined, signal);
          break;
        case "error_event":
          return write(controller, errorEvent, delivery);
      }
    }
    if (!behaviour.byteByByte) await write(controller, piece, delivery);
    else for (const byte of encode(piece)) await write(controller, Uint8Array.of(byte), delivery);
  }
}

async function write(
  controller: Controller,
  piece: string | Uint8Array<ArrayBuffer>,
  { flight }: Delivery,
): Promise<void> {
  controller.write(piece);
  await controller.flush();
  flight.sent();
  // What is written in one turn of the event loop leaves as one write to the socket.
  await new Promise((resolve) => setImmediate(resolve));
}

async function cut({ flight, signal }: Delivery): Promise<never> {
  // A client that gets bytes and the close at once may drop the bytes.
  await pause(readMs, signal);
  flight.end();
  throw undefined;
}

/** The start of an event up to its text, and the first of the two bytes of "é". */
function halfCharacter(event: string): Uint8Array<ArrayBuffer> {
  const text = /"(?:content|text|thinking|partial_json|arguments)":"/.exec(event);
  const at = text ? text.index + text[0].length : Math.floor(event.length / 2);
  return new Uint8Array([...encode(event.slice(0, at)), 0xc3]);
}

/** Waits, forever when no time is given; rejects with undefined as soon as the client hangs up. */
export function pause(milliseconds: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(undefined);
    const leave = (): void => {
      clearTimeout(timer);
      reject(undefined);
    };
    const timer =
      milliseconds === undefined
        ? undefined
        : setTimeout(() => {
            signal.removeEventListener("abort", leave);
            resolve();
          }, milliseconds);
    signal.addEventListener("abort", leave, { once: true });
  });
}
