/**
 * A gateway in a process of its own that tells, when asked, how much memory is referenced in it. Only for measuring:
 * the product has no such door. `bun test/bench/held-gateway.ts UPSTREAM_URL…` with an IPC channel; the first provider
 * has a region for every upstream, the others use the first one.
 */
import { heapStats } from "bun:jsc";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { createGateway } from "#src/app.ts";
import { loadConfig } from "#src/config/load.ts";
import { surface } from "#src/http/server.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import { openStore } from "#src/store/open.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const megabyte = 1_048_576;
const [upstream = "", second = upstream] = process.argv.slice(2);
using folder = temporaryFolder();
const config = loadConfig({ dataDir: folder.path }, {});
config.limits.maxBodyBytes = 64 * megabyte;
config.providers = {
  openai: { base_urls: { "us-east": `${upstream}/v1`, "eu-west": `${second}/v1` } },
  mistral: { base_urls: { "eu-west": `${upstream}/v1` } },
  anthropic: { base_urls: { global: upstream } },
  google: { base_urls: { global: `${upstream}/v1beta` } },
};
const store = await openStore({ url: config.database.url });
const log = createLog({
  clock: systemClock,
  level: "error",
  format: "json",
  write: (line) => void process.stderr.write(line),
});
const { app, services, close } = await createGateway({ config, store, log });
const made = { clock: systemClock, ids: createIds(systemClock) };
const account = await createAccount(store, made, { name: "held", plan: "metered" });
const { secret } = await createKey(store, systemClock, { accountId: account.id, name: "held" });
const listening = surface({
  app,
  services,
  readiness: {
    accepting: () => true,
    databaseAnswers: () => Promise.resolve(true),
    anyProvider: () => true,
  },
}).listen({
  hostname: "127.0.0.1",
  port: 0,
  reusePort: false,
  maxRequestBodySize: config.limits.maxBodyBytes,
});

/** While it is there, answers wait at their settlement, where the gateway has all of them in hand. */
let gate: { opened: PromiseWithResolvers<void>; missing: number } | undefined;
const { record } = app.ledger;
app.ledger.record = async (entry) => {
  if (gate !== undefined && --gate.missing === 0) process.send?.({ heldBytes: heldBytes() });
  await gate?.opened.promise;
  return record(entry);
};

const stopped = Promise.withResolvers<void>();
process.on("disconnect", () => stopped.resolve());
process.on("message", (message) => {
  if (typeof message === "number") {
    gate = { opened: Promise.withResolvers(), missing: message };
  } else if (message === "release") {
    gate?.opened.resolve();
    gate = undefined;
  } else {
    process.send?.({ heldBytes: heldBytes() });
  }
});
process.send?.({ port: listening.server?.port, key: secret });
await stopped.promise;
await listening.server?.stop(true);
await close();
store.close();

/** What the heap holds after a full collection, with what lies outside of it and belongs to it. */
function heldBytes(): number {
  Bun.gc(true);
  Bun.gc(true);
  return heapStats().heapSize;
}
