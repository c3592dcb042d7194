import { Elysia } from "elysia";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import { assetResponse, assets } from "#src/web/assets.ts";
import { compressed } from "#src/web/compress.ts";
import { dashboardRoutes } from "#src/web/dashboard/routes.ts";
import { docsRoutes } from "#src/web/docs/routes.tsx";
import { operatorRoutes } from "#src/web/operator/routes.ts";
import { createDesk } from "#src/web/people/desk.ts";
import { isFromUs } from "#src/web/people/knock.ts";
import { refusedForm } from "#src/web/people/respond.ts";
import { peopleRoutes } from "#src/web/people/routes.ts";
import { publicRoutes } from "#src/web/public/routes.tsx";
import { keepTheme } from "#src/web/theme.ts";

/** The pages, and the files that they ask for. What is mounted here is compressed where the client takes it. */
export function webRoutes(app: App, services: Services) {
  const desk = createDesk(app, services);
  return new Elysia({ name: "web" })
    .get("/assets/:name", ({ request, params }) => {
      const found = assets.get(`/assets/${params.name}`);
      if (found === undefined) throw new AppError("not_found", "There is no such file");
      return assetResponse(request, found);
    })
    .post("/theme", ({ request }) => (isFromUs(request) ? keepTheme(request) : refusedForm()), {
      parse: "none",
    })
    .onAfterHandle(({ request, response }) => {
      if (!(response instanceof Response)) return response;
      // A file with what somebody typed is what it says it is, and never a page.
      response.headers.set("x-content-type-options", "nosniff");
      return compressed(request, response);
    })
    .use(publicRoutes(app, services))
    .use(docsRoutes(app, services))
    .use(peopleRoutes(desk))
    .use(dashboardRoutes(desk))
    .use(operatorRoutes(desk));
}
