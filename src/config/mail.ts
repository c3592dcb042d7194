import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** How mail leaves. */
export interface MailConfig {
  /** As it was given; empty where no mail is sent. */
  url: string;
  /** As it stands in the mail: `LowRouter <gateway@example.org>`. */
  from: string;
  /** Absent where no mail is sent. */
  server: MailServer | undefined;
}

/** Who takes our mail. */
export interface MailServer {
  host: string;
  port: number;
  /** TLS from the first byte; else it is begun where the server offers it. */
  isSecure: boolean;
  user: string | undefined;
  password: string | undefined;
}

const ports: Readonly<Record<string, number>> = { "smtp:": 587, "smtps:": 465 };
const example = "smtp://user@mail.example.org:587";

/** The mail of a configuration. Throws ConfigError. */
export function mailOf(
  file: FileConfig["mail"],
  publicUrl: string,
  { pick, secret }: Pick<Picker, "pick"> & { secret(name: string): string | undefined },
): MailConfig {
  const url = pick("mail.url", "LOWROUTER_MAIL_URL", file?.url, "");
  const from = pick("mail.from", "LOWROUTER_MAIL_FROM", file?.from, "");
  if (url === "") return { url, from, server: undefined };
  const server = serverOf(url, secret);
  if (!isSender(from))
    throw new ConfigError(
      'Cannot send mail: mail.from is no sender. Set it, as in from = "LowRouter <gateway@example.org>"',
    );
  // Anyone may ask for a link by mail, and would decide where it leads by the host that their request names.
  if (publicUrl === "")
    throw new ConfigError(
      "Cannot send mail: public_url is not set. Set it to the address that people open, such as https://gateway.example.org",
    );
  return { url, from, server };
}

/** Where people open this gateway, without a slash at its end; empty where it is not set. Throws ConfigError. */
export function publicUrlOf(text: string): string {
  if (text === "") return "";
  const origin = URL.canParse(text) ? new URL(text).origin : "";
  if (/^https?:/.test(origin) && text.replace(/\/$/, "").toLowerCase() === origin) return origin;
  throw new ConfigError(
    `Cannot use "${text}" for public_url: an address such as https://gateway.example.org, without a path, is needed`,
  );
}

function serverOf(text: string, secret: (name: string) => string | undefined): MailServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usual = ports[url?.protocol ?? ""];
  if (url === undefined || usual === undefined || url.hostname === "")
    throw unusable(`an address such as ${example} is needed, or one with smtps://`);
  if (url.password !== "")
    throw unusable("take the password out of it and set LOWROUTER_MAIL_PASSWORD");
  const user = url.username === "" ? undefined : decodeURIComponent(url.username);
  const password = user === undefined ? undefined : secret("LOWROUTER_MAIL_PASSWORD");
  if (user !== undefined && password === undefined)
    throw unusable(
      "LOWROUTER_MAIL_PASSWORD is not set. Set it, or take the user out of the address",
    );
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? usual : Number(url.port),
    isSecure: url.protocol === "smtps:",
    user,
    password,
  };
}

function isSender(from: string): boolean {
  return /^(?:[^<>\r\n]*<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/.test(from);
}

function unusable(what: string): ConfigError {
  return new ConfigError(`Cannot use mail.url: ${what}`);
}
