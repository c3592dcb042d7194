/** The one of the names that was probably meant: with the fewest letters to change, at most a third of them; undefined where none is near. */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  let least = Math.floor(given.length / 3) + 1;
  let found: string | undefined;
  for (const name of names) {
    if (Math.abs(name.length - given.length) >= least) continue;
    const letters = distance(given, name);
    if (letters >= least) continue;
    least = letters;
    found = name;
  }
  return found;
}

/** How many letters have to be changed, added or left out to make one word the other (Levenshtein, 1965). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1];
    for (let place = 0; place < to.length; place++) {
      const change = (row[place] ?? 0) + (from[at] === to[place] ? 0 : 1);
      next.push(Math.min(change, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
