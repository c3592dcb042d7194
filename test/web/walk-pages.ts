/** What stands on a page, read as browsers read it, and what must not stand there. */

/** A field of a form. */
export interface Field {
  name: string;
  /** `hidden`, `text`, `select`, `textarea`, `checkbox`, `submit` and so on. */
  type: string;
  value: string;
}

export interface Form {
  method: string;
  action: string;
  fields: Field[];
}

export interface Shown {
  links: string[];
  forms: Form[];
  faults: string[];
}

interface Seen {
  status: number;
  headers: Headers;
  text: string;
}

/** Text that becomes an element, an attribute or a script wherever it is not escaped. */
export const payload = `"'><lrx onerror=lrx()><script>lrx()</script></title>`;
/** The same where an address is expected. */
export const payloadAddress = `javascript:lrx()//https://lrx.example/"><lrx>`;
/** The payload as a page has to write it. */
export const escaped = payload
  .replaceAll("&", "&amp;")
  .replaceAll("<", "&lt;")
  .replaceAll(">", "&gt;")
  .replaceAll('"', "&quot;")
  .replaceAll("'", "&#39;");

const foreign = ["iframe", "frame", "object", "embed", "base", "applet", "link", "meta", "style"];
/** Those of them that pages may have, and as what. */
const fitting: Readonly<Record<string, (attributes: Map<string, string>) => boolean>> = {
  link: (attributes) =>
    (attributes.get("rel") === "stylesheet" && isAsset(attributes.get("href"))) ||
    (attributes.get("rel") === "icon" && attributes.get("href") === "data:,") ||
    (attributes.get("rel") === "alternate" && isOwn(attributes.get("href") ?? "")),
  meta: (attributes) =>
    attributes.has("charset") ||
    ["viewport", "description", "robots"].includes(attributes.get("name") ?? "") ||
    // A page may load itself again, and nothing else.
    (attributes.get("http-equiv") === "refresh" && /^\d+$/.test(attributes.get("content") ?? "")),
};
const addresses = ["href", "src", "action", "formaction", "poster", "data", "xlink:href", "ping"];

/** Reads an HTML page. */
export function readPage(text: string): Shown {
  const links: string[] = [];
  const forms: Form[] = [];
  const faults: string[] = [];
  let script = false;
  let select: Field | undefined;
  let area: Field | undefined;
  const rewriter = new HTMLRewriter().on("*", {
    element(element) {
      const { tagName } = element;
      const attributes = new Map(
        [...element.attributes].map(([name = "", value = ""]) => [name, value]),
      );
      if (tagName.startsWith("lrx")) faults.push(`an element of the payload: ${tagName}`);
      if (foreign.includes(tagName) && fitting[tagName]?.(attributes) !== true)
        faults.push(`<${tagName} ${JSON.stringify([...attributes])}>`);
      script = tagName === "script";
      if (script && !isAsset(attributes.get("src")))
        faults.push("a script that is no file of ours");
      for (const [name, value] of attributes) {
        if (/^on|^style$|^srcdoc$|^lrx/i.test(name)) faults.push(`<${tagName} ${name}=${value}>`);
        if (!addresses.includes(name)) continue;
        const isIcon = tagName === "link";
        if (!isIcon && /^[\s\u0000-\u001f]*(javascript|data|vbscript|blob|file):/i.test(value))
          faults.push(`<${tagName} ${name}=${value}>`);
      }
      const href = attributes.get("href");
      if (tagName === "a" && href !== undefined) links.push(unescaped(href));
      if (tagName === "a" && attributes.get("target") === "_blank") faults.push("a new window");
      if (tagName === "form") {
        const action = unescaped(attributes.get("action") ?? "");
        if (action !== "" && !isOwn(action)) faults.push(`a form that leads to ${action}`);
        forms.push({ method: attributes.get("method") ?? "get", action, fields: [] });
      }
      const name = attributes.get("name");
      const form = forms.at(-1);
      if (form === undefined) return;
      const value = unescaped(attributes.get("value") ?? "");
      if (tagName === "option" && select !== undefined) {
        if (select.value === "" || attributes.has("selected")) select.value = value;
      }
      if (name === undefined) return;
      if (tagName === "input" || tagName === "button") {
        const type = attributes.get("type") ?? (tagName === "button" ? "submit" : "text");
        form.fields.push({ name, type, value });
      }
      if (tagName === "select") form.fields.push((select = { name, type: "select", value: "" }));
      if (tagName === "textarea") form.fields.push((area = { name, type: "textarea", value: "" }));
    },
    text(chunk) {
      if (script && chunk.text.trim() !== "") faults.push(`a script in the page: ${chunk.text}`);
    },
  });
  rewriter.on("textarea", {
    text(chunk) {
      if (area !== undefined) area.value += unescaped(chunk.text);
    },
  });
  rewriter.transform(text);
  return { links, forms, faults };
}

