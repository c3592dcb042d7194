import type { Child } from "hono/jsx";
import { stylesheet } from "#src/web/assets.ts";
import { type Theme, themes } from "#src/web/theme.ts";

/** What every page is told about the visit. */
export interface Visit {
  /** Path of the page, to mark where the reader is. */
  path: string;
  /** Its query with the question mark; empty without one. */
  search: string;
  /** Address that the reader sees, such as https://gateway.example. */
  origin: string;
  /** Whether answers are simulated. */
  demo: boolean;
  /** Colours that the reader chose; undefined: as their system has it. */
  theme: Theme | undefined;
  /** Whether the browser brings a session; it may have ended. */
  signedIn: boolean;
}

const places = [
  ["/models", "Models"],
  ["/providers", "Providers"],
  ["/methodology", "Methodology"],
  ["/status", "Status"],
  ["/docs", "Docs"],
] as const;

/** The frame of every page: one stylesheet, no script needed. */
export function Page(props: {
  visit: Visit;
  title: string;
  about?: string;
  /** What else its head holds. */
  head?: Child;
  children: Child;
}) {
  const { visit, title, about, head, children } = props;
  return (
    <html lang="en" data-theme={visit.theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} · LowRouter`}</title>
        {about === undefined ? null : <meta name="description" content={about} />}
        <link rel="stylesheet" href={stylesheet.path} />
        <link rel="icon" href="data:," />
        {head}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="bar">
          <div>
            <a class="brand" href="/">
              LowRouter
            </a>
            <nav aria-label="Pages">
              {places.map(([path, name]) => (
                <a href={path} aria-current={isAt(visit.path, path) ? "page" : undefined}>
                  {name}
                </a>
              ))}
            </nav>
            {visit.signedIn ? (
              <a class="end" href="/dashboard">
                Dashboard
              </a>
            ) : (
              <a class="end" href="/login">
                Sign in
              </a>
            )}
          </div>
        </header>
        <main id="main">
          {visit.demo ? (
            <p class="notice">
              This is a demonstration: providers and answers are simulated, the history is seeded.
            </p>
          ) : null}
          {children}
        </main>
        <footer class="foot">
          <div>
            <Limits />
            <ThemeChoice visit={visit} />
          </div>
        </footer>
      </body>
    </html>
  );
}

/** Light, dark, or as the reader's system has it: kept in a cookie, no script needed. */
function ThemeChoice({ visit }: { visit: Visit }) {
  return (
    <form class="themes" method="post" action="/theme">
      <input type="hidden" name="to" value={visit.path + visit.search} />
      <span id="themes">Colours</span>
      <span role="group" aria-labelledby="themes">
        {(["system", ...themes] as const).map((one) => (
          <button
            type="submit"
            name="theme"
            value={one}
            aria-pressed={one === (visit.theme ?? "system") ? "true" : "false"}
          >
            {one}
          </button>
        ))}
      </span>
    </form>
  );
}

function isAt(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** What the figures leave out; stands near every one of them. */
export function Limits() {
  return (
    <p class="small">
      Energy and carbon are estimates of the answer's computation. Not measured: training, embodied
      hardware, the real-time grid mix (annual averages are used), embeddings.{" "}
      <a href="/methodology">How they are made</a>
    </p>
  );
}

/** A wide table, that scrolls in a box of its own and can be reached by keyboard. */
export function Table(props: { caption: string; head: Child; children: Child }) {
  return (
    <div class="wide" role="region" aria-label={props.caption} tabindex={0}>
      <table>
        <caption>{props.caption}</caption>
        <thead>{props.head}</thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

/** A figure that is not known, with the reason. */
export function Unknown({ why }: { why: string }) {
  return (
    <abbr title={why}>
      —<span class="said"> {why}</span>
    </abbr>
  );
}
