import { payload } from "#src/dialect/raw-text.ts";
import { largeBytes } from "#src/dialect/shell.ts";
import { edit, type Edits, type Member, membersOf, piecesOf } from "#src/dialect/splice.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";

/**
 * Raw text with members changed, ready to be sent. A large one is written into one buffer piece by piece:
 * joined first, it would be there once more.
 */
export function edited(
  raw: string,
  edits: Edits,
  ascii: boolean,
  members: Member[] = membersOf(raw),
): Payload {
  const body = editedRequest(raw, edits, ascii, members);
  return body instanceof RawPieces ? body.joined() : body;
}

/** The same for an upstream: what stays of a large one is sent from where it is. */
export function editedRequest(
  raw: string,
  edits: Edits,
  ascii: boolean,
  members: Member[] = membersOf(raw),
): UpstreamBody {
  if (raw.length <= largeBytes) return payload(edit(raw, edits, 0, members), ascii);
  return new RawPieces(piecesOf(raw, edits, 0, members));
}
