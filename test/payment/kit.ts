import { createAccount } from "#src/account/accounts.ts";
import type { Kit } from "#src/account/people/kit.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { balanceOf, checkBalances, listTransactions } from "#src/ledger/transactions.ts";
import { toUnits } from "#src/ledger/money.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import { createPayments, type Payments } from "#src/payment/payments.ts";
import { findPurchase, type Purchase } from "#src/payment/purchase.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { secretKey, signed, type StripeDouble, webhookSecret } from "#test/payment/stripe.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Sets the keys of Stripe, and where it is. */
export function selling({ url }: Pick<StripeDouble, "url">): (config: Config) => void {
  return (config) => {
    config.stripe = {
      ...config.stripe,
      apiBase: url,
      secrets: { key: secretKey, webhook: webhookSecret },
    };
  };
}

/** The payments of one process, on a clock that stands still. */
export interface Shop extends AsyncDisposable {
  payments: Payments;
  kit: Kit;
  store: Store;
  clock: FakeClock;
  path: string;
  accountId: string;
  /** Accounts whose credit changed, as the gateway was told. */
  changed: string[];
  logged(): string;
  /** A purchase that somebody is on their way to pay. */
  begin(amount?: string): Promise<Purchase>;
  /** Stripe tells us, properly signed. */
  tell(event: unknown): Promise<void>;
  /** In the currency. */
  balance(): Promise<number>;
  purchase(id: string): Promise<Purchase>;
  /** Type and amount of the transactions, the oldest first. */
  moves(): Promise<[string, number][]>;
  audit(): Promise<string[]>;
  /** Accounts whose balance is not the sum of their transactions. */
  imbalances(): Promise<number>;
}

/** Opens them; `beside` another process of the same database. */
export async function openShop(
  stripe: StripeDouble,
  options: { beside?: Shop; change?: (config: Config) => void } = {},
): Promise<Shop> {
  const { beside, change } = options;
  const folder = beside === undefined ? temporaryFolder() : undefined;
  const path = beside?.path ?? `${folder?.path ?? ""}/test.db`;
  const clock = beside?.clock ?? createFakeClock();
  const config = loadConfig({}, {});
  selling(stripe)(config);
  change?.(config);
  const store = await openStore({ url: `file:${path}` });
  await migrate(store, clock);
  const lines: string[] = [];
  const log = createLog({
    clock,
    level: "debug",
    format: "json",
    write: (line) => void lines.push(line),
  });
  const kit = { store, clock, ids: createIds(clock) };
  const changed: string[] = [];
  const payments = createPayments({
    ...kit,
    log,
    config,
    onChange: (accountId) => void changed.push(accountId),
  });
  if (payments === undefined) throw new Error("No key is set");
  const accountId =
    beside?.accountId ?? (await createAccount(store, kit, { name: "Payers", plan: "prepaid" })).id;
  const buyer = { accountId, personId: "per_1", email: "ada@example.org", address: "192.0.2.1" };
  return {
    payments,
    kit,
    store,
    clock,
    path,
    accountId,
    changed,
    logged: () => lines.join(""),
    async begin(amount = "20") {
      const { purchase } = await payments.buy(buyer, amount, (id) => ({
        paid: `https://us.example/${id}`,
        cancelled: "https://us.example/",
      }));
      return purchase;
    },
    async tell(event) {
      const { body, signature } = signed(event, { at: clock.now() });
      await payments.told(new TextEncoder().encode(body), signature);
    },
    balance: async () => toUnits((await balanceOf(store, accountId)).balance),
    async purchase(id) {
      const found = await findPurchase(store, { id });
      if (found === undefined) throw new Error(`There is no purchase ${id}`);
      return found;
    },
    moves: async () =>
      (await listTransactions(store, accountId, { pageSize: 1000 })).items
        .toReversed()
        .map(({ type, amount }): [string, number] => [type, toUnits(amount)]),
    audit: async () =>
      (await store.read("SELECT action FROM audit_event ORDER BY id", [])).map((row) =>
        String(row["action"]),
      ),
    imbalances: async () => (await checkBalances(store)).length,
    async [Symbol.asyncDispose]() {
      store.close();
      folder?.[Symbol.dispose]();
    },
  };
}
