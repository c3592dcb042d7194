import { dlopen, FFIType, ptr } from "bun:ffi";

/** The socket on which systemd is told how a service is doing. */
export function notifySocket(address: string) {
  const { symbols } = dlopen(process.env["LIBC"] ?? "libc.so.6", {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
    recv: {
      args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32],
      returns: FFIType.i64,
    },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  });
  const path = new TextEncoder().encode(address.replace(/^@/, "\0"));
  const name = new Uint8Array(2 + path.length + (address.startsWith("@") ? 0 : 1));
  name[0] = 1;
  name.set(path, 2);
  const socket = symbols.socket(1, 2, 0);
  if (symbols.bind(socket, ptr(name), name.length) !== 0) throw new Error(`Cannot bind ${address}`);
  const told: string[] = [];
  const bytes = new Uint8Array(4096);
  const dontWait = 0x40;
  return {
    /** Everything that it was told until now. */
    told() {
      for (;;) {
        const size = Number(symbols.recv(socket, ptr(bytes), bytes.length, dontWait));
        if (size < 0) return told;
        told.push(new TextDecoder().decode(bytes.subarray(0, size)));
      }
    },
    [Symbol.dispose]: () => void symbols.close(socket),
  };
}
