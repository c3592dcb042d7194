import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenai } from "#test/bin/provider.ts";
import { notifySocket } from "#test/lib/notify-socket.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOnce } from "#test/workers/client.ts";
import { customer, endFleets, startFleet, until } from "#test/workers/kit.ts";

const upstream = startOpenai();
afterEach(endFleets);
afterAll(() => upstream.stop());

/** How many sockets listen on a port of 127.0.0.1. */
function listenersOn(port: number): number {
  const name = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => line.includes(` ${name} `) && / 0A /.test(line)).length;
}

/** What the clock of systemd may say now, microseconds: the time since the start of the machine. */
const bootMicroseconds = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1e6;

describe.skipIf(process.platform !== "linux")("systemd is told by workers", () => {
  test("READY once all listen, RELOADING and READY around each replacement, STOPPING at the end", async () => {
    using folder = temporaryFolder();
    const address = join(folder.path, "notify");
    using socket = notifySocket(address);
    const file = join(folder.path, "lowrouter.toml");
    writeFileSync(file, "workers = 2\n");
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, {
      args: ["--config", file],
      env: { ...upstream.env, NOTIFY_SOCKET: address },
    });
    await until("it is ready", () => socket.told().length > 0);
    expect(listenersOn(fleet.port)).toBe(2);
    expect(socket.told()).toEqual(["READY=1"]);

    const from = bootMicroseconds();
    writeFileSync(file, "workers = 3\n");
    fleet.signal("SIGHUP");
    await until("it begins", () => socket.told().length > 1);
    const [, began = ""] = socket.told();
    const [, at = "0"] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(began) ?? [];
    expect(Number(at)).toBeGreaterThan(from - 1e6);
    expect(Number(at)).toBeLessThan(bootMicroseconds() + 1e6);
    expect(socket.told()).toHaveLength(2);
    await until("it is done", () => socket.told().length > 2);
    expect(socket.told()[2]).toBe("READY=1\nSTATUS=3 workers serve");
    expect(fleet.err()).toContain('"configuration_read"');
    expect(listenersOn(fleet.port)).toBe(3);

    // As many as the file said last, not as at the start.
    fleet.signal("SIGUSR2");
    await until("they are replaced", () => socket.told().length > 4);
    expect(socket.told()[4]).toBe("READY=1\nSTATUS=3 workers serve");

    writeFileSync(file, "workers = 0\n");
    fleet.signal("SIGHUP");
    await until("it is refused", () => socket.told().length > 6);
    expect(socket.told()[5]).toStartWith("RELOADING=1\n");
    expect(socket.told()[6]).toBe("READY=1\nSTATUS=The configuration was kept: the log says why");
    expect((await askOnce(fleet.port, secret)).status).toBe(200);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    expect(socket.told().slice(7)).toEqual(["STOPPING=1"]);
  }, 90_000);

  test("a reload that a stop ends is not said to be ready again", async () => {
    using folder = temporaryFolder();
    const address = join(folder.path, "notify");
    using socket = notifySocket(address);
    const fleet = await startFleet(folder.path, {
      workers: 2,
      env: { ...upstream.env, NOTIFY_SOCKET: address },
    });
    fleet.signal("SIGHUP");
    await until("it begins", () => socket.told().length > 1);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    expect(socket.told().at(-1)).toBe("STOPPING=1");
    expect(socket.told()).toHaveLength(3);
  }, 60_000);

  test("one process tells of each reload, what came of it, and of none once it stops", async () => {
    using folder = temporaryFolder();
    const address = join(folder.path, "notify");
    using socket = notifySocket(address);
    const file = join(folder.path, "lowrouter.toml");
    writeFileSync(file, "");
    const single = await startFleet(folder.path, {
      args: ["--config", file],
      env: { ...upstream.env, NOTIFY_SOCKET: address },
    });
    await until("it is ready", () => socket.told().length > 0);
    single.signal("SIGHUP");
    await until("it is done", () => socket.told().length > 2);
    expect(socket.told()[1]).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    expect(socket.told()[2]).toBe("READY=1\nSTATUS=The configuration was read");
    writeFileSync(file, "workers = 2\n");
    single.signal("SIGHUP");
    await until("it is refused", () => socket.told().length > 4);
    expect(socket.told()[3]).toStartWith("RELOADING=1\n");
    expect(socket.told()[4]).toBe("READY=1\nSTATUS=The configuration was kept: the log says why");
    writeFileSync(file, "");
    single.signal("SIGHUP");
    await until("it begins", () => socket.told().length > 5);
    single.signal("SIGTERM");
    expect(await single.ended).toBe(0);
    expect(socket.told().at(-1)).toBe("STOPPING=1");
  }, 60_000);
});
