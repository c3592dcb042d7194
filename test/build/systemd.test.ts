import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { freePort } from "#test/lib/port.ts";
import { executable, until } from "#test/bin/executable.ts";
import { chat, chatBody, startOpenai } from "#test/bin/provider.ts";
import { boot, type Booted, whyNotBooted } from "#test/build/booted.ts";
import { answerNames } from "#test/build/names.ts";
import { createAuthority } from "#test/lib/authority.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOn } from "#test/workers/client.ts";

/*
 * The unit under a systemd that lives: installed as the documentation says, with all of its hardening, and its provider behind
 * a name and a certificate.
 */

const why = whyNotBooted();
if (why !== undefined) console.error(`The unit is NOT run by a systemd: ${why}`);

const program = why === undefined ? await executable() : "";
const upstream = startOpenai();
const authority = createAuthority();
const host = "provider.test";
/** Of this machine, and of no other run of this test: all that ask it ask at port 53. */
const nameServer = `127.83.${(process.pid >> 8) % 250}.${(process.pid % 250) + 1}`;

const created = v.looseObject({ key: v.string() });
const verified = v.looseObject({ data: v.looseObject({ ok: v.boolean(), rows: v.number() }) });

const front = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  tls: authority.certify(host, new Date("2020-01-01"), new Date("2049-01-01")),
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    return fetch(new URL(pathname, upstream.url), request);
  },
});
let names: Awaited<ReturnType<typeof answerNames>> | undefined;
beforeAll(async () => {
  if (why === undefined) names = await answerNames(nameServer, new Map([[host, "127.0.0.1"]]));
});
afterAll(async () => {
  names?.close();
  await front.stop(true);
  await upstream.stop();
});

/** A machine with the service installed and configured, and not started yet. */
interface Installed extends AsyncDisposable {
  machine: Booted;
  port: number;
  url: string;
  /** Runs a command that has to succeed. */
  run(...command: string[]): Promise<string>;
  /** What systemd says of the service. */
  show(property: string): Promise<string>;
  /** Resolves once systemd says so. */
  until(property: string, value: string): Promise<void>;
  journal(): Promise<string>;
  /** A key of a new account, made beside the service. */
  key(): Promise<string>;
}

