import { rmSync } from "node:fs";
import { join } from "node:path";
import { mintMasterKey } from "#src/account/vault.ts";
import { openStore } from "#src/store/open.ts";
import type { Chance } from "#test/chaos/chance.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import type { Gateway, Program } from "#test/chaos/program.ts";
import {
  isBroken,
  isHonestRefusal,
  judge,
  type Scenario,
  type Trial,
} from "#test/chaos/scenario.ts";
import type { Crowd } from "#test/chaos/crowd.ts";
import { startHrana, type HranaServer } from "#test/lib/hrana.ts";
import { type Relay, startRelay } from "#test/lib/relay.ts";
import { ballastOf, cannotMount, mountSmallDisk, type SmallDisk } from "#test/chaos/small-disk.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** A database elsewhere, and the wire to it. */
interface Elsewhere {
  server: HranaServer;
  wire: Relay;
  crowd: Crowd;
  gateway: Gateway;
  disk: SmallDisk | undefined;
}

/** Rows go to a file here first, and then in batches: what readers see of them comes later. */
const shippedWithinMs = 60_000;

/** A database over the network that is slow, away or ill, and comes back. */
export const remoteScenarios: readonly Scenario[] = [
  remote({
    name: "remote-slow",
    fault: "a remote database takes up to 400 ms for each answer",
    async strike({ server, crowd }, chance) {
      server.before(() => Bun.sleep(chance.between(0, 400)));
      await crowd.more(Math.floor(chance.between(10, 60)), chance.between(1000, 5000));
      server.before(undefined);
    },
  }),
  remote({
    name: "remote-cut",
    fault: "the wire to a remote database is cut: refused, or silent",
    async strike({ wire, crowd }, chance) {
      await wire.cut(chance.pick(["refuse", "hang"]));
      await crowd.more(Math.floor(chance.between(10, 500)), chance.between(1000, 6000));
      await wire.mend();
    },
  }),
  remote({
    name: "remote-errors",
    fault: "a remote database answers 503, always or now and then",
    async strike({ server, crowd }, chance) {
      const share = chance.pick([0.3, 0.7, 1]);
      server.before(() => {
        if (chance.between(0, 1) < share) throw new Error("not now");
      });
      await crowd.more(Math.floor(chance.between(10, 500)), chance.between(1000, 6000));
      server.before(undefined);
    },
  }),
  remote({
    name: "remote-kill",
    fault: "kill -9 while the remote database is away; started again when it is back",
    isKilled: true,
    async strike({ wire, crowd, gateway }, chance) {
      await wire.cut("refuse");
      await crowd.more(Math.floor(chance.between(1, 100)), chance.between(100, 3000));
      gateway.kill("SIGKILL");
      await gateway.ended;
      await wire.mend();
    },
  }),
  remote({
    name: "remote-cut-disk-full",
    fault:
      "the remote database is away and the disk beside the gateway, where rows wait for it, is full; one of both comes back first",
    onSmallDisk: true,
    async strike({ wire, crowd, disk }, chance) {
      await wire.cut(chance.pick(["refuse", "hang"]));
      await crowd.more(Math.floor(chance.between(1, 100)), chance.between(100, 3000));
      await disk?.fill();
      await crowd.more(Math.floor(chance.between(10, 500)), chance.between(1000, 6000));
      const free = () => Promise.resolve(disk && rmSync(ballastOf(disk.path)));
      const [first, second] = chance.pick([
        [free, () => wire.mend()],
        [() => wire.mend(), free],
      ]);
      await first();
      await crowd.more(Math.floor(chance.between(10, 100)), chance.between(500, 3000));
      await second();
    },
  }),
];

interface Trouble {
  name: string;
  fault: string;
  isKilled?: boolean;
  /** The gateway's own files are on one that can be filled. */
  onSmallDisk?: boolean;
  strike(elsewhere: Elsewhere, chance: Chance): Promise<void>;
}

function remote({ name, fault, isKilled = false, onSmallDisk = false, strike }: Trouble): Scenario {
  return {
    name,
    fault,
    roundsPerHouse: 10,
    ...(onSmallDisk ? { cannot: cannotMount } : {}),
    async open(program: Program): Promise<Trial> {
      const folder = temporaryFolder();
      const disk = onSmallDisk ? mountSmallDisk("8m") : undefined;
      const path = join(folder.path, "elsewhere.db");
      // Readers beside the server must not stop it.
      (await openStore({ url: `file:${path}` })).close();
      const server = startHrana({ path });
      const wire = await startRelay({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
      const closeAll = async (house?: House) => {
        await house?.[Symbol.asyncDispose]();
        await wire.stop();
        await server.stop();
        disk?.[Symbol.dispose]();
        folder[Symbol.dispose]();
      };
      const env = {
        LOWROUTER_DATABASE_URL: `http://${wire.host}:${wire.port}`,
        LOWROUTER_MASTER_KEY: mintMasterKey(),
      };
      let house: House | undefined;
      try {
        const dataDir = disk && join(disk.path, "state");
        const made = await openHouse({ program, env, database: path, dataDir });
        house = made;
        let gateway = await made.serve();
        return {
          async round(chance, tell) {
            const crowd = made.crowd(() => gateway.url, { patienceMs: 60_000 });
            await crowd.more(8, 5000);
            await strike({ server, wire, crowd, gateway, disk }, chance);
            if (!isKilled) await crowd.more(8, 5000);
            judge(made, await crowd.stop(), tell, (one) =>
              isKilled ? isHonestRefusal(one) || isBroken(one) : isHonestRefusal(one),
            );
            if (isKilled) gateway = await made.serve();
            tell.findings(await made.answers(gateway.url));
            tell.findings(await made.check({ alive: [gateway.pid], withinMs: shippedWithinMs }));
          },
          async [Symbol.asyncDispose]() {
            gateway.kill("SIGTERM");
            await gateway.ended;
            await closeAll(made);
          },
        };
      } catch (thrown) {
        await closeAll(house);
        throw thrown;
      }
    },
  };
}
