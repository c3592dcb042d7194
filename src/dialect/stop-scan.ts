/** A sequence, and how much of it the text ends with so far (Knuth, Morris and Pratt: each character is looked at once). */
class Pattern {
  readonly #failures: Uint32Array;
  matched = 0;

  constructor(readonly text: string) {
    this.#failures = new Uint32Array(text.length);
    let length = 0;
    for (let at = 1; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      while (length > 0 && unit !== text.charCodeAt(length))
        length = this.#failures[length - 1] ?? 0;
      if (unit === text.charCodeAt(length)) length++;
      this.#failures[at] = length;
    }
  }

  /** Whether the sequence is complete with this character. Not to be called again when it is. */
  take(unit: number): boolean {
    while (this.matched > 0 && unit !== this.text.charCodeAt(this.matched))
      this.matched = this.#failures[this.matched - 1] ?? 0;
    if (unit === this.text.charCodeAt(this.matched)) this.matched++;
    return this.matched === this.text.length;
  }
}

/** Looks for the first of some sequences in a text that comes in pieces. */
export class StopScanner {
  readonly #patterns: Pattern[];

  constructor(stops: readonly string[]) {
    this.#patterns = stops.map((stop) => new Pattern(stop));
  }

  /** The sequence that is complete, and where in this piece it ends. */
  take(piece: string): { stop: string; end: number } | undefined {
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at);
      let stop: string | undefined;
      for (const pattern of this.#patterns)
        if (pattern.take(unit) && pattern.text.length > (stop?.length ?? 0)) stop = pattern.text;
      if (stop !== undefined) return { stop, end: at + 1 };
    }
    return undefined;
  }

  /** Characters at the end of the text that may be the beginning of a sequence. */
  get held(): number {
    let most = 0;
    for (const { matched } of this.#patterns) if (matched > most) most = matched;
    return most;
  }

  /** What comes next does not follow on the text so far. */
  reset(): void {
    for (const pattern of this.#patterns) pattern.matched = 0;
  }
}
