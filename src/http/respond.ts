import type { ErrorReply } from "#src/dialect/dialect.ts";
import { authenticate, callerOf } from "#src/gateway/authenticate.ts";
import type { App, Call, Front } from "#src/gateway/context.ts";
import { exposedHeaders, standingHeaders } from "#src/gateway/headers.ts";
import { refuseSeveralHosts } from "#src/http/one-host.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError, isFault, toAppError } from "#src/lib/error.ts";

/** How a surface shows an error: in its own dialect. */
export type WriteError = (error: AppError) => ErrorReply;

/** Where an answer's own balance and limits come from: `held` ones are told by the hold that was taken for it. */
export type Standing = "held" | "read";

/** Runs a handler and turns what it throws into an answer of the surface. Headers go on the Response, never on `set`. */
export async function respond(
  request: Request,
  app: App,
  writeError: WriteError,
  handler: () => Promise<Response> | Response,
  standing: Standing = "read",
): Promise<Response> {
  let response: Response;
  let isTold = standing === "held";
  try {
    refuseSeveralHosts(request);
    response = await handler();
  } catch (thrown) {
    isTold = false;
    const error = toAppError(thrown);
    const hasLeft = request.signal.aborted;
    // A client that left was refused nothing.
    if (!hasLeft) app.telemetry?.refused(error.code);
    const path = () => new URL(request.url, "http://host").pathname;
    if (hasLeft && isBrokenOff(thrown)) app.log.write("debug", "client_left", { path: path() });
    else if (isFault(error, thrown))
      app.log.write("error", error.code, { path: path() }, error.cause);
    response = errorResponse(error, writeError);
  }
  if (!isTold && !response.headers.has("X-Credit-Balance"))
    await tellStanding(request, response.headers, app);
  if (app.demo) response.headers.set("X-LowRouter-Demo", "1");
  if (request.headers.has("origin")) allowOrigin(response.headers);
  return response;
}

/** The body ended before it was whole: whoever sent it closed the connection. */
function isBrokenOff(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

/** Adds balance and limits of whoever calls, whatever the answer is; a refusal's own limit stays the one that is told. */
async function tellStanding(request: Request, headers: Headers, app: App): Promise<void> {
  try {
    const caller = await callerOf(request, app);
    if (caller === undefined) return;
    const isLimited = headers.has("X-RateLimit-Limit");
    for (const [name, value] of Object.entries(await standingHeaders(caller, app)))
      if (!(isLimited && name.startsWith("X-RateLimit-"))) headers.set(name, value);
  } catch (thrown) {
    // The answer stands without them.
    app.log.write("warn", "standing_unknown", {}, thrown);
  }
}

/** What we say in JSON may quote somebody: no browser shall take it for anything else. */
export const jsonHeaders = {
  "content-type": "application/json",
  "x-content-type-options": "nosniff",
} as const;

/** Seconds after which to ask again where nobody can tell when it will be better: every 503 says something. */
const unknownWait = 30;

/** Seconds after which whoever is told of an error may ask again; undefined where that would not help. */
export function waitOf(error: AppError): number | undefined {
  return error.detail.retryAfterSeconds ?? (error.status === 503 ? unknownWait : undefined);
}

/** An error as a response, with the headers that explain it. */
export function errorResponse(error: AppError, writeError: WriteError): Response {
  const { status, body } = writeError(error);
  const headers: Record<string, string> = {
    ...jsonHeaders,
    ...error.detail.headers,
  };
  const wait = waitOf(error);
  if (wait !== undefined) headers["Retry-After"] = String(wait);
  return new Response(body, { status, headers });
}

/** Keys travel in headers, not cookies: any origin may call. */
export function allowOrigin(headers: Headers): void {
  headers.set("Access-Control-Allow-Origin", "*");
  headers.set("Access-Control-Expose-Headers", exposedHeaders);
}

/** The error envelope of everything that is not a dialect of its own. */
export function writeJsonError(error: AppError): ErrorReply {
  const { code, type, message, detail } = error;
  const metadata = detail.metadata === undefined ? {} : { metadata: detail.metadata };
  return {
    status: error.status,
    body: encode(
      JSON.stringify({ error: { message, type, code, param: detail.param ?? null, ...metadata } }),
    ),
  };
}

export function json(value: unknown, init?: ResponseInit): Response {
  return new Response(JSON.stringify(value), {
    ...init,
    headers: { ...jsonHeaders, ...init?.headers },
  });
}

/** The request's body, whole. Throws `body_too_large`. */
export function readBody(request: Request, limit: number): Promise<Buffer<ArrayBuffer>> {
  return readDeclared(request, declaredBytes(request) ?? 0, limit);
}

/** How long a body says that it is; undefined where it comes in chunks, or there is none. */
function declaredBytes(request: Request): number | undefined {
  const told = request.headers.get("content-length");
  return told === null ? undefined : Number(told);
}

async function readDeclared(
  request: Request,
  declared: number,
  limit: number,
): Promise<Buffer<ArrayBuffer>> {
  if (declared > limit) throw tooLarge(declared, limit);
  const body = Buffer.from(await request.arrayBuffer());
  if (body.length > limit) throw tooLarge(body.length, limit);
  return body;
}

function tooLarge(found: number, limit: number): AppError {
  // In bytes too: a body just above the limit is as many megabytes.
  const mega = Number((limit / 1_048_576).toFixed(3));
  return new AppError(
    "body_too_large",
    `Cannot take a body of ${found} bytes: the limit is ${limit} bytes (${mega} MB)`,
  );
}

/** Bytes of a body that are taken from whoever sends them. */
const strangersBytes = 65_536;

/**
 * A request whose body is read, as a call to a front. Throws `body_too_large`; where the body is large, or does not say
 * how large it is, first what authenticate() throws: nobody without a key fills our memory.
 */
export async function callOf(request: Request, front: Front, app: App): Promise<Call> {
  const receivedAt = app.clock.now();
  const startedAt = app.clock.monotonic();
  const declared = declaredBytes(request);
  const isKnownSmall =
    declared === undefined ? request.method === "GET" : declared <= strangersBytes;
  if (!isKnownSmall) await authenticate(request, app);
  const body = await readDeclared(request, declared ?? 0, app.config.limits.maxBodyBytes);
  return { request, body, front, receivedAt, startedAt };
}
