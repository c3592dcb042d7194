/** Runs work under a signal that ends with any of the others, and with `late` after some time. */
export async function within<T>(
  milliseconds: number,
  late: () => Error,
  parents: AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(late()), milliseconds);
  const leaves = parents.map((parent) => {
    const leave = () => own.abort(parent.reason);
    if (parent.aborted) leave();
    parent.addEventListener("abort", leave, { once: true });
    return () => parent.removeEventListener("abort", leave);
  });
  try {
    own.signal.throwIfAborted();
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    for (const leave of leaves) leave();
  }
}

/** What a promise gives, unless the signal ends first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const leave = () => reject(errorOf(signal.reason));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** What ended a signal, as an error. */
export function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
