import { Pool } from "#src/provider/pool.ts";

export interface LocalAnswer {
  status: number;
  text: string;
}

/**
 * Asks a service of this machine or its host: on a connection of our own, for no proxy of the environment may see
 * what it lends. Throws when it does not answer within `limitMs`.
 */
export async function askLocally(
  url: URL,
  options: { method: string; headers: Record<string, string>; limitMs: number },
): Promise<LocalAnswer> {
  const { method, headers, limitMs } = options;
  const secure = url.protocol === "https:";
  const pool = new Pool({
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port) || (secure ? 443 : 80),
  });
  const lines = Object.entries({ host: url.host, connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  if (lines.some((line) => /[\r\n]/.test(line))) throw new Error("A header has a line end");
  const bodiless = method === "GET" ? [] : ["content-length: 0"];
  const head = [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...lines, ...bodiless, "", ""];
  const exchange = pool.send(head.join("\r\n"), {
    method,
    headers,
    body: undefined,
    connectMs: limitMs,
  });
  const late = setTimeout(() => exchange.abort(new Error("No answer in time")), limitMs);
  try {
    const { status } = await exchange.head;
    return { status, text: Buffer.from(await exchange.bytes()).toString() };
  } finally {
    clearTimeout(late);
  }
}
