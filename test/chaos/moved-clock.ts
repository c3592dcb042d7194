/*
 * Loaded before the program: its wall clock is off by what another process writes into a file of eight bytes, milliseconds as
 * a float. Time that only passes stays what it is, as where somebody sets the clock of a machine.
 */
const path = process.env["CHAOS_CLOCK"];
if (path !== undefined) {
  const offset = new Float64Array(Bun.mmap(path).buffer);
  const real = Date.now;
  const moved = () => real() + (offset[0] ?? 0);
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[]) =>
      Reflect.construct(target, args.length === 0 ? [moved()] : args),
    get: (target, name) => (name === "now" ? moved : Reflect.get(target, name)),
  });
}
export {};