/** What is wrong with an answer to a browser. `personal`: it is about somebody or their account. */
export function faultsOf(
  { status, headers, text }: Seen,
  { personal }: { personal: boolean },
): string[] {
  const faults: string[] = [];
  const kind = headers.get("content-type") ?? "";
  const must = (name: string, test: (value: string) => boolean) => {
    const value = headers.get(name) ?? "";
    if (!test(value)) faults.push(`${name}: ${value}`);
  };
  if (status >= 500) faults.push(`status ${status}`);
  if (headers.has("access-control-allow-origin") && personal && status < 400)
    faults.push("any site may read it");
  for (const cookie of headers.getSetCookie()) {
    if (!/; ?HttpOnly/i.test(cookie) || !/; ?SameSite=(Lax|Strict)/i.test(cookie))
      faults.push(`cookie ${cookie}`);
    if (/; ?Domain=/i.test(cookie) || !/; ?Path=\//i.test(cookie)) faults.push(`cookie ${cookie}`);
  }
  if (personal && !headers.has("location")) must("cache-control", (value) => value === "no-store");
  if (text === "") return faults;
  must("x-content-type-options", (value) => value === "nosniff");
  if (kind.startsWith("text/csv"))
    must("content-disposition", (value) => value.startsWith("attachment"));
  if (!kind.startsWith("text/html")) {
    if (
      !/^(application\/(json|pdf|yaml)|text\/(csv|plain|markdown|event-stream|css|javascript))\b/.test(
        kind,
      )
    )
      faults.push(`content-type ${kind}`);
    return faults;
  }
  // A file to keep brings its own looks, and has no right of ours where somebody opens it here.
  if ((headers.get("content-disposition") ?? "").startsWith("attachment")) {
    must("content-security-policy", (value) => value.startsWith("sandbox; default-src 'none';"));
    return faults;
  }
  must("content-security-policy", isStrict);
  must("x-frame-options", (value) => value === "DENY");
  must("referrer-policy", (value) => ["same-origin", "no-referrer"].includes(value));
  return [...faults, ...readPage(text).faults];
}

function isStrict(policy: string): boolean {
  const parts = new Map(
    policy.split(";").map((part) => {
      const [name = "", ...values] = part.trim().split(" ");
      return [name, values.join(" ")];
    }),
  );
  return (
    parts.get("default-src") === "'none'" &&
    parts.get("frame-ancestors") === "'none'" &&
    parts.get("base-uri") === "'none'" &&
    parts.get("form-action") === "'self'" &&
    parts.get("script-src") === "'self'" &&
    parts.get("style-src") === "'self'" &&
    !/unsafe|\*|https?:/.test(policy)
  );
}

function isAsset(path: string | undefined): boolean {
  return path !== undefined && /^\/assets\/[\w-]+\.(js|css)$/.test(path);
}

/** Whether an address stays here. */
function isOwn(path: string): boolean {
  return path.startsWith("/") && !/^\/[/\\]/.test(path);
}

function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

/** Every page that links lead to from where it begins, below the given paths; of pages that are alike `most`. */
export async function crawl(
  get: (path: string) => Promise<Seen>,
  from: readonly string[],
  within: RegExp,
  most = 3,
): Promise<Map<string, Seen & Shown>> {
  const found = new Map<string, Seen & Shown>();
  const counts = new Map<string, number>();
  const waiting = [...from];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const path = next.replace(/#.*$/, "");
    if (found.has(path) || !within.test(path)) continue;
    const kind = kindOf(path);
    const count = counts.get(kind) ?? 0;
    if (count >= most) continue;
    counts.set(kind, count + 1);
    const seen = await get(path);
    const isPage = seen.headers.get("content-type")?.startsWith("text/html") === true;
    const shown = isPage ? readPage(seen.text) : { links: [], forms: [], faults: [] };
    found.set(path, { ...seen, ...shown });
    waiting.push(...shown.links.filter(isOwn));
  }
  return found;
}

/** A path without what tells things of one kind from each other. */
export function kindOf(path: string): string {
  const [pathname = "", search = ""] = path.split("?");
  const names = [...new Set(new URLSearchParams(search).keys())].toSorted();
  const shape = pathname
    .replace(/\/(operator\/catalogue|models|providers|operator\/providers)\/.+$/, "/$1/*")
    .replace(/\/([a-z]{2,4}_[0-9A-Z]{26}|[0-9a-f]{64}|\d{4}-\d{2})/g, "/*");
  return `${shape}?${names.join("&")}`;
}
