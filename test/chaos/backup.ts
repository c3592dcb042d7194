import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "#src/store/open.ts";
import { inspect } from "#test/chaos/check.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import type { Program } from "#test/chaos/program.ts";
import { judge, orClosed, type Scenario, type Tell } from "#test/chaos/scenario.ts";

/** Copies of a database that is being written to. */
export const backupScenarios: readonly Scenario[] = [
  {
    name: "backup",
    fault: "none: a backup under load, restored",
    open: (program) => open(program, restored),
  },
  {
    name: "kill-backup",
    fault: "kill -9 of a backup under load",
    open: (program) =>
      open(program, async (house, { copy, before }, chance) => {
        const backup = house.begin(["backup", copy]);
        await Bun.sleep(chance.between(0, 400));
        backup.kill("SIGKILL");
        await backup.ended;
        // What has the name of the copy is one; anything else may be left, but must not be in the way of the next.
        const findings = existsSync(copy) ? await whole(copy, before) : [];
        rmSync(copy, { force: true });
        const { code, err } = await house.command(["backup", copy]);
        if (code !== 0) findings.push(`The next backup ended with ${code}: ${err}`);
        else findings.push(...(await whole(copy, before)));
        return findings;
      }),
  },
];

interface Copy {
  copy: string;
  /** Answers that were seen whole before the backup began. */
  before: readonly string[];
}

type Strike = (
  house: House,
  copy: Copy,
  chance: Parameters<Awaited<ReturnType<Scenario["open"]>>["round"]>[0],
) => Promise<string[]>;

async function open(program: Program, strike: Strike) {
  const house = await openHouse({ program });
  const gateway = await orClosed(house, house.serve());
  const folder = join(house.folder, "copies");
  return {
    async round(chance: Parameters<Strike>[2], tell: Tell) {
      await Bun.write(join(folder, "here"), "");
      const crowd = house.crowd(() => gateway.url, { clients: 4 });
      await crowd.more(Math.floor(chance.between(1, 30)), 5000);
      const before = [...house.complete, ...crowd.seen.complete];
      tell.findings(await strike(house, { copy: join(folder, "copy.db"), before }, chance));
      judge(house, await crowd.stop(), tell, () => false);
      tell.findings(await house.check({ alive: [gateway.pid] }));
      rmSync(folder, { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      gateway.kill("SIGTERM");
      await gateway.ended;
      await house[Symbol.asyncDispose]();
    },
  };
}

async function restored(house: House, { copy, before }: Copy): Promise<string[]> {
  const { code, err } = await house.command(["backup", copy]);
  if (code !== 0) return [`A backup ended with ${code}: ${err}`];
  const target = join(copy, "../restored");
  const findings: string[] = [];
  for (const args of [
    ["restore", copy],
    ["audit", "verify"],
  ]) {
    const ended = await house.commandAt(target, args);
    if (ended.code !== 0)
      findings.push(`${args[0]} ended with ${ended.code}: ${ended.out}${ended.err}`);
  }
  findings.push(...(await whole(join(target, "lowrouter.db"), before)));
  const left = readdirSync(join(copy, "..")).filter((name) => name.startsWith("copy.db."));
  if (left.length > 0) findings.push(`A backup left ${left.join(", ")}`);
  return findings;
}

async function whole(path: string, complete: readonly string[]): Promise<string[]> {
  const store = await openStore({ url: `file:${path}` });
  try {
    return (await inspect(store, { complete })).map((finding) => `In the copy: ${finding}`);
  } finally {
    store.close();
  }
}
