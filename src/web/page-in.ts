/** Some of a list that is whole in memory, from after an id on, and the last of them where more follow. */
export function pageIn<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { after, pageSize }: { after: string | null; pageSize: number },
): { shown: readonly T[]; next: string | undefined } {
  // An id that is gone begins anew.
  const from = items.findIndex((item) => idOf(item) === after) + 1;
  const shown = items.slice(from, from + pageSize);
  const last = shown.at(-1);
  const hasMore = from + pageSize < items.length && last !== undefined;
  return { shown, next: hasMore ? idOf(last) : undefined };
}
