/** What a page may load and do: its own files, no inline script or style, in no frame. */
const contentPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Headers that every page carries. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/** A page as an answer. The node is JSX of components that wait for nothing. What belongs to one person is never kept by a cache. */
export function page(
  node: { toString(): unknown },
  options: { status?: number; personal?: boolean } = {},
): Response {
  return new Response(`<!doctype html>${String(node.toString())}`, {
    status: options.status ?? 200,
    headers: {
      ...pageHeaders,
      "content-type": "text/html; charset=utf-8",
      "cache-control": options.personal ? "no-store" : "no-cache",
      // The colours that were chosen are in a cookie.
      vary: "Cookie",
    },
  });
}
