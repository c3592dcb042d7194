import { createBreath } from "#src/lib/breath.ts";
import { encode } from "#src/lib/bytes.ts";
import { raw } from "hono/html";
import { withTrailer } from "#src/statement/sign.ts";
import type { Issued } from "#src/statement/open.ts";
import { titleOf } from "#src/statement/show.ts";
import { stylesheet } from "#src/web/assets.ts";
import { statementParts } from "#src/web/dashboard/statement-body.tsx";

/** A statement as one file of HTML that needs nothing else, with its signature in the last line. */
export async function statementHtml(issued: Issued): Promise<Uint8Array> {
  const { statement } = issued;
  const title = titleOf(statement);
  const breathe = createBreath();
  const parts: string[] = [];
  for (const part of statementParts(issued, Infinity)) {
    await breathe();
    parts.push((<>{part()}</>).toString());
  }
  const text = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <style>{raw(stylesheet.text)}</style>
      </head>
      <body>
        <main id="main">
          <h1>{title}</h1>
          {raw(parts.join(""))}
        </main>
      </body>
    </html>
  ).toString();
  return withTrailer("html", encode(`<!doctype html>${text}\n`), issued.signer);
}
