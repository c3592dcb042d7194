interface Entry<T> {
  readonly key: string;
  value: T;
  before: Entry<T> | undefined;
  after: Entry<T> | undefined;
}

/**
 * The things that were used last, so many at most. A Map in the order of use would be written anew with each use, which leaves
 * tables behind that keep each other until a full collection.
 */
export class Recent<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #size: number;
  #oldest: Entry<T> | undefined;
  #newest: Entry<T> | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  /** What is kept under a key. That it is looked at is no use. */
  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Keeps it as what was used last. */
  use(key: string, value: T): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      if (known === this.#newest) return;
      this.#unlink(known);
      this.#append(known);
      return;
    }
    const entry: Entry<T> = { key, value, before: undefined, after: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
    const oldest = this.#oldest;
    if (this.#entries.size <= this.#size || oldest === undefined) return;
    this.#entries.delete(oldest.key);
    this.#unlink(oldest);
  }

  #append(entry: Entry<T>): void {
    entry.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.after = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<T>): void {
    const { before, after } = entry;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    // What is forgotten keeps nothing alive.
    entry.before = entry.after = undefined;
  }
}
