import type { Deployment, Signer } from "#src/provider/deployment.ts";
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

/**
 * The deployment at another address, for bytes as they are; its fixed headers yield to those of the client. What proves
 * the request by itself is written to `proof` as well.
 */
export function redirected(
  deployment: Deployment,
  baseUrl: string,
  given: Record<string, string>,
  proof: Record<string, string>,
): Deployment {
  const own = Object.entries(deployment.headers).filter(([name]) => !(name.toLowerCase() in given));
  const { signer } = deployment;
  const noted = signer && notedIn(signer, proof);
  return {
    ...deployment,
    ...{ baseUrl, headers: Object.fromEntries(own), reshape: undefined },
    ...(noted ? { signer: noted } : {}),
  };
}

function notedIn(signer: Signer, proof: Record<string, string>): Signer {
  const note = (headers: Record<string, string>) => Object.assign(proof, headers);
  return {
    sign(request) {
      const headers = signer.sign(request);
      return headers instanceof Promise ? headers.then(note) : note(headers);
    },
    answered: (head, headers) => signer.answered?.(head, headers),
  };
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

  constructor({ provider, headers }: Deployment, proof: Readonly<Record<string, string>> = {}) {
    const name = provider.auth.type === "header" ? provider.auth.header : "authorization";
    const found = [headers[name], proof.authorization, proof["x-amz-security-token"]];
    const secrets = found
      .flatMap((value) => (value ?? "").split(" ").slice(-1))
      .filter(({ length }) => length >= shortestSecret);
    this.#values = secrets.map((secret) => Buffer.from(secret));
    this.#longest = Math.max(0, ...secrets.map(({ length }) => length));
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
