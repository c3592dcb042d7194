import { ConfigError } from "#src/config/error.ts";

const remote = new Set(["libsql:", "https:", "http:"]);

/** Where the database is: `file:PATH`, or an address. Throws ConfigError, which quotes nothing: a password may be in it. */
export function databaseUrlOf(url: string): string {
  if (/^file:./.test(url)) return url;
  if (URL.canParse(url)) {
    const { protocol, host } = new URL(url);
    if (remote.has(protocol) && host !== "") return url;
  }
  throw new ConfigError(
    "Cannot use database.url: give file:PATH, or an address that begins with libsql://, https:// or http://, such as libsql://ledger.example.org",
  );
}
