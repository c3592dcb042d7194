import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chatBody, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOn, askOnce } from "#test/workers/client.ts";
import {
  customer,
  endFleets,
  type Fleet,
  isRunning,
  startFleet,
  until,
} from "#test/workers/kit.ts";

const upstream = startOpenai();
const { env } = upstream;
afterEach(endFleets);
afterAll(() => upstream.stop());

const eventsOf = (fleet: Fleet, name: string) => fleet.err().split(`"${name}"`).length - 1;

describe("workers are replaced without an end of service", () => {
  test("SIGUSR2 under load: every process is another, and no request fails", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 3, env });
    const before = fleet.workers();
    let isOver = false;
    const asking = Array.from({ length: 16 }, (_, index) =>
      askOn(fleet.port, secret, { kept: index % 4 === 0, isOver: () => isOver }),
    );
    const long = askOnce(
      fleet.port,
      secret,
      chatBody("simulate:perTokenMs=100,answerTokens=40", { stream: true }),
    );
    for (let round = 1; round <= 2; round++) {
      fleet.signal("SIGUSR2");
      await until("all are new", () => eventsOf(fleet, "renewed") === round);
    }
    isOver = true;
    const asked = (await Promise.all(asking)).flat();
    console.log(`${asked.length} requests while 6 workers were replaced`);
    expect(asked.length).toBeGreaterThan(500);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    expect((await long).status).toBe(200);
    await until("the old ones are gone", () => !before.some(isRunning));
    await until("there are three", () => fleet.workers().length === 3);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 90_000);

  test("SIGHUP brings a changed file; one that is wrong changes nothing, and the log says why", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "lowrouter.toml");
    writeFileSync(file, "[routing.aliases]\nfast = 'openai/gpt-4o-mini'\n");
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 2, env, args: ["--config", file] });
    const ask = async (model: string) =>
      (
        await askOnce(
          fleet.port,
          secret,
          JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
        )
      ).status;
    expect(await ask("fast")).toBe(200);
    expect(await ask("quick")).not.toBe(200);
    const before = fleet.workers();
    writeFileSync(file, "[routing.aliases]\nquick = 5\n");
    fleet.signal("SIGHUP");
    await until("it is refused", () => eventsOf(fleet, "configuration_kept") === 1);
    expect(fleet.err()).toContain("routing.aliases.quick");
    expect(fleet.workers()).toEqual(before);
    // Who dies meanwhile comes back with what was read last.
    process.kill(before[0] ?? 0, "SIGKILL");
    await until("it is back", () => eventsOf(fleet, "worker_restarted") === 1);
    for (let turn = 0; turn < 10; turn++) expect(await ask("fast")).toBe(200);
    writeFileSync(file, "[routing.aliases]\nquick = 'openai/gpt-4o-mini'\n");
    fleet.signal("SIGHUP");
    await until("it is read", () => eventsOf(fleet, "configuration_read") === 1);
    for (let turn = 0; turn < 10; turn++) expect(await ask("quick")).toBe(200);
    writeFileSync(file, "listen = '127.0.0.1:1'\n");
    fleet.signal("SIGHUP");
    // The flag wins over the file: the address stays, and that is no move.
    await until("it is read again", () => eventsOf(fleet, "configuration_read") === 2);
    writeFileSync(file, "[database]\nurl = 'file:/nowhere/else.db'\n");
    fleet.signal("SIGHUP");
    await until("it is refused", () => eventsOf(fleet, "configuration_kept") === 2);
    expect(fleet.err()).toContain("Cannot change database.url while serving");
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 90_000);

  test("SIGTERM to one worker has another take its place", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 2, env });
    const [first = 0] = fleet.workers();
    let isOver = false;
    const asking = Array.from({ length: 4 }, () =>
      askOn(fleet.port, secret, { kept: false, isOver: () => isOver }),
    );
    process.kill(first, "SIGTERM");
    await until("it is gone", () => !isRunning(first));
    isOver = true;
    expect((await Promise.all(asking)).flat().filter(({ status }) => status !== 200)).toEqual([]);
    expect(fleet.workers()).toHaveLength(2);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 60_000);

  test("SIGUSR1, as for log files, ends nobody: not the first process, and not one of its workers", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 2, env });
    const before = fleet.workers();
    for (const worker of before) process.kill(worker, "SIGUSR1");
    fleet.signal("SIGUSR1");
    await until("the log says so", () => eventsOf(fleet, "signal_ignored") === 1);
    expect((await askOnce(fleet.port, secret)).status).toBe(200);
    expect(fleet.workers()).toEqual(before);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    expect(eventsOf(fleet, "worker_restarted")).toBe(0);
  }, 60_000);

  test("one process has no workers, and reads its file on SIGHUP all the same", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const single = await startFleet(folder.path, { workers: 1, env });
    expect(single.workers()).toEqual([]);
    single.signal("SIGHUP");
    await until("it is read", () => eventsOf(single, "configuration_read") === 1);
    expect(single.workers()).toEqual([]);
    expect((await askOnce(single.port, secret)).status).toBe(200);
    single.signal("SIGTERM");
    expect(await single.ended).toBe(0);
  }, 60_000);
});
