import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { build } from "#src/build.ts";
import { freePort } from "#test/lib/port.ts";
import { cleanEnvironment, type Ended } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import {
  makeSysroot,
  type Played,
  played,
  type Sysroot,
  whyNotPlayed,
} from "#test/build/sysroot.ts";
import { notifySocket } from "#test/lib/notify-socket.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * The executables for other machines, run: those of musl with musl, those of arm64 on an emulator. Their C libraries and the
 * emulator are packages of Debian, so this asks for a network, takes minutes, and is run where it is asked for.
 */

const root = join(import.meta.dir, "../..");
const created = v.looseObject({ key: v.string() });
const answered = v.looseObject({
  choices: v.tuple([v.looseObject({ message: v.looseObject({ content: v.string() }) })]),
});
const verified = v.looseObject({ data: v.looseObject({ ok: v.boolean(), rows: v.number() }) });
const version = v.parse(
  v.looseObject({ version: v.string() }),
  await Bun.file(join(root, "package.json")).json(),
).version;

const folder = temporaryFolder();
const upstream = startOpenai();
const targets = Object.keys(played).filter((name): name is Played => name in played);
const sysroots = new Map<Played, Sysroot>();
const asked = process.env["LOWROUTER_TEST_MACHINES"] === "1";
const why = asked
  ? (whyNotPlayed() ?? (await whyNotMade()))
  : "set LOWROUTER_TEST_MACHINES=1 to run them";
if (why !== undefined) console.error(`The executables for other machines are NOT run: ${why}`);

/** Compiles them and makes their machines. Says what could not be had; throws where they cannot be made of it. */
async function whyNotMade(): Promise<string | undefined> {
  try {
    for (const target of targets) {
      const outfile = join(folder.path, `lowrouter-${target}`);
      await build({ entry: join(root, "src/main.ts"), outfile, target });
      sysroots.set(target, makeSysroot(target, outfile, folder.path));
    }
    return undefined;
  } catch (thrown) {
    // Of npm, and of Debian: no network, or no mirror.
    if (thrown instanceof Error && /^Cannot (get|run apt-get)/.test(thrown.message))
      return thrown.message;
    throw thrown;
  }
}

afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

function spawn(target: Played, args: string[], env: Record<string, string>) {
  const sysroot = sysroots.get(target);
  if (sysroot === undefined) throw new Error(`Cannot play ${target}`);
  const { inside } = sysroot.state;
  return Bun.spawn(sysroot.command([...args, "--data-dir", `${inside}/ledger`]), {
    env: cleanEnvironment({ HOME: inside, TMPDIR: inside, ...env }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function command(target: Played, args: string[], env = {}): Promise<Ended> {
  const child = spawn(target, args, env);
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}

describe.skipIf(why !== undefined).each(targets)("%s", (target) => {
  test("says its version", async () => {
    const sysroot = sysroots.get(target);
    const child = Bun.spawnSync(sysroot?.command(["--version"]) ?? [], { env: cleanEnvironment() });
    expect([child.exitCode, child.stderr.toString()]).toEqual([0, ""]);
    expect(child.stdout.toString()).toBe(`lowrouter ${version}\n`);
  }, 300_000);

  test.each(["1", "2"])(
    "serves with its own database library, by %s",
    async (workers) => {
      const account = ["--account", "acme", "--name", `k${workers}`, "--json"];
      if (workers === "1")
        expect(
          (await command(target, ["account", "create", "--name", "acme", "--balance", "9"])).code,
        ).toBe(0);
      const { key } = v.parse(
        created,
        JSON.parse((await command(target, ["key", "create", ...account])).out),
      );
      const port = freePort();
      const address = `@lowrouter-${target}-${workers}-${process.pid}`;
      using socket = notifySocket(address);
      const serving = spawn(
        target,
        ["serve", "--workers", workers, "--listen", `127.0.0.1:${port}`],
        { ...upstream.env, NOTIFY_SOCKET: address },
      );
      const said = Promise.all([serving.stdout.text(), serving.stderr.text()]);
      try {
        // An emulator on a busy machine takes its time: the test's own limit ends it.
        while (!socket.told().includes("READY=1")) {
          if (serving.exitCode !== null) throw new Error(`It ended: ${(await said)[1]}`);
          await Bun.sleep(20);
        }
        const url = `http://127.0.0.1:${port}`;
        const whole = await chat(url, key);
        expect(whole.status).toBe(200);
        expect(v.parse(answered, await whole.json()).choices[0].message.content).not.toBe("");
        const streamed = await (await chat(url, key, "Hello", { stream: true })).text();
        expect(streamed).toEndWith("data: [DONE]\n\n");
        serving.kill("SIGTERM");
        expect([await serving.exited, (await said)[1]]).toEqual([
          0,
          expect.stringContaining('"stopped"'),
        ]);
        expect(socket.told()).toEqual(["READY=1", "STOPPING=1"]);
      } finally {
        serving.kill("SIGKILL");
      }
      const { out, code } = await command(target, ["audit", "verify", "--json"]);
      expect(code).toBe(0);
      expect(v.parse(verified, JSON.parse(out)).data.rows).toBe(workers === "1" ? 2 : 4);
      if (workers === "2") return;
      const doctor = await command(target, ["doctor"], upstream.env);
      expect([doctor.code, doctor.out]).toEqual([0, expect.stringContaining("ledger rows verify")]);
    },
    600_000,
  );
});
