/** Something that may be in a bag. */
export interface Placed {
  /** Where it stands in its bag; -1 in none. The bag keeps it. */
  place: number;
}

/**
 * Things that come and go all the time, in no order, each in one bag at most. A Set does the same, but each table that it outgrows
 * knows the one after it: once one of them is old, all that follow, and what they held, stay until a full collection.
 */
export class Bag<T extends Placed> implements Iterable<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.place = this.#items.push(item) - 1;
  }

  /** Whether it was in the bag. */
  delete(item: T): boolean {
    const { place } = item;
    if (this.#items[place] !== item) return false;
    item.place = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return true;
    this.#items[place] = last;
    last.place = place;
    return true;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }
}

/** A bag that several fill, as one of them has it: all that is in it, and how much of that is its own. */
export class Share<T extends Placed> implements Iterable<T> {
  #own = 0;

  constructor(readonly bag: Bag<T>) {}

  get size(): number {
    return this.bag.size;
  }

  /** How many of them were added here. */
  get own(): number {
    return this.#own;
  }

  add(item: T): void {
    this.#own++;
    this.bag.add(item);
  }

  /** Whether it was in the bag. Only for what was added here. */
  delete(item: T): boolean {
    const was = this.bag.delete(item);
    if (was) this.#own--;
    return was;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.bag[Symbol.iterator]();
  }
}
