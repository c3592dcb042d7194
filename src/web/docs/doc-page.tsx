import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { copyScript } from "#src/web/assets.ts";
import { type Book, type DocPage, fillOrigin } from "#src/web/docs/book.ts";
import { escapeHtml, type Heading } from "#src/web/docs/markdown.ts";
import type { Hit } from "#src/web/docs/search.ts";
import { Page, type Visit } from "#src/web/layout.tsx";

/** Where the first heading ends, after which the list of the others stands. */
const titleEnd = "</h1>";

/** A page of the documentation: its text, where it stands among the others, and what is on it. */
export function DocumentationPage(props: { visit: Visit; book: Book; page: DocPage }) {
  const { visit, book, page } = props;
  const { title, about, path, rendered } = page;
  // Placeholders stand in text and code, where an address is escaped like any other.
  const html = fillOrigin(rendered.html, escapeHtml(visit.origin));
  const end = html.indexOf(titleEnd) + titleEnd.length;
  return (
    <Frame visit={visit} book={book} title={title} about={about}>
      <article>
        <p class="docs-tools">
          <a href={`${path}.md`}>Markdown of this page</a>
          <button type="button" hidden data-copy={`${path}.md`}>
            Copy page
          </button>
          <span class="said" role="status" data-copied></span>
        </p>
        <div class="docs-text">{raw(html.slice(0, end))}</div>
        <KeyOffer visit={visit} path={path} />
        <Contents headings={rendered.headings} />
        <div class="docs-text">{raw(html.slice(end))}</div>
        <Neighbours book={book} page={page} />
      </article>
      <script src={copyScript.path} defer></script>
    </Frame>
  );
}

/** Where snippets want a key, the way to one, for whoever is signed in. */
function KeyOffer({ visit, path }: { visit: Visit; path: string }) {
  if (!visit.signedIn || !/^\/docs\/(getting-started$|integrations\/)/.test(path)) return null;
  return (
    <p class="notice">
      The snippets want a key: <a href="/dashboard/keys#new">make one</a>, and put it in{" "}
      <code>LOWROUTER_API_KEY</code>.
    </p>
  );
}

/** What was searched for, and what was found. */
export function SearchPage(props: { visit: Visit; book: Book; query: string; hits: Hit[] }) {
  const { visit, book, query, hits } = props;
  return (
    <Frame visit={visit} book={book} title="Search the documentation" query={query}>
      <article>
        <h1>Search the documentation</h1>
        {query === "" ? (
          <p>Type some words above, such as “carbon budget” or “X-LowRouter-Region”.</p>
        ) : (
          <p role="status">
            {hits.length === 0
              ? "Nothing was found for "
              : `${hits.length} ${hits.length === 1 ? "place" : "places"} for `}
            “{query}”{hits.length === 0 ? ". Try fewer or other words." : null}
          </p>
        )}
        <ol class="hits">
          {hits.map(({ href, page, heading, excerpt }) => (
            <li>
              <a href={href}>{page === heading ? page : `${page}: ${heading}`}</a>
              <p>
                {excerpt.map(({ text, marked }) => (marked ? <mark>{text}</mark> : <>{text}</>))}
              </p>
            </li>
          ))}
        </ol>
      </article>
    </Frame>
  );
}

/** Side navigation and search around what is read. */
function Frame(props: {
  visit: Visit;
  book: Book;
  title: string;
  about?: string;
  query?: string;
  children: Child;
}) {
  const { visit, book, title, about, query, children } = props;
  const sections = Map.groupBy(book.pages, ({ section }) => section);
  return (
    <Page visit={visit} title={title} {...(about === undefined ? {} : { about })}>
      <div class="docs">
        <form class="docs-search" method="get" action="/docs/search" role="search">
          <label for="docs-query">Search the documentation</label>
          <input id="docs-query" type="search" name="q" value={query ?? ""} maxlength={200} />
          <button type="submit">Search</button>
          <a class="docs-all" href="#docs-pages">
            All pages
          </a>
        </form>
        {children}
        <nav class="docs-pages" id="docs-pages" aria-label="Documentation">
          {[...sections].map(([section, pages], at) => (
            <>
              <p id={`docs-section-${at}`}>{section}</p>
              <ul aria-labelledby={`docs-section-${at}`}>
                {pages.map(({ path, title: name }) => (
                  <li>
                    <a href={path} aria-current={path === visit.path ? "page" : undefined}>
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </>
          ))}
        </nav>
      </div>
    </Page>
  );
}

function Contents({ headings }: { headings: readonly Heading[] }) {
  const seconds = headings.filter(({ level }) => level === 2);
  if (seconds.length < 2) return null;
  return (
    <nav class="docs-contents" aria-label="On this page">
      <p>On this page</p>
      <ul>
        {seconds.map(({ id, text }) => (
          <li>
            <a href={`#${id}`}>{text}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Neighbours({ book: { pages }, page }: { book: Book; page: DocPage }) {
  const at = pages.indexOf(page);
  const before = pages[at - 1];
  const after = pages[at + 1];
  return (
    <nav class="docs-turn" aria-label="Previous and next">
      {before ? (
        <a rel="prev" href={before.path}>
          <span>Previous</span> {before.title}
        </a>
      ) : (
        <span></span>
      )}
      {after ? (
        <a rel="next" href={after.path}>
          <span>Next</span> {after.title}
        </a>
      ) : null}
    </nav>
  );
}
