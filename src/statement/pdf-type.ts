import {
  beginText,
  endText,
  moveText,
  type PDFDocument,
  PDFHexString,
  PDFName,
  type PDFOperator,
  type PDFPage,
  type PDFRef,
  setFillingRgbColor,
  setFontAndSize,
  showText,
} from "pdf-lib";
import type { Breath } from "#src/lib/breath.ts";
import { encode } from "#src/lib/bytes.ts";
import { fonts, type Weight } from "#src/statement/fonts.ts";
import { packedStream } from "#src/statement/pdf-stream.ts";
import { readWoff, type Woff } from "#src/statement/woff.ts";

/** Type for a document: letters of several alphabets, each from the first font that has it. Lengths in points. */
export interface Type {
  /** The text with everything that no font has as its code points, such as `[U+6A21 U+578B]`. */
  drawable(text: string): string;
  /** Of a text that is drawable. */
  widthOf(text: string, size: number, weight: Weight): number;
  /** Writes a line, its base line beginning there. */
  line(page: PDFPage, text: string, at: LineStyle): PDFOperator[];
  /** Puts the letters that were used into the document. */
  embed(breathe: Breath): Promise<void>;
}

/** Where and how a line is written. */
export interface LineStyle {
  x: number;
  y: number;
  size: number;
  weight: Weight;
  /** Red, green and blue, 0 to 1. */
  colour: readonly [number, number, number];
}

interface Face {
  key: PDFName;
  ref: PDFRef;
  name: string;
  font: Woff;
  /** Code points by the glyphs that were used. */
  used: Map<number, number>;
}

/** Where a letter comes from. */
interface Letter {
  face: Face;
  glyph: number;
  /** Thousandths of the size. */
  width: number;
}

/** Reads the fonts. */
export async function createType(doc: PDFDocument): Promise<Type> {
  const faces: Face[] = [];
  const byWeight = new Map<Weight, Face[]>();
  for (const { path, name, weights } of fonts) {
    const face: Face = {
      key: PDFName.of(`F${faces.length}`),
      ref: doc.context.nextRef(),
      name,
      font: readWoff(await Bun.file(path).bytes()),
      used: new Map(),
    };
    faces.push(face);
    for (const weight of weights) byWeight.set(weight, [...(byWeight.get(weight) ?? []), face]);
  }
  const letters: Record<Weight, Map<string, Letter | undefined>> = {
    regular: new Map(),
    bold: new Map(),
    mono: new Map(),
  };

  function letterOf(character: string, weight: Weight): Letter | undefined {
    const known = letters[weight];
    const letter = known.get(character);
    if (letter !== undefined || known.has(character)) return letter;
    const found = find(character.codePointAt(0) ?? 0, weight);
    known.set(character, found);
    return found;
  }

  function find(codePoint: number, weight: Weight): Letter | undefined {
    for (const face of byWeight.get(weight) ?? []) {
      const glyph = face.font.glyphOf(codePoint);
      if (glyph !== undefined) return { face, glyph, width: face.font.widthOf(glyph) };
    }
    return undefined;
  }

  return {
    drawable(text) {
      const isDrawn = (one: string) => one === "\n" || letterOf(one, "regular") !== undefined;
      let [drawn, lacking]: [string, string[]] = ["", []];
      const flush = (): void => {
        if (lacking.length > 0) drawn += `[${lacking.join(" ")}]`;
        lacking = [];
      };
      for (const one of text.normalize("NFC")) {
        if (isDrawn(one)) {
          flush();
          drawn += one;
        } else {
          const code = (one.codePointAt(0) ?? 0).toString(16).toUpperCase();
          lacking.push(`U+${code.padStart(4, "0")}`);
        }
      }
      flush();
      return drawn;
    },
    widthOf(text, size, weight) {
      let width = 0;
      for (const one of text) width += letterOf(one, weight)?.width ?? 0;
      return (width * size) / 1000;
    },
    line(page, text, { x, y, size, weight, colour: [red, green, blue] }) {
      const operators = [beginText(), setFillingRgbColor(red, green, blue), moveText(x, y)];
      let [face, hex]: [Face | undefined, string] = [undefined, ""];
      const flush = (): void => {
        if (face === undefined) return;
        page.node.setFontDictionary(face.key, face.ref);
        operators.push(setFontAndSize(face.key, size), showText(PDFHexString.of(hex)));
        hex = "";
      };
      for (const one of text) {
        const letter = letterOf(one, weight);
        if (letter === undefined) continue;
        if (letter.face !== face) flush();
        face = letter.face;
        if (!face.used.has(letter.glyph)) face.used.set(letter.glyph, one.codePointAt(0) ?? 0);
        hex += hexOf(letter.glyph);
      }
      flush();
      return [...operators, endText()];
    },
    async embed(breathe) {
      for (const face of faces) {
        await breathe();
        if (face.used.size > 0) await embedFace(doc, face);
      }
    },
  };
}

/** A font of glyph numbers, with the outlines of those that were used and the letters that they stand for. */
async function embedFace(doc: PDFDocument, { ref, name, font, used }: Face): Promise<void> {
  const { context } = doc;
  const glyphs = [...used.keys()].toSorted((a, b) => a - b);
  const outlines = font.subset(glyphs);
  const file = await packedStream(doc, outlines, { Length1: outlines.length });
  const descriptor = context.register(
    context.obj({
      Type: "FontDescriptor",
      FontName: name,
      // Symbolic: its letters are told by numbers of its own.
      Flags: 4,
      FontBBox: [...font.box],
      ItalicAngle: 0,
      Ascent: font.ascent,
      Descent: font.descent,
      CapHeight: font.capHeight,
      StemV: 80,
      FontFile2: file,
    }),
  );
  const descendant = context.register(
    context.obj({
      Type: "Font",
      Subtype: "CIDFontType2",
      BaseFont: name,
      CIDSystemInfo: {
        Registry: PDFHexString.of(hexText("Adobe")),
        Ordering: PDFHexString.of(hexText("Identity")),
        Supplement: 0,
      },
      FontDescriptor: descriptor,
      CIDToGIDMap: "Identity",
      W: glyphs.flatMap((glyph) => [glyph, [font.widthOf(glyph)]]),
    }),
  );
  const toUnicode = await packedStream(doc, encode(unicodeMap(used)));
  context.assign(
    ref,
    context.obj({
      Type: "Font",
      Subtype: "Type0",
      BaseFont: name,
      Encoding: "Identity-H",
      DescendantFonts: [descendant],
      ToUnicode: toUnicode,
    }),
  );
}

/** Which letters glyphs stand for, so that text can be searched, copied and read aloud. */
function unicodeMap(used: ReadonlyMap<number, number>): string {
  const lines = [...used].map(([glyph, code]) => `<${hexOf(glyph)}> <${hexOf(code)}>`);
  const most = 100;
  const blocks = Array.from({ length: Math.ceil(lines.length / most) }, (_, at) => {
    const some = lines.slice(at * most, (at + 1) * most);
    return `${some.length} beginbfchar\n${some.join("\n")}\nendbfchar`;
  });
  return `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
${blocks.join("\n")}
endcmap
CMapName currentdict /CMap defineresource pop
end
end`;
}

function hexOf(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}

function hexText(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}
