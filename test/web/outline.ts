/** An element of a page, as it was written. */
export interface Element {
  tag: string;
  attributes: [string, string][];
}

/** Every element of a page, in order. */
export async function elementsOf(html: string): Promise<Element[]> {
  const found: Element[] = [];
  const rewriter = new HTMLRewriter().on("*", {
    element: ({ tagName, attributes }) =>
      void found.push({
        tag: tagName,
        attributes: [...attributes].map(([name = "", value = ""]) => [name, value]),
      }),
  });
  await rewriter.transform(new Response(html)).text();
  return found;
}

/** What a page does that none may: other hosts, inline script or style, scripts that are not of ours. */
export function forbidden(elements: readonly Element[]): string[] {
  return elements.flatMap(({ tag, attributes }) => [
    ...(["style", "iframe", "object", "embed", "base"].includes(tag) ? [`<${tag}>`] : []),
    ...(tag === "script" && !attributes.some(([name]) => name === "src") ? ["inline script"] : []),
    ...attributes.flatMap(([name, value]) => {
      if (name === "style" || name.startsWith("on")) return [`${tag} ${name}`];
      const loads = ["src", "srcset", "action", "formaction", "data", "poster", "xlink:href"];
      const leads = tag === "a" && name === "href";
      if (!loads.includes(name) && name !== "href") return [];
      if (value.startsWith("/") && !value.startsWith("//")) return [];
      if (/^(#|data:,$|\?)/.test(value)) return [];
      // A link to a source is not a request; it must tell it nothing of us.
      const isSource = leads && /^https?:\/\//.test(value);
      const isDiscreet = attributes.some(
        ([one, rel]) => one === "rel" && rel.includes("noreferrer"),
      );
      return isSource && isDiscreet ? [] : [`${tag} ${name}=${value}`];
    }),
  ]);
}

/** Why the headings of a page are out of order; nothing where they are not. */
export function headingFaults(elements: readonly Element[]): string[] {
  const levels = elements.flatMap(({ tag }) => (/^h[1-6]$/.test(tag) ? [Number(tag[1])] : []));
  const jumps = levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1);
  const firsts = levels.filter((level) => level === 1).length;
  return [...(firsts === 1 ? [] : [`${firsts} h1`]), ...jumps.map((level) => `h${level} too deep`)];
}

/** Texts of the cells of each body row of the first table whose caption fits. */
export async function tableOf(html: string, caption: RegExp): Promise<string[][]> {
  const tables: { caption: string; rows: string[][] }[] = [];
  let inCell = false;
  let inCaption = false;
  const rewriter = new HTMLRewriter()
    .on("table", { element: () => void tables.push({ caption: "", rows: [] }) })
    .on("caption", {
      element(element) {
        inCaption = true;
        element.onEndTag(() => void (inCaption = false));
      },
      text({ text }) {
        const table = tables.at(-1);
        if (inCaption && table) table.caption += text;
      },
    })
    .on("tbody tr", { element: () => void tables.at(-1)?.rows.push([]) })
    .on("tbody td, tbody th", {
      element(element) {
        tables.at(-1)?.rows.at(-1)?.push("");
        inCell = true;
        element.onEndTag(() => void (inCell = false));
      },
    })
    .on("tbody *", {
      text({ text }) {
        const row = tables.at(-1)?.rows.at(-1);
        if (inCell && row && row.length > 0) row.push((row.pop() ?? "") + text);
      },
    });
  await rewriter.transform(new Response(html)).text();
  const found = tables.find((table) => caption.test(table.caption));
  return (found?.rows ?? []).map((row) => row.map((cell) => cell.trim()));
}
