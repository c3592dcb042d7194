import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { type Book, originMark } from "#src/web/docs/book.ts";

/** A part of a page that fits what was searched for. */
export interface Hit {
  /** Address of the part: page and heading. */
  href: string;
  page: string;
  /** Its heading; the page's own title for its beginning. */
  heading: string;
  /** Some of its words, in pieces: those that were searched for are marked. */
  excerpt: readonly Piece[];
}

export interface Piece {
  text: string;
  marked: boolean;
}

/** What finds parts of the documentation, best first. */
export type Search = (query: string) => Hit[];

interface Part {
  href: string;
  page: string;
  heading: string;
  text: string;
  /** Word to how much it counts here. */
  weights: ReadonlyMap<string, number>;
}

const most = 20;
const longestQuery = 200;
/** Words before and after the first that fits. */
const around = { before: 60, whole: 220 };
/** What a word in a heading counts against one in the text. */
const headingWeight = 6;
/** What the beginning of a word counts against all of it. */
const prefixWeight = 0.4;

/** Words that are in everything. */
const common = new Set(
  "a an and are as at be by for from how i in is it my of on or that the to what with".split(" "),
);

/** An index over every heading of every page: made in pieces, as all pages are rendered for it, which takes a tenth of a second. */
export async function createSearch({ pages }: Book): Promise<Search> {
  const found: Part[][] = await mapInPieces(pages, createBreath(), (page) =>
    page.rendered.sections.map(({ heading, text: written }, at) => {
      // An address says nothing, and an excerpt could cut its mark in two.
      const text = written.replaceAll(originMark, "");
      const weights = new Map<string, number>();
      const count = (words: readonly string[], weight: number) => {
        for (const word of words) weights.set(word, (weights.get(word) ?? 0) + weight);
      };
      count(wordsOf(heading.text), headingWeight);
      count(wordsOf(page.title), at === 0 ? headingWeight : 1);
      count(wordsOf(text), 1);
      const href = at === 0 ? page.path : `${page.path}#${heading.id}`;
      return { href, page: page.title, heading: heading.text, text, weights };
    }),
  );
  const parts = found.flat();
  const known = new Map<string, number>();
  for (const { weights } of parts)
    for (const word of weights.keys()) known.set(word, (known.get(word) ?? 0) + 1);
  const rarity = (word: string) => Math.log(1 + parts.length / (known.get(word) ?? parts.length));

  return (query) => {
    const wanted = [...new Set(wordsOf(query.slice(0, longestQuery)))];
    const telling = wanted.filter((word) => !common.has(word));
    const words = telling.length > 0 ? telling : wanted;
    if (words.length === 0) return [];
    // Each word, with those that it begins.
    const meant = words.map((word) => [
      { word, weight: 1 },
      ...(word.length < 2
        ? []
        : [...known.keys()]
            .filter((one) => one !== word && one.startsWith(word))
            .map((one) => ({ word: one, weight: prefixWeight }))),
    ]);
    const scored = parts.flatMap((part) => {
      const scores = meant.map((group) =>
        Math.max(
          0,
          ...group.map(({ word, weight }) => {
            const found = part.weights.get(word) ?? 0;
            return (weight * rarity(word) * found) / (found + 1.5);
          }),
        ),
      );
      const found = scores.filter((score) => score > 0).length;
      if (found === 0) return [];
      // What holds all of the words goes before what holds one of them often.
      const sum = scores.reduce((total, score) => total + score, 0);
      return [{ part, score: sum * (found / words.length) ** 2 }];
    });
    return scored
      .toSorted((one, other) => other.score - one.score)
      .slice(0, most)
      .map(({ part: { href, page, heading, text } }) => ({
        href,
        page,
        heading,
        excerpt: excerptOf(text, words),
      }));
  };
}

/** Lower-case words; names such as `carbon_budget_g` or `X-Api-Key` as a whole and in parts. */
function wordsOf(text: string): string[] {
  const whole = text.toLowerCase().match(/[\p{L}\p{N}_][\p{L}\p{N}_-]*/gu) ?? [];
  return whole.flatMap((word) => {
    const parts = word.split(/[-_]+/).filter((part) => part !== "");
    return parts.length > 1 ? [word, ...parts] : parts;
  });
}

/** The place where the first of the words stands, each of them marked. */
function excerptOf(text: string, words: readonly string[]): Piece[] {
  // Letters, digits, dashes and underscores: nothing that means something in a pattern.
  const pattern = new RegExp(words.join("|"), "giu");
  const first = Math.max(0, text.search(pattern));
  const from = first < around.before ? 0 : text.indexOf(" ", first - around.before) + 1;
  const whole = text.slice(from, from + around.whole);
  const shown = whole.length < around.whole ? whole : whole.slice(0, whole.lastIndexOf(" "));
  const pieces: Piece[] = [];
  let at = 0;
  for (const { 0: found, index } of shown.matchAll(pattern)) {
    if (index > at) pieces.push({ text: shown.slice(at, index), marked: false });
    pieces.push({ text: found, marked: true });
    at = index + found.length;
  }
  const rest = shown.slice(at) + (from + shown.length < text.length ? " …" : "");
  const head = from > 0 ? [{ text: "… ", marked: false }] : [];
  return [...head, ...pieces, ...(rest === "" ? [] : [{ text: rest, marked: false }])];
}
