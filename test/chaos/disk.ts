import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { basename, join } from "node:path";
import type { Outcome } from "#test/chaos/crowd.ts";
import { missing } from "#test/chaos/check.ts";
import { openHouse } from "#test/chaos/house.ts";
import { serve, spawn } from "#test/chaos/program.ts";
import {
  isBroken,
  isHonestRefusal,
  judge,
  type Scenario,
  stopped,
  type Trial,
} from "#test/chaos/scenario.ts";
import type { Program } from "#test/chaos/program.ts";
import { ballastOf, cannotMount, mountSmallDisk, run, spawnOnce } from "#test/chaos/small-disk.ts";
import { openStore } from "#src/store/open.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const megabyte = 1024 * 1024;
/**
 * Answers of this long after a file system was turned read-only may be lost: the kernel says of a sync of that moment that it
 * was done. A program that only writes and syncs a growing file lost its last write so in 14 of 120 tries on Linux 6.18.
 */
const unsureMs = 1000;
/** Each has one request under way: so many rows are in a commit at most. */
const clients = 8;

/** A file system that fills up, and one that goes read-only under a running gateway. Both need root. */
export const diskScenarios: readonly Scenario[] = [
  {
    name: "disk-full",
    fault: "the disk fills up while serving, and is freed",
    roundsPerHouse: 10,
    cannot: () => cannotMount(),
    open: (program) => openFull(program),
  },
  {
    name: "disk-read-only",
    fault:
      "the disk turns read-only while serving, what was not synced is lost; repaired and started again",
    roundsPerHouse: 1,
    cannot: () => cannotMount() ?? cannotLoop(),
    open: (program) => openReadOnly(program),
  },
];

async function openFull(program: Program): Promise<Trial> {
  const small = mountSmallDisk("24m");
  const disk = small.path;
  const release = () => small[Symbol.dispose]();
  try {
    const house = await openHouse({ program, dataDir: join(disk, "state") });
    const gateway = await house.serve();
    return {
      async round(chance, tell) {
        const crowd = house.crowd(() => gateway.url, { patienceMs: 60_000 });
        await crowd.more(10, 3000);
        await small.fill();
        // Commits find room for a while within the pages that are there.
        await crowd.more(Math.floor(chance.between(20, 2000)), chance.between(1000, 8000));
        const copy = join(disk, "copy.db");
        const { code, err } = await house.command(["backup", copy]);
        if (code === 0 || !err.startsWith("lowrouter: "))
          tell.findings([`A backup to a full disk ended with ${code}: ${err}`]);
        if (readdirSync(disk).some((name) => name.startsWith("copy.db")))
          tell.findings(["A backup to a full disk left a part of itself"]);
        rmSync(ballastOf(disk));
        await crowd.more(10, 5000);
        judge(house, await crowd.stop(), tell, isHonestRefusal);
        tell.findings(await house.answers(gateway.url));
        tell.findings(await house.check({ alive: [gateway.pid] }));
      },
      async [Symbol.asyncDispose]() {
        gateway.kill("SIGTERM");
        await gateway.ended;
        const left = await house.check({ alive: [] });
        await house[Symbol.asyncDispose]();
        release();
        if (left.length > 0) throw new Error(left.join("; "));
      },
    };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

async function openReadOnly(program: Program): Promise<Trial> {
  const folder = temporaryFolder();
  const [image, disk] = [join(folder.path, "image"), join(folder.path, "disk")];
  mkdirSync(disk);
  await Bun.write(image, "");
  truncateSync(image, 64 * megabyte);
  run("mkfs.ext4", "-q", "-F", image);
  const mount = (which: string) => run("mount", "-o", "loop,errors=remount-ro", which, disk);
  mount(image);
  const release = () => {
    spawnOnce("umount", "-l", disk);
    folder[Symbol.dispose]();
  };
  try {
    const dataDir = join(disk, "state");
    // What an answer rests on has to be on the disk: the kernel throws away what it had not written, as a power cut does.
    const env = { LOWROUTER_DATABASE_SYNCHRONOUS: "full" };
    const house = await openHouse({ program, dataDir, env });
    let gateway = await house.serve();
    return {
      async round(chance, tell) {
        const crowd = house.crowd(() => gateway.url, { clients, patienceMs: 60_000 });
        await crowd.more(Math.floor(chance.between(5, 60)), 3000);
        const before = crowd.seen.complete.length;
        breakFileSystem(disk);
        const unsure = Bun.sleep(unsureMs).then(() => new Set(crowd.seen.complete.slice(before)));
        await crowd.more(Math.floor(chance.between(5, 40)), chance.between(500, 8000));
        const refused = spawn(program, ["key", "list", "--data-dir", dataDir], {
          HOME: folder.path,
          TMPDIR: folder.path,
        });
        const { err } = await refused.ended;
        if (err !== "" && !err.startsWith("lowrouter: "))
          tell.findings([`A command on a read-only disk said: ${err}`]);
        gateway.kill("SIGKILL");
        await gateway.ended;
        const seen = await crowd.stop();
        const ids = await unsure;
        const kept = seen.complete.filter((id) => !ids.has(id));
        const isHonest = (one: Outcome) => isHonestRefusal(one) || isBroken(one);
        judge(house, { ...seen, complete: kept }, tell, isHonest);
        const port = gateway.port;
        const failed = await serve(program, ["--data-dir", dataDir], house.env, port).then(
          (started) => started,
          (thrown: unknown) => String(thrown),
        );
        if (typeof failed !== "string") {
          tell.findings(["It started on a read-only disk"]);
          failed.kill("SIGKILL");
          await failed.ended;
        } else if (!/lowrouter: Cannot /.test(failed))
          tell.findings([`On a read-only disk it said: ${failed}`]);
        run("umount", disk);
        // A container that began meanwhile may hold what was mounted, damaged as it is: a copy is a disk of its own.
        const repaired = join(folder.path, "repaired");
        run("cp", "--sparse=always", image, repaired);
        spawnOnce("fsck.ext4", "-y", repaired);
        mount(repaired);
        tell.findings(await house.check({}));
        tell.findings(await moreThanACommit(house.database, [...ids]));
        gateway = await house.serve();
        tell.findings(await house.answers(gateway.url));
        tell.findings(await house.check({ alive: [gateway.pid] }));
        tell.findings(await stopped(house, gateway));
      },
      async [Symbol.asyncDispose]() {
        gateway.kill("SIGKILL");
        await gateway.ended;
        await house[Symbol.asyncDispose]();
        release();
      },
    };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

/** Of answers that may be lost with one commit, those that no one commit can have had. */
async function moreThanACommit(database: string, ids: readonly string[]): Promise<string[]> {
  const store = await openStore({ url: `file:${database}` });
  try {
    const lost = await missing(store, ids);
    return lost.length > clients ? lost : [];
  } finally {
    store.close();
  }
}

/** Tells the kernel that the file system is damaged, which turns it read-only with files open, as a failing disk does. */
function breakFileSystem(disk: string): void {
  const { out } = spawnOnce("findmnt", "-no", "SOURCE", disk);
  const trigger = `/sys/fs/ext4/${basename(out.trim())}/trigger_fs_error`;
  run("sh", "-c", `echo chaos > ${trigger}`);
}

function cannotLoop(): string | undefined {
  if (Bun.which("mkfs.ext4") === null || !existsSync("/dev/loop-control"))
    return "needs mkfs.ext4 and loop devices";
  return existsSync("/sys/fs/ext4/features") ? undefined : "needs ext4 in the kernel";
}
