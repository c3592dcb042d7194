import type { App } from "#src/gateway/context.ts";
import { waitOf } from "#src/http/respond.ts";
import type { AppError } from "#src/lib/error.ts";
import { Page, type Visit } from "#src/web/layout.tsx";
import { page } from "#src/web/respond.ts";
import { visitOf } from "#src/web/visit.ts";

/** Paths that only programs call: what is wrong there is told as JSON, whoever asks. */
const forPrograms = /^\/(v1|v1beta|api|metrics|healthz|readyz)(\/|$)/;

/** Whether a person waits for the answer, with a browser. */
export function wantsPage(request: Request): boolean {
  const { pathname } = new URL(request.url, "http://host");
  return (request.headers.get("accept") ?? "").includes("text/html") && !forPrograms.test(pathname);
}

/** What went wrong, as a page for who reads it in a browser; undefined for programs, which are told in JSON. */
export function errorPages(app: Pick<App, "demo">) {
  return (error: AppError, request: Request): Response | undefined => {
    if (!wantsPage(request)) return undefined;
    const response = page(<ErrorPage visit={visitOf(request, app)} error={error} />, {
      status: error.status,
      personal: true,
    });
    for (const [name, value] of Object.entries(error.detail.headers ?? {}))
      response.headers.set(name, value);
    const wait = waitOf(error);
    if (wait !== undefined) response.headers.set("retry-after", String(wait));
    response.headers.append("vary", "Accept");
    return response;
  };
}

function ErrorPage({ visit, error }: { visit: Visit; error: AppError }) {
  const title = titleOf(error);
  return (
    <Page visit={visit} title={title}>
      <h1>{title}</h1>
      <p class="lead">{error.message}.</p>
      <p>
        <a href="/">Home</a> · <a href="/models">Models</a> · <a href="/status">Status</a>
      </p>
    </Page>
  );
}

function titleOf({ status }: AppError): string {
  if (status === 404) return "There is no such page";
  if (status === 401) return "Sign in to see this";
  if (status === 403) return "This is not yours to see";
  return status >= 500 ? "Something went wrong" : "This request cannot be answered";
}