async function installed(given: { config?: string; own?: string[] } = {}): Promise<Installed> {
  const folder = temporaryFolder();
  const machine = await boot(program, folder.path);
  const port = freePort();
  const run = async (...command: string[]) => {
    const { out, err, code } = await machine.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${err}${out}`);
    return out;
  };
  const show = async (property: string) =>
    (await run("systemctl", "show", "--value", "--property", property, "lowrouter")).trim();
  await run("lowrouter", "service", "install");
  mkdirSync(machine.path("/etc/lowrouter/keys"), { recursive: true });
  mkdirSync(machine.path("/etc/systemd/system/lowrouter.service.d"));
  const files = {
    "/etc/lowrouter/lowrouter.toml": `listen = "127.0.0.1:${port}"\n${given.config ?? ""}`,
    "/etc/lowrouter/keys/openai": `${upstream.env["OPENAI_API_KEY"]}\n`,
    "/etc/lowrouter/authority.pem": authority.cert,
    "/etc/lowrouter/environment": `OPENAI_BASE_URL=https://${host}:${front.port}/v1\nNODE_EXTRA_CA_CERTS=/etc/lowrouter/authority.pem\n`,
    "/etc/systemd/system/lowrouter.service.d/own.conf": [
      "[Service]",
      "LoadCredential=OPENAI_API_KEY:/etc/lowrouter/keys/openai",
      "EnvironmentFile=/etc/lowrouter/environment",
      ...(given.own ?? []),
      "",
    ].join("\n"),
    "/etc/resolv.conf": `nameserver ${nameServer}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    rmSync(machine.path(name), { force: true });
    writeFileSync(machine.path(name), text);
  }
  // Only root may read it: the service gets it as a credential.
  chmodSync(machine.path("/etc/lowrouter/keys"), 0o700);
  await run("systemctl", "daemon-reload");
  return {
    machine,
    port,
    url: `http://127.0.0.1:${port}`,
    run,
    show,
    async until(property, value) {
      while ((await show(property)) !== value) await Bun.sleep(20);
    },
    journal: () => run("journalctl", "--unit", "lowrouter", "--output", "cat", "--no-pager"),
    async key() {
      const at = ["--data-dir", "/var/lib/lowrouter"];
      await run("lowrouter", "account", "create", "--name", "acme", "--balance", "100", ...at);
      const made = ["key", "create", "--account", "acme", "--name", "k", "--json", ...at];
      return v.parse(created, JSON.parse(await run("lowrouter", ...made))).key;
    },
    async [Symbol.asyncDispose]() {
      await machine[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe.skipIf(why !== undefined)("under systemd, the service", () => {
  test("starts with nothing allowed that it does not need, and answers by a name and a certificate", async () => {
    await using service = await installed();
    const { run, show, machine } = service;
    await run("systemctl", "enable", "--now", "lowrouter");
    expect(await show("ActiveState")).toBe("active");
    // Root's commands beside it leave what they make to the service.
    const key = await service.key();
    const state = machine.path("/var/lib/private/lowrouter");
    const owner = statSync(state).uid;
    expect(owner).toBeGreaterThan(60_000);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const files = (await run("ls", "-1", "/var/lib/lowrouter")).trim().split("\n");
    expect(files).toContain("lowrouter.db");
    for (const name of files)
      expect([name, statSync(`${state}/${name}`).uid]).toEqual([name, owner]);
    const answer = await chat(service.url, key);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("choices")]);
    expect(names?.asked()).toContain(host);
    const status = await run("cat", `/proc/${await show("MainPID")}/status`);
    for (const line of [/^NoNewPrivs:\s1$/m, /^Seccomp:\s2$/m, /^CapBnd:\s0+$/m, /^CapEff:\s0+$/m])
      expect(status).toMatch(line);
    // A core would hold what was asked, and keys of providers.
    expect(await run("cat", `/proc/${await show("MainPID")}/limits`)).toMatch(
      /^Max core file size +0 +0 /m,
    );
    await run("systemctl", "reload", "lowrouter");
    await service.until(
      "StatusText",
      "The configuration was kept: one process reads it at its start",
    );
    expect(await show("ActiveState")).toBe("active");
    await run("systemctl", "stop", "lowrouter");
    expect([await show("Result"), await service.journal()]).toEqual([
      "success",
      expect.stringMatching(/^{.*"event":"stopped"}$/m),
    ]);
  }, 60_000);

  test("is stopped and started under load: every answer is whole and kept, and nothing else is charged", async () => {
    await using service = await installed();
    const { run, show } = service;
    await run("systemctl", "start", "lowrouter");
    const key = await service.key();
    let isOver = false;
    const body = (turn: number) =>
      chatBody(`Hello simulate:perTokenMs=3,answerTokens=${10 + (turn % 20)}`, {
        stream: turn % 2 === 0,
      });
    const clients = Array.from({ length: 8 }, (_, at) =>
      askOn(service.port, key, { kept: at % 2 === 0, isOver: () => isOver, body }),
    );
    for (let round = 0; round < 2; round++) {
      const before = upstream.stats.requests;
      await until("they ask", () => upstream.stats.requests > before + 20);
      await run("systemctl", "restart", "lowrouter");
    }
    isOver = true;
    await run("systemctl", "stop", "lowrouter");
    const asked = (await Promise.all(clients)).flat();
    expect(await show("Result")).toBe("success");
    expect(await show("NRestarts")).toBe("0");
    // A connection may close as it is asked, and then nothing was begun: there is no row of it.
    const cut = asked.flatMap((one) => one.cut ?? []);
    expect(cut.filter((why) => why.includes("HTTP/"))).toEqual([]);
    const others = asked.filter(({ status = 503 }) => status !== 200 && status !== 503);
    expect(others).toEqual([]);
    const answered = asked.filter(({ status }) => status === 200);
    expect(answered.length).toBeGreaterThan(20);
    const verify = ["audit", "verify", "--json", "--data-dir", "/var/lib/lowrouter"];
    expect(v.parse(verified, JSON.parse(await run("lowrouter", ...verify))).data).toMatchObject({
      ok: true,
      rows: answered.length,
    });
  }, 120_000);

  test("is reloaded: workers are replaced under load, and status tells of it", async () => {
    await using service = await installed({ config: "workers = 2\n" });
    const { run, show, machine } = service;
    await run("systemctl", "start", "lowrouter");
    const key = await service.key();
    let isOver = false;
    const clients = Array.from({ length: 4 }, (_, at) =>
      askOn(service.port, key, { kept: at % 2 === 0, isOver: () => isOver }),
    );
    writeFileSync(
      machine.path("/etc/lowrouter/lowrouter.toml"),
      `listen = "127.0.0.1:${service.port}"\nworkers = 3\n`,
    );
    await run("systemctl", "reload", "lowrouter");
    await service.until("StatusText", "3 workers serve");
    await service.until("ActiveState", "active");
    isOver = true;
    const asked = (await Promise.all(clients)).flat();
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    writeFileSync(machine.path("/etc/lowrouter/lowrouter.toml"), "workers = 0\n");
    await run("systemctl", "reload", "lowrouter");
    await service.until("StatusText", "The configuration was kept: the log says why");
    expect(await show("ActiveState")).toBe("active");
  }, 120_000);

  test("is started again after a crash and when it hangs, with what it had", async () => {
    await using service = await installed({
      own: ["WatchdogSec=3s", "TimeoutAbortSec=1s", "RestartSec=10ms"],
    });
    const { run, show } = service;
    await run("systemctl", "start", "lowrouter");
    const key = await service.key();
    await run("sh", "-c", `kill -SEGV ${await show("MainPID")}`);
    await service.until("NRestarts", "1");
    await service.until("ActiveState", "active");
    expect((await chat(service.url, key)).status).toBe(200);
    // Longer than it may be silent: it says that it goes on.
    await Bun.sleep(4000);
    expect(await show("NRestarts")).toBe("1");
    await run("sh", "-c", `kill -STOP ${await show("MainPID")}`);
    await service.until("NRestarts", "2");
    await service.until("ActiveState", "active");
    expect((await chat(service.url, key)).status).toBe(200);
    expect(await service.journal()).toContain("abort() called");
  }, 120_000);

  test("is not started again with a configuration that is wrong, and the journal says what", async () => {
    await using service = await installed({ config: "workers = 0\n" });
    const { show, machine } = service;
    expect((await machine.run("systemctl", "start", "lowrouter")).code).not.toBe(0);
    expect([await show("ActiveState"), await show("ExecMainStatus")]).toEqual(["failed", "78"]);
    expect(await service.journal()).toContain("workers");
  }, 60_000);

  test("does not start without a key that it was to be given", async () => {
    await using service = await installed();
    rmSync(service.machine.path("/etc/lowrouter/keys/openai"));
    expect((await service.machine.run("systemctl", "start", "lowrouter")).code).not.toBe(0);
    expect(await service.journal()).toBe("");
  }, 60_000);

  test("tries for as long as it takes, where what it needs comes later", async () => {
    await using service = await installed({ own: ["RestartSec=50ms"] });
    const taken = Bun.listen({ hostname: "127.0.0.1", port: service.port, socket: { data() {} } });
    try {
      expect((await service.machine.run("systemctl", "start", "lowrouter")).code).not.toBe(0);
      // Five within ten seconds is where systemd would give up.
      await until("it tried often", async () => Number(await service.show("NRestarts")) > 6);
      expect(await service.journal()).toContain("the address is in use");
    } finally {
      taken.stop(true);
    }
    await service.until("ActiveState", "active");
  }, 120_000);

  test("takes over what root made before, so that its first key is not in the journal", async () => {
    await using service = await installed();
    const { run } = service;
    const said = await service.machine.run("lowrouter", "init", "--data-dir", "/var/lib/lowrouter");
    const [key = ""] = /lr_live_\w+/.exec(said.out + said.err) ?? [];
    await run("systemctl", "start", "lowrouter");
    expect((await chat(service.url, key)).status).toBe(200);
    expect(await service.journal()).not.toContain("lr_live_");
  }, 60_000);
});
