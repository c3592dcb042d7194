import { holdingUpstream, startHeldGateway } from "#test/bench/held.ts";
import { base64Of, picturePaths } from "#test/bench/pictures.ts";
import { number, type Table } from "#test/bench/table.ts";

/** Base64 of a picture of 1 MB. */
export const pictureBytes = 1_398_104;

/** A chat request with a picture of so many bytes of base64. */
export function pictureBody(bytes: number): string {
  return picturePaths[0]?.body(base64Of(bytes)) ?? "";
}

/** What each path through the gateway holds of so many requests with a picture. */
export async function measureCopies(count: number): Promise<Table> {
  await using upstream = holdingUpstream();
  await using gateway = await startHeldGateway([upstream.url]);
  const rows: string[][] = [];
  for (const { name, path, body } of picturePaths) {
    for (const words of ["What is this?", "Was ist das für eins?"]) {
      await (await gateway.ask(path, body(base64Of(100), words))).arrayBuffer();
      const { reached, release } = upstream;
      const held = { path, body: body(base64Of(pictureBytes), words), count, reached, release };
      const { referenced, resident } = await gateway.copies(held);
      const row = words === "What is this?" ? name : `${name}, not ASCII`;
      rows.push([row, number(referenced, 2), number(resident, 2)]);
    }
  }
  return { columns: ["path", "referenced", "resident"], rows };
}
