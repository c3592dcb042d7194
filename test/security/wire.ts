/** What came over one connection. */
export interface Said {
  /** Everything that was answered, one character for each byte. */
  text: string;
  /** Statuses in order, informational ones left out. */
  statuses: number[];
  /** The gateway closed the connection by itself. */
  isClosed: boolean;
  /** Milliseconds until that, or until it was waited for no more. */
  ms: number;
}

export interface Asking {
  /** Waited for so long, ms, unless it is closed or enough was said before. */
  waitMs?: number;
  /** Answers after which nothing more is waited for. */
  answers?: number;
  /** Written one after the other, with a pause between, ms. */
  pauseMs?: number;
  /** Reads nothing at all. */
  isDeaf?: boolean;
}

/** Writes bytes of our own making to a server, and tells what it says. */
export async function converse(
  url: string,
  pieces: string | readonly string[],
  { waitMs = 3000, answers = Number.POSITIVE_INFINITY, pauseMs = 0, isDeaf = false }: Asking = {},
): Promise<Said> {
  const { hostname, port } = new URL(url);
  const over = Promise.withResolvers<boolean>();
  const from = performance.now();
  let text = "";
  let isEnding = false;
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(opened) {
        if (isDeaf) opened.pause();
      },
      data(_, bytes) {
        text += bytes.toString("latin1");
        if (statusesIn(text).length >= answers) over.resolve(false);
      },
      close: () => over.resolve(!isEnding),
      error: () => over.resolve(!isEnding),
    },
  });
  const late = setTimeout(() => over.resolve(false), waitMs);
  let isOver = false;
  const ended = over.promise.finally(() => (isOver = true));
  for (const piece of typeof pieces === "string" ? [pieces] : pieces) {
    if (isOver) break;
    socket.write(Buffer.from(piece, "latin1"));
    if (pauseMs > 0) await Promise.race([ended, Bun.sleep(pauseMs)]);
  }
  const isClosed = await ended;
  clearTimeout(late);
  isEnding = true;
  socket.terminate();
  return { text, statuses: statusesIn(text), isClosed, ms: performance.now() - from };
}

function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)]
    .map(([, status]) => Number(status))
    .filter((status) => status >= 200);
}
