import type { Weight } from "#src/statement/fonts.ts";
import type { Type } from "#src/statement/pdf-type.ts";

/**
 * Lines of at most a width; a word that is longer is broken where it ends. Where a line ends between words it keeps the space,
 * so that whoever reads the lines one after the other has words.
 */
export function wrap(
  text: string,
  type: Type,
  { size, weight }: { size: number; weight: Weight },
  most: number,
): string[] {
  const fits = (part: string) => type.widthOf(part, size, weight) <= most;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let now = "";
    for (const word of paragraph.split(" ")) {
      const next = now === "" ? word : `${now} ${word}`;
      if (fits(next)) {
        now = next;
        continue;
      }
      if (now !== "") lines.push(`${now} `);
      now = word;
      while (!fits(now)) {
        let end = now.length - 1;
        while (end > 1 && !fits(now.slice(0, end))) end--;
        lines.push(now.slice(0, end));
        now = now.slice(end);
      }
    }
    lines.push(now);
  }
  return lines;
}
