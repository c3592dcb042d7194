import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { setupToken } from "#src/account/people/setup.ts";
import { refuseFlags } from "#src/cli/configuration.ts";
import type { Output } from "#src/cli/output.ts";
import { storeOf } from "#src/cli/runtime.ts";
import { listen } from "#src/cli/listen.ts";
import { providersFound } from "#src/cli/serve.ts";
import { loadConfig } from "#src/config/load.ts";
import { seedHistory } from "#src/demo/history.ts";
import { startPlaces } from "#src/demo/places.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds, systemRandom } from "#src/lib/id.ts";

/** Credit of the demo account, in the currency. */
const credit = 25;
const days = 30;
/** How long the link to the dashboard works: nobody else can open it, and nothing is kept. */
const linkSeconds = 86_400;

/** The `demo` command: a gateway on simulated providers. No provider key, no network, nothing kept. */
export async function demo(options: { listen?: string }, output: Output): Promise<void> {
  refuseFlags(options);
  const dataDir = mkdtempSync(join(tmpdir(), "lowrouter-demo-"));
  const places = startPlaces({
    clock: systemClock,
    random: systemRandom,
    firstByteMs: 120,
    perWordMs: 15,
    failureRate: 0.01,
  });
  try {
    // Keys in the environment must not reach a real provider from a demo.
    const config = loadConfig({ dataDir, listen: options.listen }, { TMPDIR: process.env.TMPDIR });
    config.providers = places.providers;
    const store = await storeOf(config);
    const ids = createIds(systemClock);
    const account = await createAccount(
      store,
      { clock: systemClock, ids },
      { name: "demo", plan: "prepaid" },
    );
    await addCredit(
      store,
      { clock: systemClock, ids },
      {
        accountId: account.id,
        type: "credit",
        amount: fromUnits(credit),
        description: "Demo credit",
        by: "demo",
      },
    );
    const { key, secret } = await createKey(store, systemClock, {
      accountId: account.id,
      name: "demo key",
      type: "regular",
      rateLimit: { requestsPerMinute: 600 },
    });
    const management = await createKey(store, systemClock, {
      accountId: account.id,
      name: "demo management key",
      type: "management",
    });
    const serving = await listen(config, store, { demo: true });
    // When its terminal is gone, too: otherwise its directory would stay.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
      process.on(signal, () => void serving.stop());
    const { app } = serving.gateway;
    const requests = await seedHistory({
      app,
      store,
      callers: [{ key, account }],
      clock: systemClock,
      random: systemRandom,
      days,
    });
    app.allowances.refresh(account.id);

    const { url } = serving;
    const { people } = serving.gateway.services;
    const token = await setupToken(people, { by: "demo", seconds: linkSeconds });
    output.out(`LowRouter demo on ${url}: answers are simulated, figures follow the real methodology.

${providersFound(serving.gateway)}
API key         ${secret}
Management key  ${management.secret}
History         ${requests} requests over ${days} days
Dashboard       ${url}/register?invite=${token}
                (signs you in as its administrator, once)

Ask something:

  curl ${url}/v1/chat/completions \\
    -H "Authorization: Bearer ${secret}" \\
    -H "Content-Type: application/json" \\
    -d '{"model": "lowrouter/auto", "messages": [{"role": "user", "content": "Hello"}]}'

See what was used:

  curl "${url}/api/v1/activity?group_by=day,model&format=csv" -H "Authorization: Bearer ${management.secret}"

Stop with Ctrl-C; nothing is kept.
`);
    await serving.stopped;
  } finally {
    // Where it could not listen, too: the process would go on for as long as they do.
    await places.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
