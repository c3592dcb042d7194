/** Here at once, or later: what a process knows by itself, and else has to be asked for. */
export type Soon<T> = T | Promise<T>;

/** Continues with a value that may or may not be there yet, synchronously if it is. */
export function then<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
