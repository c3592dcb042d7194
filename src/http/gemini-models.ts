import type { Caller } from "#src/account/account.ts";
import type { Model } from "#src/catalog/model.ts";
import { writeGeminiError } from "#src/dialect/gemini/gemini-client-errors.ts";
import { callIn } from "#src/dialect/gemini/gemini-client-url.ts";
import { authenticate } from "#src/gateway/authenticate.ts";
import type { App } from "#src/gateway/context.ts";
import { openTo } from "#src/gateway/routing/may-use.ts";
import { json, respond } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";

/** The models that a key may call, in Google's shape, page by page where a page size is asked for. */
export function listModels(request: Request, app: App): Promise<Response> {
  return respond(request, app, writeGeminiError, async () => {
    const caller = await authenticate(request, app);
    const { searchParams } = new URL(request.url);
    const models = callable(caller, app);
    const size = pageSizeIn(searchParams, models.length);
    const token = searchParams.get("pageToken") || undefined;
    const from = token === undefined ? 0 : models.findIndex(({ id }) => id === token);
    if (from === -1) {
      throw new AppError(
        "invalid_value",
        'Cannot use this "pageToken": the nextPageToken of the page before is needed',
        { param: "pageToken" },
      );
    }
    const next = models[from + size];
    return json({
      models: models.slice(from, from + size).map(describe),
      ...(next ? { nextPageToken: next.id } : {}),
    });
  });
}

/** One model in Google's shape, by any name that a request may give it. */
export function getModel(request: Request, app: App): Promise<Response> {
  return respond(request, app, writeGeminiError, async () => {
    const caller = await authenticate(request, app);
    const { model: stem, verb } = callIn(request.url);
    const name = verb === "" ? stem : `${stem}:${verb}`;
    const found = app.routes.find(name);
    const model = found?.variant === undefined ? found?.model : undefined;
    if (model !== undefined && callable(caller, app).includes(model)) return json(describe(model));
    throw new AppError(
      "model_not_found",
      `Cannot find the model "${name.slice(0, 200)}": GET /v1beta/models lists what can be called`,
      { param: "model" },
    );
  });
}

function pageSizeIn(search: URLSearchParams, all: number): number {
  const given = search.get("pageSize") || undefined;
  if (given === undefined) return all;
  const size = Number(given);
  // As at Google, 0 leaves the size to the server.
  if (Number.isInteger(size) && size >= 0) return size || all;
  throw new AppError(
    "invalid_value",
    'Cannot use this "pageSize": an integer of at least 0 is needed',
    { param: "pageSize" },
  );
}

/** Chat models that can be reached and that the caller may use. */
function callable(caller: Caller, everyones: App): Model[] {
  const { routes } = openTo(caller, everyones);
  return routes.models.filter((model) => model.kind === "chat" && routes.of(model).length > 0);
}

function describe(model: Model) {
  return {
    name: `models/${model.id}`,
    baseModelId: model.id,
    version: model.id.slice(model.id.indexOf("/") + 1),
    displayName: model.name,
    inputTokenLimit: model.contextWindow,
    ...(model.maxOutputTokens === undefined ? {} : { outputTokenLimit: model.maxOutputTokens }),
    supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens"],
    thinking: model.capabilities.reasoning,
  };
}
