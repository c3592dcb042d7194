import Database from "libsql";
import { isHonestRefusal, type Scenario } from "#test/chaos/scenario.ts";
import { steady } from "#test/chaos/steady.ts";

/** Another process, here this one, holds the database's write lock for as long as that. */
export const lockedScenarios: readonly Scenario[] = [1, 6, 20].map((seconds) =>
  steady({
    name: `locked-${seconds}s`,
    fault: `another process holds the write lock for ${seconds} s`,
    crowd: { patienceMs: 90_000 },
    isAllowed: isHonestRefusal,
    async strike({ house, chance }) {
      const other = new Database(house.database, { timeout: 10_000 });
      other.exec(chance.pick(["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"]));
      await Bun.sleep(seconds * 1000);
      other.exec(chance.pick(["ROLLBACK", "COMMIT"]));
      other.close();
      return [];
    },
  }),
);
