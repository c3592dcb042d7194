import { AsyncLocalStorage } from "node:async_hooks";
import { faultIn, type PassingFault } from "#src/lib/error.ts";

/*
 * The sign-in library takes some faults of the database for a wrong answer of whoever signs in, and its parts do not agree on
 * what an error of its own is: so what the database said is noted beside it.
 */

const noted = new AsyncLocalStorage<{ fault?: PassingFault }>();

/** What the library asks of a database, each fault noted for whoever asked the library. */
export function notingFaults<O, A extends Readonly<Record<string, unknown>>>(
  open: (options: O) => A,
): (options: O) => A {
  return (options) => {
    const adapter = open(options);
    const noting = Object.entries(adapter).map(([name, value]) => [
      name,
      typeof value === "function" ? noteOf(value) : value,
    ]);
    return Object.assign(adapter, Object.fromEntries(noting));
  };
}

/** What the library does; where that fails because the database did, throws its fault. */
export async function tellingFaults<T>(work: () => Promise<T>): Promise<T> {
  const note: { fault?: PassingFault } = {};
  try {
    return await noted.run(note, work);
  } catch (thrown) {
    throw note.fault ?? thrown;
  }
}

function noteOf(work: Function) {
  return async (...args: unknown[]): Promise<unknown> => {
    try {
      return await Reflect.apply(work, undefined, args);
    } catch (thrown) {
      const note = noted.getStore();
      const fault = faultIn(thrown);
      if (note !== undefined && fault !== undefined) note.fault = fault;
      throw thrown;
    }
  };
}
