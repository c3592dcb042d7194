import type { Ask, UpstreamRequest } from "#src/dialect/dialect.ts";
import { ArrayFraming } from "#src/dialect/gemini/gemini-client-array.ts";
import { writeGeminiError } from "#src/dialect/gemini/gemini-client-errors.ts";
import { unsaid } from "#src/dialect/gemini/gemini-client-read.ts";
import { callIn } from "#src/dialect/gemini/gemini-client-url.ts";
import { geminiClient, geminiSplice } from "#src/dialect/gemini/gemini-client.ts";
import type { App, Front } from "#src/gateway/context.ts";
import { chatFront } from "#src/gateway/front.ts";
import { geminiEmbeddingFronts } from "#src/http/embeddings.ts";
import { countTokens } from "#src/http/gemini-count.ts";
import { getModel, listModels } from "#src/http/gemini-models.ts";
import { inference, type InferenceRoute, type InferenceRoutes } from "#src/http/inference.ts";
import { respond } from "#src/http/respond.ts";
import { wrongMethod } from "#src/http/wrong-method.ts";
import { AppError } from "#src/lib/error.ts";

type Post = InferenceRoute["POST"];
const translating = chatFront({ client: geminiClient, splice: geminiSplice, idPrefix: "" });

/** generateContent; what only Google's own wire can say is named when another wire is spoken. */
const content: Front = {
  ...translating,
  request(...asked) {
    const [wire, , ask] = asked;
    const written = translating.request(...asked);
    return wire === translating.wire ? written : named(written, ask);
  },
};

async function named(
  written: UpstreamRequest | Promise<UpstreamRequest>,
  ask: Ask,
): Promise<UpstreamRequest> {
  const request = await written;
  return { ...request, dropped: [...request.dropped, ...unsaid(ask)] };
}

/** Google's paths: the model and the call are the last segments of one wildcard, and the model may hold a slash. */
export function geminiRoutes(app: App): InferenceRoutes {
  const verbs = verbsOf(app);
  const call: Post = (request, server) => {
    const post = verbs.get(verbIn(request.url));
    if (post) return post(request, server);
    return respond(request, app, writeGeminiError, () => {
      throw nowhere();
    });
  };
  /** For methods that a path does not take: what it would take depends on whether it ends in a verb. */
  const refuse = (otherwise: readonly string[]) => (request: Request) =>
    respond(request, app, writeGeminiError, () => {
      const taken = verbs.has(verbIn(request.url)) ? ["POST"] : otherwise;
      throw taken.length > 0 ? wrongMethod(request, taken) : nowhere();
    });
  const others = (...taken: string[]) => {
    const refused = refuse(taken);
    return { PUT: refused, PATCH: refused, DELETE: refused };
  };
  return {
    "/v1beta/models": {
      ...others("GET"),
      GET: (request) => listModels(request, app),
      POST: refuse(["GET"]),
    },
    "/v1beta/models/*": {
      ...others("GET"),
      GET: (request) =>
        verbs.has(verbIn(request.url)) ? refuse([])(request) : getModel(request, app),
      POST: call,
    },
    "/v1beta/*": { ...others(), GET: refuse([]), POST: call },
    // The official client's own default; what else is under it is OpenAI's.
    "/v1/models/*": { POST: call },
    "/api/v1/models/*": { POST: call },
  };
}

/** What can be asked of a model, by the word after the last colon. */
function verbsOf(app: App): ReadonlyMap<string, Post> {
  const through =
    (front: Front): Post =>
    (request, server) =>
      inference(front, request, server, app);
  return new Map<string, Post>([
    ["generateContent", through(content)],
    ["streamGenerateContent", streaming(through(content))],
    ["countTokens", (request) => countTokens(content, request, app)],
    ["embedContent", through(geminiEmbeddingFronts.embedContent)],
    ["batchEmbedContents", through(geminiEmbeddingFronts.batchEmbedContents)],
  ]);
}

function verbIn(url: string): string {
  try {
    return callIn(url).verb;
  } catch {
    // A path that cannot be decoded names nothing: the answer is the same as for an unknown verb.
    return "";
  }
}

/** Events for who asks with `alt=sse`; for others the same answer as one JSON array in pieces. */
function streaming(post: Post): Post {
  return async (request, server) => {
    const response = await post(request, server);
    const { body, status, headers } = response;
    const events = headers.get("content-type")?.startsWith("text/event-stream");
    if (!events || body === null || new URL(request.url).searchParams.get("alt") === "sse")
      return response;
    headers.set("content-type", "application/json; charset=utf-8");
    return new Response(asArray(body), { status, headers });
  };
}

function asArray(events: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const framing = new ArrayFraming();
  return events.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        const out = framing.push(chunk);
        if (out.length > 0) controller.enqueue(out);
      },
      flush: (controller) => controller.enqueue(framing.finish()),
    }),
  );
}

function nowhere(): AppError {
  return new AppError(
    "not_found",
    "There is no such call: models take :generateContent, :streamGenerateContent, :countTokens, :embedContent and :batchEmbedContents",
  );
}
