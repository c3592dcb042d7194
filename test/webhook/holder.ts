import { systemClock } from "#src/lib/clock.ts";
import { loadConfig } from "#src/config/load.ts";
import { createLog } from "#src/observe/log.ts";
import { openStore } from "#src/store/open.ts";
import { createQueue } from "#src/webhook/queue.ts";
import { roadOf } from "#src/webhook/send.ts";
import { placeOf } from "#test/webhook/kit.ts";

// Sends what is due, or until it is killed. Arguments: the data directory, the time that it believes it is, and the database.
const [dataDir = "", now = "0", url = `file:${dataDir}/test.db`] = process.argv.slice(2);
const config = loadConfig({ dataDir }, {});
config.webhooks.allowPrivate = true;
const clock = { now: () => Number(now), monotonic: systemClock.monotonic };
const store = await openStore({ url });
const log = createLog({
  clock,
  level: "error",
  format: "json",
  write: (line) => console.error(line),
});
await createQueue({
  store,
  clock,
  log,
  random: () => 0.5,
  place: placeOf(url, dataDir),
  road: roadOf(config, clock),
}).run();
