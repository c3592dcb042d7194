import type { Provider } from "#src/catalog/model.ts";
import { AppError, errorCodes } from "#src/lib/error.ts";
import { version } from "#src/lib/version.ts";
import { type Rendered, renderMarkdown } from "#src/web/docs/markdown.ts";
import { referenceMarkdown } from "#src/web/docs/openapi/reference.ts";
import { type Leaf, leaves } from "#src/web/docs/pages.ts";
import { settingsMarkdown } from "#src/web/docs/settings.ts";

/** One page of the documentation. */
export interface DocPage {
  /** `/docs`, or `/docs/…`. */
  path: string;
  /** The group that it stands in. */
  section: string;
  title: string;
  /** What it is about, in a sentence. */
  about: string;
  /** Its Markdown, tables filled in; the reader's address is still to be put in. */
  markdown: string;
  /** The Markdown, read; made when it is first asked for. */
  readonly rendered: Rendered;
}

/** The documentation, in reading order. */
export interface Book {
  pages: readonly DocPage[];
  find(path: string): DocPage | undefined;
}

/** Where the reader's own address stands in the pages. */
export const originMark = "{{origin}}";

/** A text of the documentation with the address at which it is read. */
export function fillOrigin(text: string, origin: string): string {
  return text.replaceAll(originMark, () => origin);
}

/** Every page with its tables filled in. None is rendered before it is asked for: all of them would take tens of milliseconds. */
export function createBook(providers: readonly Provider[]): Book {
  const tables: Readonly<Record<string, () => string>> = {
    version: () => version,
    settings: settingsMarkdown,
    reference: referenceMarkdown,
    errors: errorTable,
    providers: () => providerTable(providers),
  };
  const pages = leaves.map((leaf) => pageOf(leaf, tables));
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return { pages, find: (path) => byPath.get(path) };
}

/** The first page below a path that has none of its own, such as `/docs/operating`. */
export function firstIn({ pages }: Book, path: string): DocPage | undefined {
  return pages.find((page) => page.path.startsWith(`${path.replace(/\/$/, "")}/`));
}

function pageOf(leaf: Leaf, tables: Readonly<Record<string, () => string>>): DocPage {
  const markdown = leaf.markdown.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => {
    const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
    return table === undefined ? mark : table();
  });
  const { path, section, about } = leaf;
  const title = /^# (.+)$/m.exec(markdown)?.[1] ?? path;
  let rendered: Rendered | undefined;
  return {
    path,
    section,
    title,
    about,
    markdown,
    get rendered() {
      return (rendered ??= renderMarkdown(markdown));
    },
  };
}

/** The closed table of error codes, as the program has it. */
function errorTable(): string {
  const rows = errorCodes.map((code) => {
    const { status, type } = new AppError(code, "");
    return `| ${status} | \`${code}\` | \`${type}\` |`;
  });
  return ["| Status | Code | Type |", "| --- | --- | --- |", ...rows].join("\n");
}

function providerTable(providers: readonly Provider[]): string {
  const rows = providers.map(({ id, name, env, regions }) => {
    const names = env.map((one) => `\`${one}\``).join(" or ") || "none needed";
    return `| \`${id}\` | ${name.replaceAll("|", "\\|")} | ${names} | ${regions.map((one) => one.id).join(", ")} |`;
  });
  return ["| Id | Provider | Credential | Regions |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}
