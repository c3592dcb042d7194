import { dlopen, FFIType, ptr } from "bun:ffi";

const unixFamily = 1;
const datagram = 2;
const monotonicClock = 1;

/** Tells systemd how the service is doing, where it asked. Silence elsewhere: a missing supervisor is no fault. */
export function notify(state: string): void {
  const address = process.env.NOTIFY_SOCKET;
  if (process.platform !== "linux" || !address) return;
  try {
    const libc = dlopen("libc.so.6", {
      socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
      sendto: {
        args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
        returns: FFIType.i64,
      },
      close: { args: [FFIType.i32], returns: FFIType.i32 },
    });
    const path = new TextEncoder().encode(
      address.startsWith("@") ? `\0${address.slice(1)}` : address,
    );
    const target = new Uint8Array(2 + path.length + (address.startsWith("@") ? 0 : 1));
    target[0] = unixFamily;
    target.set(path, 2);
    const message = new TextEncoder().encode(state);
    const socket = libc.symbols.socket(unixFamily, datagram, 0);
    libc.symbols.sendto(socket, ptr(message), message.length, 0, ptr(target), target.length);
    libc.symbols.close(socket);
  } catch {
    // Another C library, or no socket any more: the service runs all the same.
  }
}

/** Tells systemd that a reload begins; READY=1 ends it. It is to know the moment, by the clock that it has itself. Source: sd_notify(3) */
export function notifyReloading(): void {
  if (process.platform !== "linux" || !process.env.NOTIFY_SOCKET) return;
  try {
    const libc = dlopen("libc.so.6", {
      clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    });
    const time = new BigInt64Array(2);
    libc.symbols.clock_gettime(monotonicClock, ptr(time));
    const [seconds = 0n, nanoseconds = 0n] = time;
    notify(`RELOADING=1\nMONOTONIC_USEC=${seconds * 1_000_000n + nanoseconds / 1000n}`);
  } catch {
    // Another C library: the reload goes on all the same.
  }
}
