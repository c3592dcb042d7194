/** A sum that is not what the rows add up to. */
export interface Mismatch {
  /** Which sum: `total` of a day and place, `credit` of an account, or another kind of allowance. */
  what: string;
  /** Where it stands: names and values of its place. */
  place: Record<string, string>;
  /** What it says, and what the rows say: equal, or between two where the window of a few rows is not known. */
  told: string;
  counted: string;
  message: string;
}

/** One, in words. `sum` of its place is the name of what is compared there. */
export function named(
  what: string,
  place: Record<string, string>,
  told: string,
  counted: string,
): Mismatch {
  const { sum, ...where } = place;
  const at = Object.entries(where)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  const message = `The ${what}${sum === undefined ? "" : ` "${sum}"`} of ${at} says ${told}, the rows say ${counted}`;
  return { what, place, told, counted, message };
}
