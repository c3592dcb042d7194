import { afterAll, afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenai } from "#test/bin/provider.ts";
import { endServing, startServing } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOn } from "#test/workers/client.ts";
import { customer, until } from "#test/workers/kit.ts";

const upstream = startOpenai();
afterEach(endServing);
afterAll(() => upstream.stop());

test.each([
  ["SIGUSR2", "--workers"],
  ["SIGUSR1", "stderr"],
] as const)(
  "%s to one process under load ends no request and reads no file, and the log says what would work",
  async (signal, works) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "lowrouter.toml");
    writeFileSync(file, "");
    const { secret } = await customer(folder.path);
    const serving = await startServing({
      args: ["--config", file, "--data-dir", join(folder.path, "state")],
      env: upstream.env,
    });
    writeFileSync(file, "half = [");
    let isOver = false;
    const asking = Array.from({ length: 4 }, (_, at) =>
      askOn(serving.port, secret, { kept: at % 2 === 0, isOver: () => isOver }),
    );
    const told = () =>
      serving
        .err()
        .split("\n")
        .filter((line) => line.includes('"signal_ignored"'));
    for (const round of [1, 2, 3]) {
      serving.signal(signal);
      await until("it is told", () => told().length === round);
    }
    isOver = true;
    const asked = (await Promise.all(asking)).flat();
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    expect(told()[0]).toContain(signal);
    expect(told()[0]).toContain(works);
    expect(serving.err()).not.toContain("configuration_");
    serving.signal("SIGTERM");
    expect(await serving.ended).toBe(0);
  },
  60_000,
);
