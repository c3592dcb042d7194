import latin from "@fontsource/noto-sans/files/noto-sans-latin-400-normal.woff" with { type: "file" };
import latinExt from "@fontsource/noto-sans/files/noto-sans-latin-ext-400-normal.woff" with { type: "file" };
import greek from "@fontsource/noto-sans/files/noto-sans-greek-400-normal.woff" with { type: "file" };
import greekExt from "@fontsource/noto-sans/files/noto-sans-greek-ext-400-normal.woff" with { type: "file" };
import cyrillic from "@fontsource/noto-sans/files/noto-sans-cyrillic-400-normal.woff" with { type: "file" };
import cyrillicExt from "@fontsource/noto-sans/files/noto-sans-cyrillic-ext-400-normal.woff" with { type: "file" };
import vietnamese from "@fontsource/noto-sans/files/noto-sans-vietnamese-400-normal.woff" with { type: "file" };
import boldLatin from "@fontsource/noto-sans/files/noto-sans-latin-700-normal.woff" with { type: "file" };
import boldLatinExt from "@fontsource/noto-sans/files/noto-sans-latin-ext-700-normal.woff" with { type: "file" };
import boldGreek from "@fontsource/noto-sans/files/noto-sans-greek-700-normal.woff" with { type: "file" };
import boldGreekExt from "@fontsource/noto-sans/files/noto-sans-greek-ext-700-normal.woff" with { type: "file" };
import boldCyrillic from "@fontsource/noto-sans/files/noto-sans-cyrillic-700-normal.woff" with { type: "file" };
import boldCyrillicExt from "@fontsource/noto-sans/files/noto-sans-cyrillic-ext-700-normal.woff" with { type: "file" };
import boldVietnamese from "@fontsource/noto-sans/files/noto-sans-vietnamese-700-normal.woff" with { type: "file" };
import mono from "@fontsource/noto-sans-mono/files/noto-sans-mono-latin-400-normal.woff" with { type: "file" };

/** Type of the document. `mono`: of one width, for formulas and hashes. */
export type Weight = "regular" | "bold" | "mono";

/** A file with a part of the alphabets, and what it is used for. */
export interface FontFile {
  /** Inside the executable. */
  path: string;
  /** As the document calls it: the tag of a subset, and the font. */
  name: string;
  weights: readonly Weight[];
}

/** Noto Sans in the order in which a letter is looked for. SIL Open Font Licence 1.1; see NOTICE. */
export const fonts: readonly FontFile[] = [
  { path: mono, name: "LRMONO+NotoSansMono-Regular", weights: ["mono"] },
  ...[latin, latinExt, greek, greekExt, cyrillic, cyrillicExt, vietnamese].map(
    (path, part): FontFile => ({
      path,
      name: `LRREG${letter(part)}+NotoSans-Regular`,
      weights: ["regular", "mono"],
    }),
  ),
  ...[
    boldLatin,
    boldLatinExt,
    boldGreek,
    boldGreekExt,
    boldCyrillic,
    boldCyrillicExt,
    boldVietnamese,
  ].map((path, part): FontFile => ({
    path,
    name: `LRBLD${letter(part)}+NotoSans-Bold`,
    weights: ["bold"],
  })),
];

function letter(part: number): string {
  return String.fromCharCode(65 + part);
}
