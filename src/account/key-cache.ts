import type { Caller } from "#src/account/account.ts";
import { withSettings } from "#src/account/account-routing.ts";
import { keyColumns, keyOf } from "#src/account/key-row.ts";
import { hashOf } from "#src/account/keys.ts";
import { readAccess } from "#src/account/settings.ts";
import { createBreath } from "#src/lib/breath.ts";
import type { Clock } from "#src/lib/clock.ts";
import { then, type Soon } from "#src/lib/soon.ts";
import { type Row, textOf, type Store } from "#src/store/store.ts";

/** Who a key belongs to, from memory when it was seen before. Disabled and expired ones are found too. */
export interface KeyCache {
  find(token: string): Soon<Caller | undefined>;
  /** Forgets one key by its hash, or all: the next request reads the store. */
  invalidate(hash?: string): void;
  /** Writes when keys were last used; every ten seconds or so, and at shutdown. */
  tick(): Promise<void>;
}

export interface KeyCacheOptions {
  store: Store;
  clock: Clock;
  /** How old news from other processes may be; see freshnessOf(). */
  freshMilliseconds?: number;
  /** Something of accounts, keys or credentials changed; done before the request that noticed goes on. */
  onChange?: () => Soon<void>;
  /** Beyond this many, the cache starts anew. */
  size?: number;
}

const select = `SELECT ${keyColumns.map((column) => `api_key.${column} AS ${column}`).join(", ")},
account.name AS account_name, account.plan AS account_plan, account.disabled AS account_disabled,
account.created_at AS account_created_at, routing.value AS account_routing,
carbon.value AS account_carbon
FROM api_key JOIN account ON account.id = api_key.account_id
LEFT JOIN setting AS routing ON routing.key = 'routing:' || account.id
LEFT JOIN setting AS carbon ON carbon.key = 'carbon:' || account.id WHERE api_key.hash = ?`;
const touch = `UPDATE api_key SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE hash = ?`;

/** Keys whose last use is written at a time: others commit between. */
const touchedAtOnce = 200;

/** Milliseconds after which every gateway on this database has noticed a change of a key. */
export function freshnessOf(store: Store): number {
  return store.kind === "file" ? 50 : 1000;
}

/** How long who is known waits for a database elsewhere to say whether anything changed. */
const patienceMs = 500;

/** A cache of keys that notices the changes of other processes. */
export function createKeyCache({ store, clock, ...options }: KeyCacheOptions): KeyCache {
  const { freshMilliseconds = freshnessOf(store), size = 10_000, onChange } = options;
  // By the secret, so that a hit needs no hash; unknown secrets are never kept.
  const callers = new Map<string, Caller>();
  const usedAt = new Map<string, number>();
  let version: string | undefined;
  let checkedAt = Number.NEGATIVE_INFINITY;
  /** When it was asked what came back last. */
  let heardAt = Number.NEGATIVE_INFINITY;
  /** Settles with what a database elsewhere says, while it is being asked; it never rejects. */
  let checking: Promise<void> | undefined;
  /** Whether it said nothing the last time. */
  let isAway = false;
  // Counts forgettings, so that a read that began before one is not kept after it.
  let era = 0;

  function find(token: string): Soon<Caller | undefined> {
    const time = clock.monotonic();
    if (time - checkedAt < freshMilliseconds) {
      // A crowd after a quiet hour: all of it waits for the one that asks, since what is known is as old.
      const isOld = time - heardAt >= 2 * freshMilliseconds;
      if (!isOld || checking === undefined) return look(token);
      return patiently(
        token,
        checking.then(() => look(token)),
      );
    }
    checkedAt = time;
    const reading = store.read(readAccess, []);
    const noticed = (rows: Row[]) => notice(rows, token);
    if (!(reading instanceof Promise)) return noticed(reading);
    const checked = reading.then(
      (rows) => {
        heardAt = time;
        isAway = false;
        return noticed(rows);
      },
      (cause: unknown) => {
        isAway = true;
        // While the database is away, whoever was known before goes on, for as long as this process holds leases.
        if (!callers.has(token)) throw cause;
        return look(token);
      },
    );
    const done = () => {
      if (checking === settled) checking = undefined;
    };
    const settled: Promise<void> = checked.then(done, done);
    checking = isAway ? undefined : settled;
    return patiently(token, checked);
  }

  /** Nor does one who is known wait for a database that takes long: what it says then is for the next request. */
  function patiently(
    token: string,
    checked: Promise<Caller | undefined>,
  ): Promise<Caller | undefined> {
    if (!callers.has(token)) return checked;
    const asked = checking;
    const late = new Promise<void>((resolve) => setTimeout(resolve, patienceMs));
    return Promise.race([
      checked,
      late.then(() => {
        if (asked !== undefined && asked === checking) {
          isAway = true;
          checking = undefined;
        }
        return callers.get(token) ?? checked;
      }),
    ]);
  }

  function notice([row]: Row[], token: string): Soon<Caller | undefined> {
    const seen = row && textOf(row, "value");
    if (seen === version) return look(token);
    forget();
    version = seen;
    return onChange === undefined ? look(token) : then(onChange(), () => look(token));
  }

  function look(token: string): Soon<Caller | undefined> {
    const known = callers.get(token);
    if (known !== undefined) return used(known);
    const from = era;
    return then(store.read(select, [hashOf(token)]), ([row]) => {
      if (row === undefined) return undefined;
      const caller = { key: keyOf(row), account: withSettings(row) };
      if (callers.size >= size) callers.clear();
      if (from === era) callers.set(token, caller);
      return used(caller);
    });
  }

  function used(caller: Caller): Caller {
    usedAt.set(caller.key.hash, clock.now());
    return caller;
  }

  function forget(): void {
    era++;
    callers.clear();
  }

  return {
    find,
    invalidate(hash) {
      if (hash === undefined) return forget();
      era++;
      for (const [token, { key }] of callers) if (key.hash === hash) callers.delete(token);
    },
    async tick() {
      const used = [...usedAt];
      usedAt.clear();
      const breathe = createBreath();
      for (let from = 0; from < used.length; from += touchedAtOnce) {
        const some = used.slice(from, from + touchedAtOnce);
        await store.write(some.map(([hash, at]) => ({ sql: touch, args: [at, hash] })));
        await breathe();
      }
    },
  };
}
