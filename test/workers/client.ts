import { chatBody } from "#test/bin/provider.ts";

/*
 * A client over plain sockets, since fetch() asks again by itself where a connection was closed, and so would not notice.
 */

/** What came of one request. */
export interface Asked {
  /** The status of an answer that is whole. */
  status?: number;
  id?: string | undefined;
  /** Nobody listened. */
  refused?: true;
  /** It began to be sent, and no whole answer came. */
  cut?: string;
}

interface Answer {
  status: number;
  id: string | undefined;
  closes: boolean;
}

/** A connection. */
export interface Line {
  ask(body: string): Promise<Asked>;
  isOpen(): boolean;
  end(): void;
}

/** Opens a connection; `more` are lines of every request's head. */
export async function openLine(
  port: number,
  secret: string,
  more: string,
): Promise<Line | undefined> {
  let text = "";
  let waiting: ((asked: Asked) => void) | undefined;
  let isOpen = true;
  const settle = (asked: Asked) => {
    waiting?.(asked);
    waiting = undefined;
    text = "";
  };
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(_, bytes) {
          text += bytes.toString("latin1");
          const answer = wholeAnswer(text);
          if (answer === undefined) return;
          if (answer.closes) isOpen = false;
          settle({ status: answer.status, id: answer.id });
        },
        close() {
          isOpen = false;
          settle({ cut: `closed after "${text.slice(0, 60)}"` });
        },
        error(_, error) {
          isOpen = false;
          settle({ cut: `${error.name} ${String(Reflect.get(error, "code"))}` });
        },
      },
    });
    return {
      isOpen: () => isOpen,
      end: () => void socket.end(),
      ask(body) {
        const { promise, resolve } = Promise.withResolvers<Asked>();
        waiting = resolve;
        if (!isOpen) settle({ cut: "closed before it was asked" });
        else
          socket.write(
            `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`,
          );
        return promise;
      },
    };
  } catch {
    return undefined;
  }
}

/** The answer in a text, once it is all there. */
function wholeAnswer(text: string): Answer | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at === -1) return undefined;
  const head = text.slice(0, at).toLowerCase();
  const length = /content-length: (\d+)/.exec(head)?.[1];
  const body = text.slice(at + 4);
  const isWhole = length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
  if (!isWhole) return undefined;
  return {
    status: Number(text.slice(9, 12)),
    id: /x-lowrouter-generation-id: (\S+)/i.exec(text.slice(0, at))?.[1],
    closes: head.includes("connection: close"),
  };
}

/** Asks once, on a connection of its own. */
export async function askOnce(
  port: number,
  secret: string,
  body = chatBody("Hello"),
): Promise<Asked> {
  const line = await openLine(port, secret, "connection: close\r\n");
  if (line === undefined) return { refused: true };
  const asked = await line.ask(body);
  line.end();
  return asked;
}

/** Asks again and again until told to stop: on one connection as long as the gateway keeps it, or on a new one each time. */
export async function askOn(
  port: number,
  secret: string,
  how: { kept: boolean; isOver: () => boolean; body?: (turn: number) => string },
): Promise<Asked[]> {
  const all: Asked[] = [];
  const bodyOf = how.body ?? (() => chatBody("Hello"));
  let line: Line | undefined;
  for (let turn = 0; !how.isOver(); turn++) {
    if (!how.kept) {
      all.push(await askOnce(port, secret, bodyOf(turn)));
      continue;
    }
    if (line === undefined || !line.isOpen()) line = await openLine(port, secret, "");
    all.push(line === undefined ? { refused: true } : await line.ask(bodyOf(turn)));
    if (all.at(-1)?.status === undefined) line = undefined;
  }
  line?.end();
  return all;
}
