import { dlopen, FFIType, ptr } from "bun:ffi";
import { readdirSync } from "node:fs";

/*
 * Linux hands each new connection to one of the listeners of an address by a hash. What waits in the queue of a listener that
 * closes is reset, so new connections are first led around it: by a classic filter, which needs no privilege and draws one of
 * the other listeners at random. Source: socket(7), SO_ATTACH_REUSEPORT_CBPF; linux/filter.h
 */

const socketLevel = 1;
const acceptConnections = 30;
const attachFilter = 51;
const detachFilter = 68;
/** `skb` extension: a random number. SKF_AD_OFF + SKF_AD_RANDOM, as unsigned 32 bits. */
const random = 0x1_0000_0000 - 0x1000 + 56;

/** Opens the C library; undefined where there is none of this name. */
function openLibrary() {
  try {
    return dlopen("libc.so.6", {
      getsockopt: {
        args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
        returns: FFIType.i32,
      },
      setsockopt: {
        args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
        returns: FFIType.i32,
      },
      getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
    }).symbols;
  } catch {
    // Another C library: connections are then spread as ever, and a few may be reset.
    return undefined;
  }
}

/**
 * Leads new connections around the listener that was opened as number `at` (from 0) of `of`, or to all of them again where nothing
 * is given. Done through this process's own listener on the port. Returns whether the kernel took it.
 */
export function steer(port: number, around: { at: number; of: number } | undefined): boolean {
  if (process.platform !== "linux") return false;
  const library = openLibrary();
  if (library === undefined) return false;
  const listener = listenerOn(port, library);
  if (listener === undefined) return false;
  if (around === undefined || around.of < 2) {
    const none = new Int32Array(1);
    return library.setsockopt(listener, socketLevel, detachFilter, ptr(none), 4) === 0;
  }
  const filter = filterOf(around.at, around.of);
  // struct sock_fprog: how many instructions, and where.
  const program = new BigUint64Array([BigInt(filter.length / 8), BigInt(ptr(filter))]);
  return library.setsockopt(listener, socketLevel, attachFilter, ptr(program), 16) === 0;
}

/** Draws a place among the others: what is at the place left out or behind it is one further. */
function filterOf(at: number, of: number): Uint8Array {
  const instructions = [
    { code: 0x20, whenTrue: 0, whenFalse: 0, k: random },
    { code: 0x94, whenTrue: 0, whenFalse: 0, k: of - 1 },
    { code: 0x35, whenTrue: 0, whenFalse: 1, k: at },
    { code: 0x04, whenTrue: 0, whenFalse: 0, k: 1 },
    { code: 0x16, whenTrue: 0, whenFalse: 0, k: 0 },
  ];
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, whenTrue, whenFalse, k }] of instructions.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, whenTrue);
    view.setUint8(index * 8 + 3, whenFalse);
    view.setUint32(index * 8 + 4, k, true);
  }
  return bytes;
}

/** The descriptor of our listener: the server does not tell it. */
function listenerOn(
  port: number,
  library: NonNullable<ReturnType<typeof openLibrary>>,
): number | undefined {
  const value = new Int32Array(1);
  const valueSize = new Uint32Array(1);
  const name = new Uint8Array(128);
  const nameSize = new Uint32Array(1);
  for (const text of readdirSync("/proc/self/fd")) {
    const descriptor = Number(text);
    valueSize[0] = 4;
    nameSize[0] = name.length;
    const asked = library.getsockopt(
      descriptor,
      socketLevel,
      acceptConnections,
      ptr(value),
      ptr(valueSize),
    );
    if (asked !== 0 || value[0] !== 1) continue;
    if (library.getsockname(descriptor, ptr(name), ptr(nameSize)) !== 0) continue;
    // Both families have the port, in network order, after two bytes of family.
    if (new DataView(name.buffer).getUint16(2) === port) return descriptor;
  }
  return undefined;
}
