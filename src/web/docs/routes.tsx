import { Elysia } from "elysia";
import type { App } from "#src/gateway/context.ts";
import { json } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import { type Book, createBook, fillOrigin, firstIn } from "#src/web/docs/book.ts";
import { DocumentationPage, SearchPage } from "#src/web/docs/doc-page.tsx";
import { llmsFull, llmsList } from "#src/web/docs/llms.ts";
import { openApi } from "#src/web/docs/openapi/document.ts";
import { originOf } from "#src/web/docs/origin.ts";
import { download } from "#src/web/docs/downloads.ts";
import { createSearch, type Search } from "#src/web/docs/search.ts";
import type { Visit } from "#src/web/layout.tsx";
import { seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { visitOf } from "#src/web/visit.ts";

/** The documentation: pages, each with its Markdown, search, lists for language models, and the API's description. */
export function docsRoutes(app: App, services: Services) {
  // Made when somebody first reads: a gateway that only serves programs pays nothing.
  let book: Book | undefined;
  let search: Promise<Search> | undefined;
  const bookOf = () => (book ??= createBook(services.providers));
  const searchIn = () => (search ??= createSearch(bookOf()));
  const origin = (request: Request) => originOf(request, app.config.listen);
  const visit = (request: Request): Visit => ({
    ...visitOf(request, app),
    origin: origin(request),
  });

  const shown = (request: Request, path: string): Response => {
    const isTwin = path.endsWith(".md");
    const found = bookOf().find(isTwin ? path.slice(0, -".md".length) : path);
    if (found === undefined) {
      const first = firstIn(bookOf(), path);
      if (first !== undefined) return seeOther(first.path);
      throw new AppError("not_found", "There is no such page: /docs lists them all");
    }
    if (isTwin) return plainText(fillOrigin(found.markdown, origin(request)), "markdown");
    return page(<DocumentationPage visit={visit(request)} book={bookOf()} page={found} />);
  };
  const searched = async (request: Request): Promise<Response> => {
    const query = (new URL(request.url).searchParams.get("q") ?? "").trim();
    const hits = (await searchIn())(query);
    const at = visit(request);
    return page(<SearchPage visit={at} book={bookOf()} query={query} hits={hits} />);
  };

  return new Elysia({ name: "docs" })
    .get("/docs", ({ request }) => shown(request, "/docs"))
    .get("/docs.md", ({ request }) => shown(request, "/docs.md"))
    .get("/docs/search", ({ request }) => searched(request))
    .get("/docs/downloads/:file", ({ params }) => download(params.file))
    .get("/docs/*", ({ request, params }) => shown(request, `/docs/${params["*"]}`))
    .get("/llms.txt", ({ request }) => plainText(llmsList(bookOf(), origin(request))))
    .get("/llms-full.txt", ({ request }) => plainText(llmsFull(bookOf(), origin(request))))
    .get("/openapi.json", ({ request }) => json(openApi(origin(request))));
}

function plainText(text: string, kind = "plain"): Response {
  return new Response(text, {
    headers: {
      "content-type": `text/${kind}; charset=utf-8`,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    },
  });
}
