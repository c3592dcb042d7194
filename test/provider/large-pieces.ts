import { RawPieces } from "#src/lib/raw-pieces.ts";

/** Raw pieces that no socket takes at once, of 9 MB. */
export function piecesOf(letter: string): RawPieces {
  return new RawPieces([
    "{",
    letter.repeat(6_000_000),
    "",
    `\u00ff${letter}`.repeat(1_500_000),
    "}",
  ]);
}
