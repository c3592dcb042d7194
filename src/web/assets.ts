import { encode } from "#src/lib/bytes.ts";
import copyPage from "#src/web/assets/copy-page.client.js" with { type: "text" };
import copyText from "#src/web/assets/copy-text.client.js" with { type: "text" };
import live from "#src/web/assets/live.client.js" with { type: "text" };
import passkey from "#src/web/assets/passkey.client.js" with { type: "text" };
import style from "#src/web/assets/style.css" with { type: "text" };
import { gzip, takesGzip } from "#src/web/compress.ts";

/** A file that pages ask for, by a name that changes with what is in it. */
export interface Asset {
  path: string;
  type: string;
  text: string;
  gzip: Uint8Array<ArrayBuffer>;
}

function asset(name: string, extension: string, type: string, text: string): Asset {
  const mark = Bun.hash(text).toString(36);
  return { path: `/assets/${name}-${mark}.${extension}`, type, text, gzip: gzip(encode(text)) };
}

export const stylesheet = asset("style", "css", "text/css; charset=utf-8", style);

export const copyScript = asset("copy-page", "js", "text/javascript; charset=utf-8", copyPage);

export const copyTextScript = asset("copy-text", "js", "text/javascript; charset=utf-8", copyText);

export const passkeyScript = asset("passkey", "js", "text/javascript; charset=utf-8", passkey);

export const liveScript = asset("live", "js", "text/javascript; charset=utf-8", live);

/** Every asset, by its path. */
export const assets: ReadonlyMap<string, Asset> = new Map(
  [stylesheet, copyScript, copyTextScript, passkeyScript, liveScript].map((one) => [one.path, one]),
);

/** An asset as an answer, kept by clients for good: what changes has another path. */
export function assetResponse(request: Request, { type, text, gzip }: Asset): Response {
  const zipped = takesGzip(request);
  return new Response(zipped ? gzip : text, {
    headers: {
      "content-type": type,
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      vary: "Accept-Encoding",
      ...(zipped ? { "content-encoding": "gzip" } : {}),
    },
  });
}
