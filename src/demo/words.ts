const preface = "This is a simulated answer from the demo provider. No model was asked. ";
// One of them has a three-byte character, so that streams get split inside one.
const sentences = [
  "Every answer names the provider and the region that served it. ",
  "The estimate beside it says how much energy the request took. ",
  "From the grid of that region follows how many grams of CO₂e it emitted. ",
  "Ask for another region and compare the figures. ",
  "A smaller model of the same family often answers as well for less. ",
  "The dashboard adds the figures up by day, model and key. ",
  "What cannot be estimated is left out, never shown as zero. ",
];
const bytesPerToken = 4;

/** Tokens of a text as this simulation counts them: four UTF-8 bytes each, rounded up. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** A text that says it is simulated, names its topic, and is the same for the same topic. */
export function textAbout(topic: string, tokens: number | undefined): string {
  const about = topic.slice(0, 80).replace(/\s+/g, " ").trim();
  const seed = Number(Bun.hash(topic) % 1024n);
  let text = about === "" ? preface : `${preface}You asked: "${about}". `;
  const count = 3 + (seed % 4);
  let next = seed;
  const more = (): boolean =>
    tokens === undefined ? next < seed + count : text.length < tokens * bytesPerToken;
  while (more()) text += sentences[next++ % sentences.length];
  return tokens === undefined ? text.trimEnd() : cutToTokens(text, tokens);
}

/** The longest start of a text that counts no more tokens than given; characters stay whole. */
export function cutToTokens(text: string, tokens: number): string {
  const limit = tokens * bytesPerToken;
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
  let bytes = 0;
  let at = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    at += character.length;
  }
  return text.slice(0, at);
}

/** The text in pieces of a word each, as a stream brings them; together they are the text. */
export function piecesOf(text: string): string[] {
  return text.match(/\s*\S{1,64}\s?|\s+/gu) ?? [];
}

/** The text in pieces of a few characters, none of them split; together they are the text. */
export function fragmentsOf(text: string): string[] {
  return text.match(/.{1,6}/gsu) ?? [];
}
