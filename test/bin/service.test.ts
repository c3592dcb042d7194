import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installService, serviceUnit } from "#src/cli/service.ts";
import { cleanEnvironment, command, executable, start, until } from "#test/bin/executable.ts";
import { startOpenai } from "#test/bin/provider.ts";
import { notifySocket } from "#test/lib/notify-socket.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
beforeAll(async () => void (await executable()), 120_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

/** The exposure that the documentation states, in tenths: systemd-analyze takes it so. */
const exposure = 20;
const analyzes = Bun.which("systemd-analyze") !== null;
if (!analyzes && process.env["CI"] === "true") throw new Error("systemd-analyze is needed in CI");

function analyze(...args: string[]) {
  const child = Bun.spawnSync(["systemd-analyze", ...args], { env: cleanEnvironment() });
  return { code: child.exitCode, said: `${child.stdout}${child.stderr}` };
}

describe("the unit", () => {
  test("is printed for the executable that prints it", async () => {
    const { out, err, code } = await command(["service", "print"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toBe(serviceUnit(await executable()));
    expect(out).toContain(`\nExecStart=${await executable()} serve\n`);
    expect(out).not.toContain("/usr/local");
  });

  test.skipIf(!analyzes)("is one that systemd understands, every line of it", async () => {
    const path = join(folder.path, "lowrouter.service");
    const unit = (await command(["service", "print"])).out;
    writeFileSync(path, unit);
    expect(analyze("verify", path)).toEqual({ code: 0, said: "" });
    // What is a comment in it is right, too.
    writeFileSync(path, unit.replace(/^#(?=LoadCredential)/gm, ""));
    expect(analyze("verify", path)).toEqual({ code: 0, said: "" });
    writeFileSync(path, unit.replace("ProtectClock", "ProtectClocks"));
    expect(analyze("verify", path).said).toContain("ProtectClocks");
  });

  test.skipIf(!analyzes)("exposes no more than the documentation says", async () => {
    const path = join(folder.path, "exposed.service");
    const unit = serviceUnit("/usr/local/bin/lowrouter");
    writeFileSync(path, unit);
    const judge = () => analyze("security", "--offline=true", `--threshold=${exposure}`, path);
    const { code, said } = judge();
    expect([code, said.split("\n").filter((line) => line.includes("Overall"))]).toEqual([
      0,
      [expect.stringContaining("OK")],
    ]);
    const page = readFileSync(
      join(import.meta.dir, "../../src/web/content/operating/systemd.md"),
      "utf8",
    );
    expect(page).toContain(`an exposure of at most ${(exposure / 10).toFixed(1)} of 10`);
    writeFileSync(path, unit.replace("CapabilityBoundingSet=\n", ""));
    expect(judge().code).not.toBe(0);
  });

  test("is installed once, never over another, and not for an executable that it cannot see", () => {
    const file = join(folder.path, "installed.service");
    const said: string[] = [];
    const output = { out: (text: string) => said.push(text), err: () => {}, colour: false };
    const install = (program: string) => () => installService({ file }, output, program);
    for (const program of ["/home/me/lowrouter", "/root/lowrouter", "/tmp/lowrouter"])
      expect(install(program)).toThrow("the unit does not see that directory");
    expect(existsSync(file)).toBe(false);
    const own = "/opt/lowrouter/lowrouter";
    install(own)();
    expect(said).toEqual([`${file}\n`]);
    expect(readFileSync(file, "utf8")).toBe(serviceUnit(own));
    install(own)();
    said.length = 0;
    installService({ file, json: true }, output, own);
    expect(JSON.parse(said.join(""))).toEqual({ data: { file } });
    writeFileSync(file, "[Unit]\n");
    expect(install(own)).toThrow("another is there");
    expect(readFileSync(file, "utf8")).toBe("[Unit]\n");
    const nowhere = () => installService({ file: "/proc/none/x.service" }, output, own);
    expect(nowhere).toThrow("Cannot write /proc/none/x.service");
  });
});

describe.skipIf(process.platform !== "linux")("systemd is told", () => {
  test.each([
    { what: "by a path", address: join(folder.path, "notify"), workers: "1" },
    { what: "by an abstract name", address: `@lowrouter-test-${process.pid}`, workers: "1" },
    { what: "with workers", address: join(folder.path, "notify-workers"), workers: "2" },
  ])(
    "when it is ready and when it stops, each once: $what",
    async ({ address, workers }) => {
      using socket = notifySocket(address);
      const serving = await start(
        ["serve", "--data-dir", join(folder.path, `state-${workers}`), "--workers", workers],
        { env: { ...upstream.env, NOTIFY_SOCKET: address } },
      );
      await until("it is told", () => socket.told().length > 0);
      expect(socket.told()).toEqual(["READY=1"]);
      // What is ready answers.
      expect((await fetch(`${serving.url}/readyz`)).status).toBe(200);
      expect(await serving.stop()).toBe(0);
      expect(socket.told()).toEqual(["READY=1", "STOPPING=1"]);
    },
    60_000,
  );

  test("nothing where it could not start", async () => {
    using socket = notifySocket(join(folder.path, "notify-never"));
    const { code } = await command(["serve", "--data-dir", "/proc/none"], {
      env: { ...upstream.env, NOTIFY_SOCKET: join(folder.path, "notify-never") },
    });
    expect(code).not.toBe(0);
    expect(socket.told()).toEqual([]);
  });
});
