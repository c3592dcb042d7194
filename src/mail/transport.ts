import type { MailConfig, MailServer } from "#src/config/mail.ts";
import type { Letter } from "#src/mail/letter.ts";

/** Hands a letter to the mail server. Throws MailFault. */
export type Send = (letter: Letter) => Promise<void>;

/** Why a letter was not taken. */
export class MailFault extends Error {
  override readonly name = "MailFault";
  constructor(
    /** The library's name for it, with the server's status where there is one: `EENVELOPE 550`. */
    readonly reason: string,
    /** It would be refused again. */
    readonly isFinal: boolean,
    cause: unknown,
  ) {
    super(reason, { cause });
  }
}

const connectMs = 10_000;
const idleMs = 30_000;

/** A mail server of a configuration. What speaks to it is loaded with the first letter. `ca`: who else than usual may vouch for it. */
export function createSend(
  { from }: Pick<MailConfig, "from">,
  server: MailServer,
  options: { ca?: string | undefined } = {},
): Send {
  return async ({ to, subject, text }) => {
    const { createTransport } = await import("nodemailer");
    const { host, port, isSecure, user, password } = server;
    const transport = createTransport({
      host,
      port,
      secure: isSecure,
      // Without it, who is between us and the server could keep TLS away and read the password.
      requireTLS: user !== undefined && !isLoopback(host),
      ...(user === undefined ? {} : { auth: { user, pass: password } }),
      tls: { minVersion: "TLSv1.2", ...(options.ca === undefined ? {} : { ca: options.ca }) },
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      socketTimeout: idleMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      // As an object: a text would be read as a list of addresses.
      await transport.sendMail({
        from,
        to: { name: "", address: to },
        subject,
        text,
        // So that nobody is told that somebody is away, for years.
        headers: { "auto-submitted": "auto-generated" },
      });
    } catch (cause) {
      throw faultOf(cause);
    } finally {
      transport.close();
    }
  };
}

/** A fault without the server's words: they often quote the address. */
function faultOf(cause: unknown): MailFault {
  const code = told(cause, "code");
  const status = Number(told(cause, "responseCode"));
  const isAboutLetter = code === "EENVELOPE" || code === "EMESSAGE";
  const isFinal = isAboutLetter && status >= 500 && status < 600;
  const name = typeof code === "string" ? code : "unknown";
  return new MailFault(status > 0 ? `${name} ${status}` : name, isFinal, cause);
}

function told(cause: unknown, member: string): unknown {
  return typeof cause === "object" && cause !== null ? Reflect.get(cause, member) : undefined;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
