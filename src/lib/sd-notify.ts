import { dlopen, FFIType, ptr } from "bun:ffi";

const unixFamily = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
const monotonicClock = 1;
/** A timer takes no pause of weeks. */
const longestPauseMs = 60_000;

/** Tells systemd how the service is doing, where it asked. Silence elsewhere: a missing supervisor is no fault. */
export function notify(state: string): void {
  const address = process.env.NOTIFY_SOCKET;
  if (process.platform !== "linux" || !address) return;
  try {
    const { socket, sendto, close } = libc().symbols;
    const path = new TextEncoder().encode(
      address.startsWith("@") ? `\0${address.slice(1)}` : address,
    );
    const target = new Uint8Array(2 + path.length + (address.startsWith("@") ? 0 : 1));
    target[0] = unixFamily;
    target.set(path, 2);
    const message = new TextEncoder().encode(state);
    const opened = socket(unixFamily, datagram | closeOnExec, 0);
    sendto(opened, ptr(message), message.length, 0, ptr(target), target.length);
    close(opened);
  } catch {
    // No C library that can be loaded, or no socket any more: the service runs all the same.
  }
}

/** Tells systemd that a reload begins; READY=1 ends it. It is to know the moment, by the clock that it has itself. Source: sd_notify(3) */
export function notifyReloading(): void {
  if (process.platform !== "linux" || !process.env.NOTIFY_SOCKET) return;
  try {
    const time = new BigInt64Array(2);
    libc().symbols.clock_gettime(monotonicClock, ptr(time));
    const [seconds = 0n, nanoseconds = 0n] = time;
    notify(`RELOADING=1\nMONOTONIC_USEC=${seconds * 1_000_000n + nanoseconds / 1000n}`);
  } catch {
    // No C library that can be loaded: the reload goes on all the same.
  }
}

/**
 * Tells systemd that the process goes on, twice as often as it has to be, where it asked this process for that: a process that
 * hangs is then started anew. It ends with the process. Source: sd_watchdog_enabled(3)
 */
export function keepWatchdog(): void {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env;
  const halfMs = Number(microseconds) / 2000;
  // A worker has the variables of its supervisor, and is not the one that is watched.
  if (!(halfMs >= 1) || (pid !== undefined && pid !== String(process.pid))) return;
  setInterval(() => notify("WATCHDOG=1"), Math.min(halfMs, longestPauseMs)).unref();
}

let opened: ReturnType<typeof open> | undefined;

/** The C library, opened when first asked for and then kept. Throws where it cannot be. */
function libc(): ReturnType<typeof open> {
  return (opened ??= open());
}

function open() {
  // The loader of musl takes itself for every library of such a name, so that there this one is right, too.
  return dlopen("libc.so.6", {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: {
      args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
      returns: FFIType.i64,
    },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
    clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  });
}
