import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { migrations } from "#db/migrations.ts";
import { schemaVersion } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import { openHouse } from "#test/chaos/house.ts";
import { type Scenario, stopped } from "#test/chaos/scenario.ts";
import { counts, load } from "#test/store/dump.ts";
import { earlier, masterKey } from "#test/store/upgrades.ts";

/** An upgrade that is cut off is one that has not begun. */
export const migrationScenario: Scenario = {
  name: "kill-migration",
  fault: "kill -9 of one or two starts that upgrade the database",
  roundsPerHouse: 1,
  async open(program) {
    const [first] = earlier;
    if (first === undefined) throw new Error("There is no database of an earlier schema");
    let house = await openHouse({ program, furnished: { keys: [] } });
    return {
      async round(chance, tell) {
        const one = chance.pick([first, ...earlier]);
        await house[Symbol.asyncDispose]();
        const env = { LOWROUTER_MASTER_KEY: masterKey };
        house = await openHouse({ program, env, furnished: { keys: [one.key] } });
        mkdirSync(house.dataDir);
        load(house.database, one.sql);
        const before = counts(house.database);
        for (let count = 0; count < 3; count++) {
          const starts = Array.from({ length: chance.pick([1, 2]) }, () =>
            house.begin(["account", "list"]),
          );
          // From before the database is opened to after it is upgraded; a start takes about a fifth of a second.
          await Bun.sleep(chance.between(100, 500));
          for (const start of starts) start.kill("SIGKILL");
          await Promise.all(starts.map(({ ended }) => ended));
          const store = await openStore({ url: `file:${house.database}` });
          const version = await schemaVersion(store);
          await checkIntegrity(store);
          store.close();
          if (version !== one.version && version !== migrations.length)
            tell.findings([`An upgrade from ${one.version} that was cut off left ${version}`]);
        }
        const gateway = await house.serve();
        tell.findings(await house.answers(gateway.url));
        tell.findings(await house.check({ alive: [gateway.pid] }));
        tell.findings(await stopped(house, gateway));
        tell.seen({ complete: house.complete, others: [], longestMs: 0 });
        const copies = readdirSync(house.dataDir).filter(
          (name) => name.includes("before-upgrade") && !name.includes(".part_"),
        );
        if (copies.length === 0 && one.version < migrations.length)
          tell.findings(["There is no copy from before the upgrade"]);
        for (const name of copies) {
          const found = counts(join(house.dataDir, name));
          if (!Bun.deepEquals(found, before))
            tell.findings([`The copy ${name} has ${JSON.stringify(found)}, not what was there`]);
          rmSync(join(house.dataDir, name));
        }
      },
      [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
    };
  },
};
