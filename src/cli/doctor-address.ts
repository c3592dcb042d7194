import { get } from "node:http";
import type { Config } from "#src/config/load.ts";
import type { Check } from "#src/lib/check.ts";

const name = "address";
/** Something that only a LowRouter has; /healthz answers alike everywhere. */
const ownPath = "/.well-known/lowrouter-statement-keys.json";
const patienceMs = 2000;

/** Whether the address can be listened on, or is in use by a gateway already, as it is while one runs. */
export async function checkAddress({ hostname, port }: Config["listen"]): Promise<Check> {
  const at = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  try {
    Bun.listen({ hostname, port, socket: { data: () => {} } }).stop(true);
    return { name, ok: true, found: `${at} is free` };
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "no reason";
    if (code !== "EADDRINUSE")
      return {
        name,
        ok: false,
        found: `${at} cannot be listened on: ${code}`,
        fix: "give an address of this machine, and a port above 1023, with --listen or LOWROUTER_LISTEN",
      };
    if (await isOurs(hostname, port))
      return { name, ok: true, found: `${at} is in use by a LowRouter that answers` };
    return {
      name,
      ok: false,
      found: `${at} is in use by another program`,
      fix: `end it ("ss -ltnp" names it), or choose another address with --listen or LOWROUTER_LISTEN`,
    };
  }
}

function isOurs(hostname: string, port: number): Promise<boolean> {
  // Who listens everywhere is reached here.
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "::1" : hostname;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = get({ host, port, path: ownPath, agent: false }, (response) => {
    resolve(response.statusCode === 200);
    request.destroy();
  });
  // Also where it takes the connection and says nothing.
  const late = setTimeout(() => request.destroy(new Error("No answer in time")), patienceMs);
  request.on("error", () => resolve(false));
  return promise.finally(() => clearTimeout(late));
}
