import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";

const folder = join(import.meta.dir, "../fixtures/tls");
/** Who vouches for the certificates of the double; nobody else does. */
export const authority = readFileSync(join(folder, "authority.pem"), "utf8");
const read = (name: string) => ({
  cert: readFileSync(join(folder, `${name}.pem`), "utf8"),
  key: readFileSync(join(folder, `${name}.key`), "utf8"),
});

/** A mail as the server took it. */
export interface TakenMail {
  from: string;
  to: string[];
  /** Headers and body, as they came. */
  source: string;
  /** `user password`; undefined where nobody signed in. */
  signedIn: string | undefined;
  isEncrypted: boolean;
}

export interface SmtpOptions {
  /** TLS from the first byte, offered, or not there. */
  tls?: "always" | "offered" | "never";
  /** Whose certificate it shows. */
  name?: "localhost" | "other.test";
  /** Whoever does not sign in as `user password` is refused. */
  login?: string;
}

/** A mail server on a loopback socket. */
export interface SmtpServer extends AsyncDisposable {
  port: number;
  taken: TakenMail[];
  /** Lines that clients sent, besides the mails. */
  said: string[];
  /** Answers a command with this line instead, such as `550 no`; without one as usual again. */
  refuse(command: string, line?: string): void;
  /** Resolves with the mails, when there are so many. */
  came(count: number): Promise<TakenMail[]>;
}

/** Starts one: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA. */
export async function startSmtp(options: SmtpOptions = {}): Promise<SmtpServer> {
  const { tls = "never", name = "localhost", login } = options;
  const taken: TakenMail[] = [];
  const said: string[] = [];
  const refusals = new Map<string, string>();
  const open = new Set<Socket>();
  let waiting: { count: number; resolve: () => void }[] = [];
  const speak = (socket: Socket, isEncrypted: boolean, upgrade?: (socket: Socket) => void) =>
    converse({
      socket,
      isEncrypted,
      // Who upgrades was greeted before.
      isGreeted: isEncrypted && tls === "offered",
      login,
      refusals,
      said,
      upgrade,
      take(mail) {
        taken.push(mail);
        for (const one of waiting) if (taken.length >= one.count) one.resolve();
        waiting = waiting.filter(({ count }) => taken.length < count);
      },
    });
  const inner = createTlsServer(read(name), (socket) => speak(socket, true));
  inner.on("tlsClientError", () => {});
  await listening(inner);
  // What follows STARTTLS is carried to a server that speaks TLS from its first byte.
  const upgrade = (socket: Socket) => {
    const beyond = connect(portOf(inner), "127.0.0.1");
    beyond.on("error", () => socket.destroy());
    socket.pipe(beyond).pipe(socket);
  };
  const plain = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    speak(socket, false, tls === "offered" ? upgrade : undefined);
  });
  await listening(plain);
  return {
    port: portOf(tls === "always" ? inner : plain),
    taken,
    said,
    refuse(command, line) {
      if (line === undefined) refusals.delete(command);
      else refusals.set(command, line);
    },
    async came(count) {
      if (taken.length >= count) return taken;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = setTimeout(
        () => reject(new Error(`Only ${taken.length} of ${count} mails came`)),
        8000,
      );
      waiting.push({ count, resolve });
      await promise.finally(() => clearTimeout(late));
      return taken;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      plain.close();
      inner.close();
    },
  };
}

function converse(of: {
  socket: Socket;
  isEncrypted: boolean;
  isGreeted: boolean;
  login: string | undefined;
  refusals: ReadonlyMap<string, string>;
  said: string[];
  upgrade: ((socket: Socket) => void) | undefined;
  take(mail: TakenMail): void;
}): void {
  const { socket, isEncrypted, isGreeted, login, refusals, said, upgrade, take } = of;
  let signedIn: string | undefined;
  let from = "";
  let to: string[] = [];
  let mail: string[] | undefined;
  let rest = "";
  const say = (line: string) => void socket.write(`${line}\r\n`);
  const hear = (piece: Buffer) => {
    const lines = (rest + piece.toString("utf8")).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take1(line);
  };
  function take1(line: string): void {
    if (mail !== undefined) {
      if (line !== ".") return void mail.push(line.replace(/^\./, ""));
      const refusal = refusals.get(".");
      if (refusal === undefined)
        take({ from, to, source: mail.join("\r\n"), signedIn, isEncrypted });
      mail = undefined;
      return say(refusal ?? "250 taken");
    }
    said.push(line);
    const command = (/^[A-Za-z]+/.exec(line)?.[0] ?? "").toUpperCase();
    const refusal = refusals.get(command);
    if (refusal !== undefined) return say(refusal);
    switch (command) {
      case "EHLO":
        say("250-double");
        if (upgrade !== undefined) say("250-STARTTLS");
        if (login !== undefined) say("250-AUTH PLAIN");
        return say("250 8BITMIME");
      case "STARTTLS":
        if (upgrade === undefined) return say("502 what");
        socket.off("data", hear);
        say("220 go on");
        return upgrade(socket);
      case "AUTH": {
        const [, user, password] = Buffer.from(line.split(" ")[2] ?? "", "base64")
          .toString()
          .split("\0");
        signedIn = `${user} ${password}`;
        return say(signedIn === login ? "235 welcome" : "535 who are you");
      }
      case "MAIL":
        if (login !== undefined && signedIn !== login) return say("530 sign in first");
        [from, to] = [/<(.*)>/.exec(line)?.[1] ?? "", []];
        return say("250 ok");
      case "RCPT":
        to.push(/<(.*)>/.exec(line)?.[1] ?? "");
        return say("250 ok");
      case "DATA":
        mail = [];
        return say("354 end with a dot");
      case "QUIT":
        say("221 bye");
        return void socket.end();
      default:
        return say("502 what");
    }
  }
  socket.on("data", hear);
  socket.on("error", () => {});
  if (!isGreeted) say("220 double");
}

function listening(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
}

function portOf(server: Server | TlsServer): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
