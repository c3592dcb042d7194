import type { RemoteRules } from "#src/provider/remote-rules.ts";

/** Rules under which documents may come from servers of a test, on loopback, and from nowhere else. */
export function loopback(rules: Partial<RemoteRules> = {}): Partial<RemoteRules> {
  return {
    resolve: () => Promise.resolve(["127.0.0.1"]),
    isAllowedAddress: (address) => address === "127.0.0.1",
    isAllowedPort: () => true,
    isProxied: () => false,
    ...rules,
  };
}

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** The smallest documents of each kind, by their type. */
export const samples = {
  "image/png": Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
  "image/jpeg": bytesOf("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"),
  "image/gif": bytesOf("GIF89a\x01\x00\x01\x00"),
  "image/webp": bytesOf("RIFF\x1a\x00\x00\x00WEBPVP8L"),
  "application/pdf": bytesOf("%PDF-1.7\n%%EOF\n"),
  "text/plain": Buffer.from("Plain words, für alle"),
} as const;

/** A server on loopback that publishes documents. */
export interface DocumentServer {
  url: string;
  port: number;
  /** Paths that were asked for, in order. */
  asked: string[];
  stop(): Promise<void>;
}

/** Starts one. */
export function startDocuments(
  script: (path: string, request: Request) => Response | Promise<Response>,
): DocumentServer {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push(pathname + search);
      return script(pathname, request);
    },
  });
  const port = server.port ?? 0;
  return { url: `http://127.0.0.1:${port}`, port, asked, stop: () => server.stop(true) };
}

/** An answer with a document. */
export function document(
  bytes: Uint8Array<ArrayBuffer>,
  type: string | undefined,
  headers: Record<string, string> = {},
): Response {
  return new Response(bytes, {
    headers: { ...(type === undefined ? {} : { "content-type": type }), ...headers },
  });
}
