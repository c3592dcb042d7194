import type { Socket } from "bun";
import { answerAt } from "#test/bench/held.ts";

/** An upstream on a bare socket, so that it can stop reading amid a request. */
export interface StallingUpstream extends AsyncDisposable {
  url: string;
  /** From now on reads only the beginning of a request; settles when so many have begun. */
  reached(count: number): Promise<void>;
  /** Reads on, and answers. */
  release(): void;
  connections(): number;
  /** Body of the request that was read last, as it came. */
  lastBody(): string;
}

interface Reading {
  pieces: Buffer[];
  size: number;
}

/** Starts one; with `breaks` it closes every connection when the first bytes of a body are here. */
export function stallingUpstream({ breaks = false } = {}): StallingUpstream {
  let connections = 0;
  let last = "";
  let stalls: { count: number; resolve: () => void } | undefined;
  const stalled: Socket<Reading>[] = [];
  const server = Bun.listen<Reading>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        connections++;
        socket.data = { pieces: [], size: 0 };
      },
      data(socket, bytes) {
        if (breaks && socket.data.size > 0) return void socket.terminate();
        const isFirst = socket.data.size === 0;
        socket.data.pieces.push(Buffer.from(bytes));
        socket.data.size += bytes.length;
        if (stalls !== undefined && isFirst) {
          socket.pause();
          stalled.push(socket);
          if (stalled.length === stalls.count) stalls.resolve();
        }
        answer(socket);
      },
    },
  });

  function answer(socket: Socket<Reading>): void {
    const [first] = socket.data.pieces;
    const end = first?.indexOf("\r\n\r\n") ?? -1;
    if (first === undefined || end === -1) return;
    const head = first.toString("latin1", 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (socket.data.size < end + 4 + length) return;
    last = Buffer.concat(socket.data.pieces).toString("utf8", end + 4);
    socket.data = { pieces: [], size: 0 };
    const path = /^\S+ (\S+)/.exec(head)?.[1] ?? "";
    const body = JSON.stringify(answerAt(path));
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  }

  return {
    url: `http://127.0.0.1:${server.port}`,
    reached(count) {
      return new Promise((resolve) => (stalls = { count, resolve }));
    },
    release() {
      stalls = undefined;
      for (const socket of stalled.splice(0)) socket.resume();
    },
    connections: () => connections,
    lastBody: () => last,
    async [Symbol.asyncDispose]() {
      server.stop(true);
    },
  };
}
