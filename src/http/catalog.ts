import { Elysia } from "elysia";
import type { Caller } from "#src/account/account.ts";
import type { Model, Provider } from "#src/catalog/model.ts";
import { authenticate } from "#src/gateway/authenticate.ts";
import type { App } from "#src/gateway/context.ts";
import { allowsModel } from "#src/gateway/routing/allowed-models.ts";
import { hasChoice, openTo } from "#src/gateway/routing/may-use.ts";
import {
  describeEndpoints,
  describeModel,
  describeProvider,
  pseudoModels,
} from "#src/http/describe.ts";
import { json, respond, writeJsonError } from "#src/http/respond.ts";
import type { Grid } from "#src/eco/methodology.ts";
import { AppError } from "#src/lib/error.ts";

/** What a model's card says of its energy, per 1,000 tokens. */
export interface ModelEco {
  activeParamsB: number;
  energyWhPer1kTokens: number;
  accuracy: "accurate" | "medium" | "gross";
  methodologyVersion: string;
}

/** What the catalogue's pages are made from. */
export interface CatalogServices {
  models: readonly Model[];
  providers: readonly Provider[];
  ecoOfModel(model: string): ModelEco | undefined;
  /** `version`: on the grid table of another methodology than the one that counts. */
  gridOf(provider: string, region: string, version?: string): Grid | undefined;
  /** The same for everyone: from bundled and openly licensed values alone. */
  publishedGridOf(provider: string, region: string): Grid | undefined;
  /** Records and tables of every methodology, as published. */
  methodologies(): unknown;
  methodology(version: string): unknown;
}

/** The services for pages and answers that are not the operator's: no grid value that may not be passed on. */
export function forEveryone<T extends CatalogServices>(services: T): T {
  return { ...services, gridOf: services.publishedGridOf };
}

/** Models, their endpoints, providers and the published methodology. */
export function catalogRoutes(app: App, everything: CatalogServices) {
  const services = forEveryone(everything);
  const run = (request: Request, handler: () => Promise<Response> | Response) =>
    respond(request, app, writeJsonError, handler);
  const models = (request: Request) => run(request, () => listModels(request, app, services));
  const model = (request: Request, id: string) =>
    run(request, () => showModel(request, id, app, services));
  const endpoints = (request: Request, id: string) =>
    run(request, () => listEndpoints(request, id, app, services));
  const providers = (request: Request) => run(request, () => listProviders(request, app, services));
  const methodologies = (request: Request) => run(request, () => json(services.methodologies()));
  const methodology = (request: Request, version: string) =>
    run(request, () => {
      const record = services.methodology(version);
      if (record === undefined) {
        throw new AppError(
          "not_found",
          `Cannot find the methodology "${version.slice(0, 60)}": GET /v1/methodology lists them`,
        );
      }
      return json(record);
    });
  const routes = (base: "/v1" | "/api/v1") =>
    new Elysia({ prefix: base })
      .get("/models", ({ request }) => models(request))
      // Packages write the slash of an id as %2F, people as it is.
      .get("/models/:author", ({ request, params }) => model(request, params.author))
      .get("/models/:author/:slug", ({ request, params }) =>
        model(request, `${params.author}/${params.slug}`),
      )
      .get("/models/:author/:slug/endpoints", ({ request, params }) =>
        endpoints(request, `${params.author}/${params.slug}`),
      )
      .get("/providers", ({ request }) => providers(request))
      .get("/methodology", ({ request }) => methodologies(request))
      .get("/methodology/:version", ({ request, params }) => methodology(request, params.version));
  return new Elysia({ name: "catalog" }).use(routes("/v1")).use(routes("/api/v1"));
}

async function listModels(
  request: Request,
  everyones: App,
  services: CatalogServices,
): Promise<Response> {
  const url = new URL(request.url);
  const caller = await authenticate(request, everyones);
  const app = openTo(caller, everyones);
  const all = url.searchParams.get("all") === "true";
  const namesIn = (filter: string) =>
    (url.searchParams.get(filter) ?? "").split(",").flatMap((name) => name.trim() || []);
  const kinds = namesIn("output_modalities");
  const wanted = kinds.length > 0 ? kinds : ["text"];
  const parameters = namesIn("supported_parameters");
  const isListed = (model: Model) =>
    app.routes.of(model).length > 0 || (all && isOnlyOutOfReach(model, caller, everyones));
  const visible = services.models.filter((model) => {
    if (!isListed(model)) return false;
    const made = model.kind === "embedding" ? ["embeddings"] : model.outputModalities;
    if (!wanted.includes("all") && !made.some((kind) => wanted.includes(kind))) return false;
    return parameters.every((name) => model.parameters?.includes(name));
  });
  const isText = wanted.includes("text") || wanted.includes("all");
  const pseudo = isText && hasChoice(app) ? pseudoModels() : [];
  const data = [...pseudo, ...visible.map((model) => describeModel(model, app, services))];
  return json({ object: "list", data });
}

/** One entry of the list, by any name that a request may have for it. */
async function showModel(
  request: Request,
  name: string,
  everyones: App,
  services: CatalogServices,
): Promise<Response> {
  const caller = await authenticate(request, everyones);
  const pseudo = pseudoModels().find(({ id }) => id === name);
  if (pseudo !== undefined) {
    if (hasChoice(openTo(caller, everyones))) return json(pseudo);
    throw unknownModel(name);
  }
  const { model, app } = found(name, caller, everyones, services);
  return json(describeModel(model, app, services));
}

/** A model by any name, and the gateway as far as the caller may use it. Throws `model_not_found`, for one closed to it too. */
function found(name: string, caller: Caller, everyones: App, services: CatalogServices) {
  const app = openTo(caller, everyones);
  const named = app.routes.find(name);
  const model = named && services.models.find(({ id }) => id === named.model.id);
  if (model === undefined) throw unknownModel(name);
  if (app.routes.of(model).length > 0 || isOnlyOutOfReach(model, caller, everyones))
    return { model, app };
  throw unknownModel(name);
}

/** Whether a model that the key allows is missing nothing but a credential or an address. */
function isOnlyOutOfReach(model: Model, caller: Caller, everyones: App): boolean {
  if (!allowsModel(caller.key.allowedModels, model)) return false;
  return everyones.seenBy(caller).routes.of(model).length === 0;
}

function unknownModel(name: string): AppError {
  return new AppError(
    "model_not_found",
    `Cannot find the model "${name.slice(0, 200)}": GET /v1/models lists what can be called`,
  );
}

async function listEndpoints(
  request: Request,
  id: string,
  everyones: App,
  services: CatalogServices,
): Promise<Response> {
  const caller = await authenticate(request, everyones);
  const { model, app } = found(decodeURIComponent(id), caller, everyones, services);
  const data = {
    ...describeModel(model, app, services),
    endpoints: describeEndpoints(model, app, services),
  };
  return json({ data });
}

async function listProviders(
  request: Request,
  everyones: App,
  services: CatalogServices,
): Promise<Response> {
  const app = everyones.seenBy(await authenticate(request, everyones));
  const data = services.providers.map((provider) => describeProvider(provider, app, services));
  return json({ object: "list", data });
}
