import type {
  Ask,
  RemoteSource,
  SpliceDialect,
  Target,
  UpstreamDialect,
  UpstreamRequest,
} from "#src/dialect/dialect.ts";
import { fileNameOf } from "#src/dialect/openai/openai-chat-files.ts";
import type { ImagePart, Turn, UserPart } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json } from "#src/lib/json.ts";
import type { RemoteDocument, RequestDocuments } from "#src/provider/remote-document.ts";
import { RemoteDocumentError, type RemoteReason } from "#src/provider/remote-rules.ts";

/*
 * Pictures and files that a client gave by address, where the wire of the route wants their bytes. What was fetched
 * lives as long as the request, in `RequestDocuments`: another route that wants it too does not fetch it again.
 */

/** Text by address is admitted as 300,000 tokens at most, as every file that is elsewhere; a token is at least a byte. */
const maxTextBytes = 300_000;

/** A canonical request in a wire, with bytes where it takes no addresses. */
export function writeInlined(
  upstream: UpstreamDialect,
  turn: Turn,
  ask: Ask,
  target: Target,
  documents: RequestDocuments,
): UpstreamRequest | Promise<UpstreamRequest> {
  const needed = remoteSources(turn).filter((source) => upstream.needsBytes?.(source, target));
  if (needed.length === 0) return upstream.writeRequest(turn, target);
  return fetchAll(needed, ask, documents).then((fetched) =>
    upstream.writeRequest(withBytes(turn, fetched), target),
  );
}

/** A client's own body for its own wire, with bytes where that takes no addresses. */
export function retargetInlined(
  splice: SpliceDialect,
  body: Uint8Array,
  ask: Ask,
  target: Target,
  documents: RequestDocuments,
): UpstreamRequest | Promise<UpstreamRequest> {
  const { addresses, inline } = splice;
  const needed = addresses?.(ask, target) ?? [];
  if (needed.length === 0 || inline === undefined) return splice.retarget(body, ask, target);
  return fetchAll(needed, ask, documents).then((fetched) => {
    const uris = new Map<string, string>();
    for (const [url, { type, base64 }] of fetched) uris.set(url, `data:${type};base64,${base64}`);
    const inlined = inline(body, ask, uris);
    return splice.retarget(inlined.body, inlined.ask, target);
  });
}

function remoteSources(turn: Turn): RemoteSource[] {
  return turn.messages.flatMap((message) => {
    if (message.role === "user") return message.content.flatMap(sourceOf);
    if (message.role !== "tool") return [];
    return message.results.flatMap(({ content }) => content.flatMap(sourceOf));
  });
}

function sourceOf(part: UserPart): RemoteSource[] {
  if (part.type !== "image" && part.type !== "file") return [];
  return "url" in part.source ? [{ kind: part.type, url: part.source.url }] : [];
}

type Fetched = ReadonlyMap<string, RemoteDocument>;

/** The documents by address. The first that cannot be had ends the request, and the fetching of the others. */
async function fetchAll(
  sources: RemoteSource[],
  ask: Ask,
  documents: RequestDocuments,
): Promise<Fetched> {
  const fetched = new Map<string, RemoteDocument>();
  const each = sources.map(async (source) => {
    try {
      const document = await documents.fetch(source.url);
      requireKind(document, source);
      fetched.set(source.url, document);
    } catch (cause) {
      throw cause instanceof RemoteDocumentError ? refusal(cause, source, ask) : cause;
    }
  });
  try {
    await Promise.all(each);
  } catch (cause) {
    documents.abandon();
    throw cause;
  }
  return fetched;
}

function requireKind({ type, bytes }: RemoteDocument, { kind }: RemoteSource): void {
  if (type.startsWith("image/") !== (kind === "image")) throw new RemoteDocumentError("wrong_type");
  if (type === "text/plain" && bytes > maxTextBytes) throw new RemoteDocumentError("too_large");
}

function withBytes(turn: Turn, fetched: Fetched): Turn {
  const messages = turn.messages.map((message) => {
    if (message.role === "user")
      return { ...message, content: message.content.map((part) => inlined(part, fetched)) };
    if (message.role !== "tool") return message;
    const results = message.results.map((result) => ({
      ...result,
      content: result.content.map((part) =>
        part.type === "image" ? imageOf(part, fetched) : part,
      ),
    }));
    return { ...message, results };
  });
  return { ...turn, messages };
}

function inlined(part: UserPart, fetched: Fetched): UserPart {
  if (part.type === "image") return imageOf(part, fetched);
  if (part.type !== "file" || !("url" in part.source)) return part;
  const filename = part.filename ?? fileNameOf(part.source.url);
  return { ...part, filename, source: bytesOf(part.source, fetched) };
}

function imageOf(part: ImagePart, fetched: Fetched): ImagePart {
  return "url" in part.source ? { ...part, source: bytesOf(part.source, fetched) } : part;
}

type Source = { url: string } | { mediaType: string; base64: string };

/** Addresses that were not fetched are those that the wire takes. */
function bytesOf(source: { url: string }, fetched: Fetched): Source {
  const document = fetched.get(source.url);
  return document ? { mediaType: document.type, base64: document.base64 } : source;
}

/** Names the member and the kind of failure, and nothing of the address: it may hold a secret. */
function refusal(cause: RemoteDocumentError, { kind, url }: RemoteSource, ask: Ask): AppError {
  const param = memberWith(ask.parsed, url) ?? "messages";
  if (cause.reason === "busy") {
    const message = `Cannot fetch "${param}" now: too many documents are on their way; try again, or send its bytes instead`;
    return new AppError("service_unavailable", message, { param, retryAfterSeconds: 1, cause });
  }
  const why = cause.reason === "wrong_type" ? wanted[kind] : reasons[cause.reason];
  return new AppError(
    "invalid_value",
    `Cannot fetch "${param}" for a model that takes no addresses: ${why}; send its bytes instead`,
    { param, metadata: { reason: cause.reason }, cause },
  );
}

const wanted = {
  image: "it is no picture of type PNG, JPEG, GIF or WebP",
  file: "it is no PDF document and no plain text in UTF-8",
} as const;

const reasons: Record<Exclude<RemoteReason, "wrong_type" | "busy">, string> = {
  bad_address: "it is no http or https address, on the usual port and without a user name",
  not_public: "it is not on the public internet",
  no_direct_way: "this gateway reaches the internet through a proxy only",
  unreachable: "its server cannot be reached, or breaks off",
  too_slow: "it takes too long",
  too_large: "it is too large",
  too_many: "it is one of too many",
  redirected: "it is moved too often, or out of https",
  bad_status: "its server does not give it",
  encoded: "its server gives it compressed, unasked",
};

/** Names of members that hold addresses, in the dialects of clients. */
const addressNames: ReadonlySet<string> = new Set([
  "url",
  "image_url",
  "file_data",
  "file_url",
  "fileUri",
  "file_uri",
]);

/** The path of the first member that holds the address: `messages[2].content[1].image_url.url`. */
function memberWith(value: Json | undefined, url: string, path = ""): string | undefined {
  const inside: [string, Json | undefined][] = Array.isArray(value)
    ? value.map((element, index) => [`${path}[${index}]`, element])
    : isObject(value)
      ? Object.entries(value).map(([name, member]) => [
          path === "" ? name : `${path}.${name}`,
          member,
        ])
      : [];
  for (const [place, member] of inside) {
    if (member === url && addressNames.has(/[^.]*$/.exec(place)?.[0] ?? "")) return place;
    const found = memberWith(member, url, place);
    if (found !== undefined) return found;
  }
  return undefined;
}
