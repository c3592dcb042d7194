import { RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";
import { sha256Hex } from "#src/lib/bytes.ts";

/** A key pair of AWS; with a session token when it was lent for a time. */
export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What a signature is made over. */
export interface SignedParts {
  method: string;
  /** Value of the `host` header. */
  host: string;
  /** Path and query as they stand in the request line. */
  path: string;
  /** Further headers that the signature covers; they must be sent as they are here. */
  headers?: Record<string, string>;
  body?: UpstreamBody | undefined;
}

/** Where and when a signature holds. */
export interface SigningScope {
  region: string;
  service: string;
  /** Milliseconds since the Unix epoch; AWS takes a clock that is five minutes off at most. */
  now: number;
}

const algorithm = "AWS4-HMAC-SHA256";

/**
 * The headers that prove a request to AWS: `authorization`, `x-amz-date` and, for a lent key, its token.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signV4(
  request: SignedParts,
  key: AwsKey,
  { region, service, now }: SigningScope,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const added = {
    "x-amz-date": time,
    ...(key.sessionToken === undefined ? {} : { "x-amz-security-token": key.sessionToken }),
  };
  const covered = Object.entries({ ...request.headers, host: request.host, ...added })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, " ")] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const names = covered.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    ...canonicalPath(request.path),
    ...covered.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    hashOf(request.body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = [algorithm, time, scope, sha256Hex(canonical)].join("\n");
  const daily = hmac(hmac(hmac(`AWS4${key.secretAccessKey}`, day), region), service);
  const signature = hmac(hmac(daily, "aws4_request"), text).toString("hex");
  const credential = `${key.accessKeyId}/${scope}`;
  return {
    ...added,
    authorization: `${algorithm} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Path and query in the form that is signed: segments resolved and encoded once more, parameters in order. */
function canonicalPath(path: string): [path: string, query: string] {
  const mark = path.indexOf("?");
  const before = mark === -1 ? path : path.slice(0, mark);
  const query = mark === -1 ? "" : path.slice(mark + 1);
  const parameters = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.includes("=") ? pair.indexOf("=") : pair.length;
      const name = encodeStrictly(unescaped(pair.slice(0, equals)));
      return { name, value: encodeStrictly(unescaped(pair.slice(equals + 1))) };
    })
    .sort((a, b) => order(a.name, b.name) || order(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`);
  return [resolved(before).map(encodeStrictly).join("/"), parameters.join("&")];
}

/** Segments of a path without empty ones and dots; a slash at its end stays. Begins with an empty one. */
function resolved(path: string): string[] {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const isOpen = kept.length === 0 || path.endsWith("/");
  return ["", ...kept, ...(isOpen ? [""] : [])];
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A percent sign that begins no escape stands for itself.
  }
}

/** Percent-encoding that leaves only letters, digits and `-._~`. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hashOf(body: UpstreamBody | undefined): string {
  if (!(body instanceof RawPieces)) return sha256Hex(body ?? "");
  const hasher = new Bun.CryptoHasher("sha256");
  for (const text of body.texts) hasher.update(text, "latin1");
  return hasher.digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return new Bun.CryptoHasher("sha256", key).update(text).digest();
}
