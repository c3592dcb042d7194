import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnvironment, until } from "#test/bin/executable.ts";
import { notifySocket } from "#test/lib/notify-socket.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const module = join(import.meta.dir, "../../src/lib/sd-notify.ts");

/** A process that does this, with these variables. */
function run(script: string, env: Record<string, string>) {
  return Bun.spawn(
    [process.execPath, "-e", `const it = await import(${JSON.stringify(module)});\n${script}`],
    { env: cleanEnvironment(env), stdin: "pipe", stdout: "pipe", stderr: "pipe" },
  );
}

describe.skipIf(process.platform !== "linux")("systemd", () => {
  test("is told again and again that a process goes on that it watches, and only by that one", async () => {
    const address = join(folder.path, "watched");
    using socket = notifySocket(address);
    // Another process, as a worker is one.
    const other = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" };
    expect(await run("it.keepWatchdog(); await Bun.sleep(100);", other).exited).toBe(0);
    expect(socket.told()).toEqual([]);
    const own = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "20000" };
    const watched = run("it.keepWatchdog(); for await (const _ of process.stdin);", own);
    await until("it is told thrice", () => socket.told().length >= 3);
    expect(new Set(socket.told())).toEqual(new Set(["WATCHDOG=1"]));
    watched.stdin.end();
    expect(await watched.exited).toBe(0);
  });

  test("does not keep a process alive by watching it", async () => {
    const address = join(folder.path, "ended");
    using _ = notifySocket(address);
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "60000000" };
    expect(await run("it.keepWatchdog();", env).exited).toBe(0);
  });

  test.each(["", "0", "soon", "-5"])(
    "that asks for no watchdog by %p is not told",
    async (asked) => {
      const address = join(folder.path, `asked-${asked}`);
      using socket = notifySocket(address);
      const child = run("it.keepWatchdog(); await Bun.sleep(50);", {
        NOTIFY_SOCKET: address,
        WATCHDOG_USEC: asked,
      });
      expect(await child.exited).toBe(0);
      expect(socket.told()).toEqual([]);
    },
  );

  test("whose socket is gone stops nobody", async () => {
    const child = run('it.notify("READY=1"); it.notifyReloading(); console.log("goes on");', {
      NOTIFY_SOCKET: join(folder.path, "none"),
    });
    expect([await child.stdout.text(), await child.stderr.text()]).toEqual(["goes on\n", ""]);
  });

  test("cannot be told where no C library can be loaded, and that stops nobody", async () => {
    // In a process of its own: a module that is replaced stays so for all tests of a process.
    const path = join(folder.path, "without.test.ts");
    writeFileSync(
      path,
      `import { expect, mock, test } from "bun:test";
      const asked = [];
      const dlopen = (name) => { asked.push(name); throw new Error("no library"); };
      mock.module("bun:ffi", () => ({ dlopen, FFIType: {}, ptr() {} }));
      test("goes on", async () => {
        const it = await import(${JSON.stringify(module)});
        it.notify("READY=1");
        it.notifyReloading();
        expect(asked).toEqual(["libc.so.6", "libc.so.6"]);
      });`,
    );
    const child = Bun.spawn([process.execPath, "test", path], {
      env: cleanEnvironment({ NOTIFY_SOCKET: join(folder.path, "any") }),
      stdout: "ignore",
      stderr: "pipe",
    });
    expect([await child.stderr.text(), await child.exited]).toEqual([
      expect.stringContaining("1 pass"),
      0,
    ]);
  });
});
