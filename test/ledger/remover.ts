import { headSigner } from "#src/account/head-signer.ts";
import { headsFile, publishedHeads } from "#src/ledger/heads.ts";
import { createRetention } from "#src/ledger/retention.ts";
import { openStore } from "#src/store/open.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";

// Removes old rows until there are none, and prints a line before each batch and one at the end.
const [path = "", dataDir = "", processId = "", now = ""] = process.argv.slice(2);
const store = await openStore({ url: `file:${path}` });
const clock = createFakeClock(Number(now));
const place = { dataDir, isRemote: false, secret: () => undefined };
const retention = createRetention({
  store: {
    ...store,
    write(statements) {
      if (statements.some(({ sql }) => sql.startsWith("DELETE FROM generation_record")))
        process.stdout.write("batch\n");
      return store.write(statements);
    },
  },
  ...{ clock, usageDays: 32, processId, pauseMs: 1 },
  signer: () => headSigner(store, place, clock),
  heads: () => publishedHeads(headsFile(dataDir)),
  beside: () => [],
  onRemoved() {},
  onStopped: (message) => process.stderr.write(`${message}\n`),
});
process.stdout.write(`removed ${await retention.run()}\n`);
store.close();
