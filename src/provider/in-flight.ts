import type { Exchange } from "#src/provider/exchange.ts";

/** Requests of this process that are at a provider, and those that wait for a place there. */
export interface InFlight {
  /** A place at a provider; undefined when all are taken, or others wait for one. */
  take(provider: string): Seat | undefined;
  /** Waits for a place, in turn; undefined when none came in time, the queue is full or the client left. */
  wait(provider: string, milliseconds: number, signal: AbortSignal): Promise<Seat | undefined>;
  crowd(provider: string): Crowd;
  /** Keeps to other limits from now on: places that are taken stay taken, and who waits gets those that come free. */
  limitBy(limitOf: LimitOf): void;
}

/** The most requests at a time that a provider gets; undefined: as many as there are. */
export type LimitOf = (provider: string) => number | undefined;

/** How full a provider is, and what that did so far. */
export interface Crowd {
  /** Most requests at a time; absent: as many as there are. */
  limit: number | undefined;
  inFlight: number;
  waiting: number;
  /** Requests that waited for a place, and those that got none, since the start. */
  waited: number;
  refused: number;
}

/** More than this many waiting are told to come back: a queue that long is an outage of its own. */
const longestQueue = 1000;

class Room implements Crowd {
  inFlight = 0;
  waited = 0;
  refused = 0;
  readonly queue: ((seat: Seat | undefined) => void)[] = [];

  constructor(public limit: number | undefined) {}

  get waiting(): number {
    return this.queue.length;
  }

  take(): Seat | undefined {
    if (this.limit !== undefined && (this.inFlight >= this.limit || this.queue.length > 0))
      return undefined;
    this.inFlight++;
    return new Seat(this);
  }

  /** A place is free: it goes to whoever has waited longest. */
  leave(): void {
    this.inFlight--;
    this.seat();
  }

  /** Gives free places to those that wait. */
  seat(): void {
    while (this.limit === undefined || this.inFlight < this.limit) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.inFlight++;
      next(new Seat(this));
    }
  }
}

/** One request's place at a provider. */
export class Seat {
  #room: Room | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Gives the place back. Only the first call counts. */
  leave(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.leave();
  }
}

/** An exchange that gives its place back when it is over, however it ends. */
export class SeatedExchange implements Exchange {
  readonly head: Exchange["head"];
  readonly #exchange: Exchange;
  readonly #seat: Seat;

  constructor(exchange: Exchange, seat: Seat) {
    this.head = exchange.head;
    this.#exchange = exchange;
    this.#seat = seat;
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      const piece = await this.#exchange.read();
      if (piece === undefined) this.#seat.leave();
      return piece;
    } catch (cause) {
      this.#seat.leave();
      throw cause;
    }
  }

  here(): Uint8Array | undefined {
    return this.#exchange.here?.();
  }

  bytes(): Uint8Array | Promise<Uint8Array> {
    const bytes = this.#exchange.bytes();
    if (bytes instanceof Promise) return bytes.finally(() => this.#seat.leave());
    this.#seat.leave();
    return bytes;
  }

  abort(reason: Error): void {
    this.#exchange.abort(reason);
    this.#seat.leave();
  }
}

/** The part of a limit that one of several processes keeps to, so that all of them together have the limit. Workers count from 1. */
export function shareOf(limit: number, worker: number, workers: number): number {
  return Math.floor(limit / workers) + (worker <= limit % workers ? 1 : 0);
}

/** Places at every provider. */
export function createInFlight(first: LimitOf): InFlight {
  let limitOf = first;
  const rooms = new Map<string, Room>();
  function roomOf(provider: string): Room {
    let room = rooms.get(provider);
    if (room === undefined) rooms.set(provider, (room = new Room(limitOf(provider))));
    return room;
  }
  return {
    take: (provider) => roomOf(provider).take(),
    wait(provider, milliseconds, signal) {
      const room = roomOf(provider);
      const seat = room.take();
      if (seat !== undefined) return Promise.resolve(seat);
      if (room.queue.length >= longestQueue || signal.aborted) {
        room.refused++;
        return Promise.resolve(undefined);
      }
      room.waited++;
      return new Promise((resolve) => {
        const end = (got: Seat | undefined) => {
          clearTimeout(late);
          signal.removeEventListener("abort", giveUp);
          resolve(got);
        };
        const giveUp = () => {
          room.queue.splice(room.queue.indexOf(end), 1);
          end(undefined);
        };
        const tooLate = () => {
          room.refused++;
          giveUp();
        };
        const late = milliseconds > 0 ? setTimeout(tooLate, milliseconds) : undefined;
        signal.addEventListener("abort", giveUp, { once: true });
        room.queue.push(end);
      });
    },
    crowd: (provider) => roomOf(provider),
    limitBy(other) {
      limitOf = other;
      for (const [provider, room] of rooms) {
        room.limit = limitOf(provider);
        room.seat();
      }
    },
  };
}
