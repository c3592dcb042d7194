import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "#test/lib/port.ts";

/** A wire between two processes that can be cut. */
export interface Relay {
  host: string;
  port: number;
  /** `refuse`: nobody listens any more, as when a server is down. `hang`: nothing arrives and nothing is said, as when a cable is out. */
  cut(how: "refuse" | "hang"): Promise<void>;
  mend(): Promise<void>;
  /** Bytes that went to the target. */
  bytes(): number;
  stop(): Promise<void>;
}

/** Starts one, from a port of its own to a target. */
export async function startRelay(
  target: { host: string; port: number },
  { host = "127.0.0.1" }: { host?: string } = {},
): Promise<Relay> {
  const open = new Set<Socket>();
  let isHanging = false;
  let bytes = 0;

  function pass(near: Socket): void {
    const far = connect(target.port, target.host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("data", (data) => {
        // What is sent into a cut wire is gone; that connection never works again.
        if (isHanging || to.destroyed) return;
        if (to === far) bytes += data.length;
        to.write(data);
      });
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        if (!isHanging) to.destroy();
      });
    }
  }
  let server = createServer(pass);
  // Nobody else may take it while it is cut.
  const port = await listening(server, freePort(), host);

  function drop(): void {
    for (const socket of open) socket.destroy();
    open.clear();
  }
  const closed = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return {
    host,
    port,
    async cut(how) {
      if (how === "hang") {
        isHanging = true;
        return;
      }
      const ended = closed();
      drop();
      await ended;
    },
    async mend() {
      if (isHanging) {
        isHanging = false;
        drop();
      }
      if (server.listening) return;
      server = createServer(pass);
      await listening(server, port, host);
    },
    bytes: () => bytes,
    async stop() {
      const ended = server.listening ? closed() : Promise.resolve();
      drop();
      await ended;
    },
  };
}

function listening(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
