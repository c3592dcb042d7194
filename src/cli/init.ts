import { createAccount, listAccounts } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";

/** The first account and its key; the secret exists only here. */
export interface FirstAccount {
  accountId: string;
  key: string;
  managementKey: string;
}

/** Creates the operator's own account, metered, on an empty database. Undefined where there is one already. */
export async function bootstrap(
  store: Store,
  name = "operator",
): Promise<FirstAccount | undefined> {
  if ((await listAccounts(store)).length > 0) return undefined;
  const account = await createAccount(
    store,
    { clock: systemClock, ids: createIds(systemClock) },
    { name, plan: "metered" },
  );
  const regular = await createKey(store, systemClock, {
    accountId: account.id,
    name: "first key",
    type: "regular",
  });
  const management = await createKey(store, systemClock, {
    accountId: account.id,
    name: "first management key",
    type: "management",
  });
  return { accountId: account.id, key: regular.secret, managementKey: management.secret };
}

/** The `init` command. */
export async function init(
  options: CommonOptions & { name: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const first = await bootstrap(store, options.name);
    if (first === undefined) {
      throw new CommandError(
        `Cannot initialise ${config.dataDir}: it has accounts already\nRun "lowrouter account list" to see them`,
      );
    }
    if (options.json) {
      printJson(output, {
        data: { account: first.accountId, data_dir: config.dataDir },
        key: first.key,
        management_key: first.managementKey,
      });
      return;
    }
    output.out(`Account "${options.name}" ${first.accountId} in ${config.dataDir}\n\n`);
    output.out(
      `API key, for inference:        ${first.key}\nManagement key, for its keys:  ${first.managementKey}\n\n`,
    );
    output.err('Keep both: they are not shown again. Next: "lowrouter serve"\n');
  });
}
