import { Marked, type Tokens } from "marked";

/** A heading of a page, by which it can be linked to. */
export interface Heading {
  level: number;
  /** Its words, without marks. */
  text: string;
  id: string;
}

/** A part of a page under one heading, as words alone: what the search looks through. */
export interface Section {
  heading: Heading;
  text: string;
}

/** A page's Markdown, read. */
export interface Rendered {
  /** Placeholders stand in it as they were written. */
  html: string;
  headings: readonly Heading[];
  sections: readonly Section[];
}

/** Markdown as HTML. Raw HTML in it is shown as text; links of other schemes than http, https and mailto lead nowhere. */
export function renderMarkdown(markdown: string): Rendered {
  const headings: Heading[] = [];
  const sections: { heading: Heading; words: string[] }[] = [];
  const taken = new Map<string, number>();
  let caption = "";
  let tables = 0;

  const marked = new Marked({ gfm: true, async: false });
  marked.use({
    renderer: {
      html: ({ text }) => escapeHtml(text),
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const text = plain(inner);
        const id = idOf(text, taken);
        const heading = { level: depth, text, id };
        headings.push(heading);
        sections.push({ heading, words: [] });
        caption = text;
        return `<h${depth} id="${id}">${inner}</h${depth}>\n`;
      },
      link({ href, title, tokens }) {
        const inner = this.parser.parseInline(tokens);
        if (!isSafe(href)) return inner;
        const told = title ? ` title="${escapeHtml(title)}"` : "";
        const rel = /^https?:/i.test(href) ? ' rel="noopener noreferrer"' : "";
        return `<a href="${escapeHtml(href)}"${told}${rel}>${inner}</a>`;
      },
      // No request leaves for another host; our own pages have no pictures.
      image: ({ text }) => escapeHtml(text),
      code({ text, lang }) {
        const name = languageOf(lang);
        const label = name === "" ? "Example" : `Example, ${name}`;
        return `<pre tabindex="0" role="group" aria-label="${label}"><code>${escapeHtml(text)}\n</code></pre>\n`;
      },
      table({ header, rows }) {
        const cells = (row: Tokens.TableCell[], isHead: boolean) =>
          row
            .map((cell, at) => {
              const inner = this.parser.parseInline(cell.tokens);
              if (isHead) return `<th scope="col">${inner}</th>`;
              return at === 0 ? `<th scope="row">${inner}</th>` : `<td>${inner}</td>`;
            })
            .join("");
        const body = rows.map((row) => `<tr>${cells(row, false)}</tr>\n`).join("");
        // A page may have several under one heading.
        tables++;
        const about = escapeHtml(`Table ${tables}: ${caption}`);
        return `<div class="wide" role="region" aria-label="${about}" tabindex="0"><table><caption class="said">${about}</caption><thead><tr>${cells(header, true)}</tr></thead>\n<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const tokens = marked.lexer(markdown);
  const html = marked.parser(tokens);
  let at = -1;
  for (const token of tokens) {
    if (token.type === "heading") at++;
    else sections[at]?.words.push(wordsOf(token.raw));
  }
  return {
    html,
    headings,
    sections: sections.map(({ heading, words }) => ({
      heading,
      text: words.filter((one) => one !== "").join(" "),
    })),
  };
}

/** Markdown without its marks, for the search and its excerpts. */
function wordsOf(raw: string): string {
  return raw
    .replace(/^```.*$/gm, " ")
    .replace(/^\|?[\s:|-]+\|$/gm, " ")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\\\|/g, "|")
    .replace(/[`*|]/g, " ")
    .replace(/^\s*(?:[-#>]+|\d+\.)\s/gm, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** HTML of our own making without its tags. */
function plain(html: string): string {
  return html
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

/** An id as GitHub makes them, so that links within a file lead somewhere on disk too. */
function idOf(text: string, taken: Map<string, number>): string {
  const base =
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-") || "part";
  const before = taken.get(base);
  taken.set(base, (before ?? 0) + 1);
  return before === undefined ? base : `${base}-${before}`;
}

/** A path of ours, a place on the page, a file beside it, or an address of the web. */
function isSafe(href: string): boolean {
  return /^(https?:\/\/|mailto:|\/(?!\/)|#|[\w.-][\w./-]*(#[\w-]*)?$)/i.test(href);
}

function languageOf(lang: string | undefined): string {
  return /^[\w-]+/.exec(lang ?? "")?.[0] ?? "";
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
