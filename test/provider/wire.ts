import type { Socket } from "bun";

interface Peer {
  received: string;
  /** Answers given on this connection. */
  answered: number;
}

/** A server that speaks bytes: what a script says to each whole request on a connection. */
export interface Wire {
  url: string;
  /** Connections so far, requests so far, connections that the client ended. */
  connections: number;
  requests: string[];
  closed: number;
  stop(): void;
}

/** Starts one. The script gets the socket, the request, and how many this connection carried before. */
export function startWire(
  script: (socket: Socket<Peer>, request: string, before: number) => void,
): Wire {
  const server = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { received: "", answered: 0 };
        wire.connections++;
      },
      data(socket, bytes) {
        socket.data.received += bytes.toString("latin1");
        const request = socket.data.received;
        const end = request.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/.exec(request)?.[1] ?? 0);
        if (end < 0 || request.length < end + 4 + length) return;
        socket.data.received = "";
        wire.requests.push(request);
        script(socket, request, socket.data.answered++);
      },
      close() {
        wire.closed++;
      },
    },
  });
  const wire: Wire = {
    url: `http://127.0.0.1:${server.port}`,
    connections: 0,
    requests: [],
    closed: 0,
    stop: () => server.stop(true),
  };
  return wire;
}

/** A whole answer with this text. */
export function answer(text: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}
