import { inflateSync } from "node:zlib";

/** A font of TrueType outlines out of a WOFF 1.0 file. Lengths in thousandths of the type's size. Source: https://www.w3.org/TR/WOFF/ */
export interface Woff {
  ascent: number;
  descent: number;
  capHeight: number;
  box: readonly [number, number, number, number];
  /** Number of the glyph of a code point; undefined where there is none. */
  glyphOf(codePoint: number): number | undefined;
  widthOf(glyph: number): number;
  /** A TrueType file with the outlines of these glyphs alone, under their numbers. */
  subset(glyphs: Iterable<number>): Uint8Array;
}

/** What a document needs that names glyphs by their numbers. */
const kept = ["cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"];

/** Reads a font of ours: it is not on guard against others. */
export function readWoff(bytes: Uint8Array): Woff {
  const tables = tablesOf(bytes);
  const table = (tag: string): DataView => {
    const found = tables.get(tag);
    if (found === undefined) throw new Error(`Cannot read the font: it has no table "${tag}"`);
    return viewOf(found);
  };
  const [head, hhea, hmtx, os2] = [table("head"), table("hhea"), table("hmtx"), table("OS/2")];
  const unitsPerEm = head.getUint16(18);
  const scaled = (units: number): number => (units * 1000) / unitsPerEm;
  const advances = hhea.getUint16(34);
  const glyphs = glyphsOf(table("cmap"));
  return {
    ascent: scaled(hhea.getInt16(4)),
    descent: scaled(hhea.getInt16(6)),
    capHeight: scaled(os2.getInt16(88)),
    box: [
      scaled(head.getInt16(36)),
      scaled(head.getInt16(38)),
      scaled(head.getInt16(40)),
      scaled(head.getInt16(42)),
    ],
    glyphOf: (codePoint) => glyphs.get(codePoint),
    // The last advance stands for all glyphs after it.
    widthOf: (glyph) => scaled(hmtx.getUint16(4 * Math.min(glyph, advances - 1))),
    subset(wanted) {
      const isShort = head.getInt16(50) === 0;
      const { glyf, loca } = outlines(table("glyf"), table("loca"), isShort, wanted);
      const found = kept.flatMap((tag): [string, Uint8Array][] => {
        const own = tag === "glyf" ? glyf : tag === "loca" ? loca : tables.get(tag);
        return own === undefined ? [] : [[tag, own]];
      });
      return trueType(found);
    },
  };
}

function tablesOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = viewOf(bytes);
  const tables = new Map<string, Uint8Array>();
  for (let entry = 0; entry < view.getUint16(12); entry++) {
    const at = 44 + 20 * entry;
    const [from, packed, length] = [1, 2, 3].map((word) => view.getUint32(at + 4 * word));
    if (from === undefined || packed === undefined) continue;
    const own = bytes.subarray(from, from + packed);
    const tag = new TextDecoder("latin1").decode(bytes.subarray(at, at + 4));
    tables.set(tag, packed === length ? own : new Uint8Array(inflateSync(own)));
  }
  return tables;
}

/** Glyphs by code point, of a table's subtable for all of the first plane. */
function glyphsOf(cmap: DataView): Map<number, number> {
  const glyphs = new Map<number, number>();
  for (let entry = 0; entry < cmap.getUint16(2); entry++) {
    const at = cmap.getUint32(4 + 8 * entry + 4);
    if (cmap.getUint16(at) !== 4) continue;
    const size = cmap.getUint16(at + 6);
    for (let segment = 0; segment < size; segment += 2) {
      const last = cmap.getUint16(at + 14 + segment);
      const first = cmap.getUint16(at + 16 + size + segment);
      const delta = cmap.getUint16(at + 16 + 2 * size + segment);
      const rangeAt = at + 16 + 3 * size + segment;
      const range = cmap.getUint16(rangeAt);
      for (let code = first; code <= last && code < 0xffff; code++) {
        const listed = range === 0 ? code : cmap.getUint16(rangeAt + range + 2 * (code - first));
        const glyph = listed === 0 ? 0 : (listed + delta) % 0x10000;
        if (glyph !== 0) glyphs.set(code, glyph);
      }
    }
  }
  return glyphs;
}

/** The outlines of some glyphs, with those that they are composed of; all others are empty. */
function outlines(glyf: DataView, loca: DataView, isShort: boolean, wanted: Iterable<number>) {
  const count = loca.byteLength / (isShort ? 2 : 4);
  const startOf = (glyph: number): number =>
    isShort ? 2 * loca.getUint16(2 * glyph) : loca.getUint32(4 * glyph);
  const used = new Set([0]);
  const add = (glyph: number): void => {
    if (used.has(glyph)) return;
    used.add(glyph);
    if (startOf(glyph + 1) > startOf(glyph))
      for (const part of partsOf(glyf, startOf(glyph))) add(part);
  };
  for (const glyph of wanted) add(glyph);
  const places = new DataView(new ArrayBuffer(loca.byteLength));
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let glyph = 0; glyph < count; glyph++) {
    if (isShort) places.setUint16(2 * glyph, length / 2);
    else places.setUint32(4 * glyph, length);
    if (!used.has(glyph) || glyph === count - 1) continue;
    const [from, to] = [startOf(glyph), startOf(glyph + 1)];
    const piece = padded(new Uint8Array(glyf.buffer, glyf.byteOffset + from, to - from));
    pieces.push(piece);
    length += piece.length;
  }
  return { glyf: joined(pieces), loca: new Uint8Array(places.buffer) };
}

/** Glyphs that a glyph is composed of; none where it has contours of its own. */
function partsOf(glyf: DataView, at: number): number[] {
  const parts: number[] = [];
  if (glyf.getInt16(at) >= 0) return parts;
  for (let place = at + 10; ;) {
    const flags = glyf.getUint16(place);
    parts.push(glyf.getUint16(place + 2));
    const scale = (flags & 0x8 && 2) || (flags & 0x40 && 4) || (flags & 0x80 && 8);
    place += 4 + (flags & 0x1 ? 4 : 2) + scale;
    if ((flags & 0x20) === 0) return parts;
  }
}

/** A TrueType file of tables, which are in the order of their names. */
function trueType(tables: readonly [string, Uint8Array][]): Uint8Array {
  const head = new DataView(new ArrayBuffer(12 + 16 * tables.length));
  const selector = Math.floor(Math.log2(tables.length));
  head.setUint32(0, 0x00010000);
  head.setUint16(4, tables.length);
  head.setUint16(6, 16 * 2 ** selector);
  head.setUint16(8, selector);
  head.setUint16(10, 16 * (tables.length - 2 ** selector));
  let from = head.byteLength;
  const bodies = tables.map(([tag, own], entry) => {
    const body = padded(own);
    // Of the whole file, which nothing of a document reads.
    if (tag === "head") viewOf(body).setUint32(8, 0);
    const at = 12 + 16 * entry;
    for (let letter = 0; letter < 4; letter++) head.setUint8(at + letter, tag.charCodeAt(letter));
    head.setUint32(at + 4, sumOf(body));
    head.setUint32(at + 8, from);
    head.setUint32(at + 12, own.length);
    from += body.length;
    return body;
  });
  return joined([new Uint8Array(head.buffer), ...bodies]);
}

function sumOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4) sum = (sum + view.getUint32(at)) >>> 0;
  return sum;
}

/** A copy that ends on a word. */
function padded(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  copy.set(bytes);
  return copy;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
