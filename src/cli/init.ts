import { openAccount } from "#src/account/administer.ts";
import { listAccounts } from "#src/account/accounts.ts";
import { createKey, hashOf, mintSecret } from "#src/account/keys.ts";
import { auditing } from "#src/account/people/audit.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { nano } from "#src/ledger/money.ts";
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
  /** `by`: who the audit log says did it. */
  { name = "operator", by }: { name?: string; by: "cli" | "serve" },
): Promise<FirstAccount | undefined> {
  if ((await listAccounts(store)).length > 0) return undefined;
  const kit = { store, clock: systemClock, ids: createIds(systemClock) };
  const account = await openAccount(kit, { actor: by }, { name, plan: "metered", credit: nano(0) });
  const firstKey = async (keyName: string, type: "regular" | "management") => {
    const secret = mintSecret(type);
    const entry = auditing(kit, {
      action: "key.created",
      actor: by,
      target: hashOf(secret),
      accountId: account.id,
      detail: { name: keyName, type },
    });
    const key = { accountId: account.id, name: keyName, type };
    await createKey(store, systemClock, key, secret, [entry]);
    return secret;
  };
  return {
    accountId: account.id,
    key: await firstKey("first key", "regular"),
    managementKey: await firstKey("first management key", "management"),
  };
}

/** The `init` command. */
export async function init(
  options: CommonOptions & { name: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const first = await bootstrap(store, { name: options.name, by: "cli" });
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
