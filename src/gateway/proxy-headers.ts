import type { Deployment } from "#src/provider/deployment.ts";
import type { Head } from "#src/provider/exchange.ts";

/** Headers of the client that a provider may see: what describes the request, nothing that identifies or admits anyone. */
const forwarded = [
  "accept",
  "content-type",
  "anthropic-version",
  "anthropic-beta",
  "openai-beta",
] as const;

/** Headers of a provider that the client may see: what describes the answer, nothing of our account there. */
const returned = [
  "content-type",
  "content-encoding",
  "content-disposition",
  "content-language",
  "cache-control",
  "etag",
  "last-modified",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "request-id",
  "x-request-id",
  "openai-processing-ms",
  "openai-version",
] as const;

/** The client's headers for the provider. */
export function forwardedHeaders({ headers }: Request): Record<string, string> {
  const kept: Record<string, string> = {
    accept: "*/*",
    // Compressed, an answer's usage could not be read.
    "accept-encoding": "identity",
  };
  for (const name of forwarded) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

/** The deployment at another address, whose fixed headers yield to those of the client. */
export function redirected(
  deployment: Deployment,
  baseUrl: string,
  given: Record<string, string>,
): Deployment {
  const own = Object.entries(deployment.headers).filter(([name]) => !(name.toLowerCase() in given));
  return { ...deployment, baseUrl, headers: Object.fromEntries(own) };
}

/** The provider's headers for the client. */
export function returnedHeaders(head: Head, secrets: Secrets): Record<string, string> {
  const kept: Record<string, string> = {
    // A page out of an answer must not act in the name of whoever looks at the dashboard of the same origin.
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
  };
  for (const name of returned) {
    const value = head.header(name);
    if (value !== undefined && !secrets.isIn(Buffer.from(value))) kept[name] = value;
  }
  if (head.header("content-type")?.startsWith("text/event-stream"))
    kept["x-accel-buffering"] = "no";
  return kept;
}

/** Shorter values are no credentials, and would be found by chance. */
const shortestSecret = 8;

/** Our credential at a provider, looked for in what it answers. */
export class Secrets {
  readonly #values: readonly Buffer[];
  readonly #longest: number;
  /** The end of what passed by, in which a credential may have begun. */
  #tail: Buffer = Buffer.alloc(0);

  constructor({ provider, headers }: Deployment) {
    const name = provider.auth.type === "header" ? provider.auth.header : undefined;
    const value = name === undefined ? undefined : headers[name];
    const [secret = ""] = (value ?? "").split(" ").slice(-1);
    this.#values = secret.length < shortestSecret ? [] : [Buffer.from(secret)];
    this.#longest = secret.length;
  }

  isIn(bytes: Uint8Array): boolean {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#values.some((value) => buffer.includes(value));
  }

  /** Whether a credential ends in this piece of a longer text. */
  endsIn(piece: Uint8Array): boolean {
    if (this.#values.length === 0) return false;
    const found =
      this.isIn(piece) || this.isIn(Buffer.concat([this.#tail, piece.subarray(0, this.#longest)]));
    const tail = piece.length >= this.#longest ? piece : Buffer.concat([this.#tail, piece]);
    this.#tail = Buffer.from(tail.subarray(-this.#longest));
    return found;
  }
}
