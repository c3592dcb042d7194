import type { Caller } from "#src/account/account.ts";
import { isRefused, unless } from "#src/account/people/kit.ts";
import type { Refusal } from "#src/allowance/allowance.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { type Clock, rfc3339 } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import type { JsonObject } from "#src/lib/json.ts";
import type { Log } from "#src/observe/log.ts";
import type { Soon } from "#src/lib/soon.ts";
import { numberIn, type Statement, type Store, textOf } from "#src/store/store.ts";
import { toldOf } from "#src/webhook/told.ts";
import { type NewDelivery, queueing } from "#src/webhook/deliveries.ts";
import { noticeOfRefusal } from "#src/webhook/refusals.ts";
import { type EventType, listIn } from "#src/webhook/webhook.ts";
import { readVersion } from "#src/webhook/webhooks.ts";

/** What happened, besides a request that ended. It is told once. */
export interface Notice {
  type: Exclude<EventType, "generation.completed">;
  /** Whose it is; absent: the gateway's own. */
  accountId?: string | undefined;
  /** The key that it is about. */
  keyHash?: string | undefined;
  data: JsonObject;
}

/** What decides who hears of something. */
type About = Pick<Notice, "type" | "accountId" | "keyHash">;

/** What makes a notice one that was told already. */
export interface Once {
  kind: string;
  owner: string;
  windowStart: number;
}

/** Told of a notice; what it returns is written in the transaction that notes it as told. It runs once in one process, more often only where that transaction failed. */
export type NoticeListener = (notice: Notice) => Soon<readonly Statement[]>;

/** Who is told what, in memory, and how it gets into the queue. */
export interface Events {
  /** Reads the destinations where they changed. */
  refresh(): Promise<void>;
  /** Whether there is any destination. */
  readonly isAny: boolean;
  /** Whether somebody wants to hear of this. */
  isHeard(about: About): boolean;
  /** Accounts that hear of it; undefined: all of them, for a listener of ours. */
  hearers(type: Notice["type"]): readonly string[] | undefined;
  /** Statements that queue what ended, for the transaction of their rows. */
  completed(generations: readonly Generation[]): readonly Statement[];
  /** Somebody was refused for what ran out. Returns at once; what has to be told is told aside. */
  refused(caller: Caller, refusal: Refusal): void;
  /** Tells it, unless it was told. Whether it was this call that did. */
  announce(notice: Notice, once: Once): Promise<boolean>;
  /** Tells that what `once` noted is over, where it was noted. */
  retract(notice: Notice, once: Once): Promise<boolean>;
  /** Others of this gateway that want to know, for every account. Ends with the returned call. */
  onNotice(types: readonly Notice["type"][], listener: NoticeListener): () => void;
  /** Resolves when what was to be told aside is told. */
  settled(): Promise<void>;
}

export interface EventOptions {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Of amounts in events. */
  currency: string;
  /** Something was put into the queue. */
  onQueued(): void;
}

/** A destination, as far as it matters who hears of what. */
interface Destination {
  id: string;
  /** Undefined: everything of its owner. */
  types: ReadonlySet<string> | undefined;
  keys: ReadonlySet<string> | undefined;
  /** So much waits for it that nothing is added for single requests. */
  isFull: boolean;
}

const nobody: readonly Destination[] = [];
const nothing: readonly Statement[] = [];
/** Deliveries that may wait for one destination before requests are not told any more. */
export const mostWaiting = 50_000;
/** Notices on their way at a time; of what comes beyond, the next refusal tells. */
const mostTelling = 100;
const mostTold = 10_000;

const readAll = `SELECT id, account_id, event_types, api_key_hashes, (SELECT count(*) FROM (SELECT 1 FROM webhook_delivery
WHERE webhook_id = webhook.id AND state = 'waiting' LIMIT ${mostWaiting})) AS waiting FROM webhook WHERE disabled = 0`;
const note = "INSERT INTO notice (kind, owner, window_start, at) VALUES (?, ?, ?, ?)";
const isNoted = "EXISTS (SELECT 1 FROM notice WHERE kind = ? AND owner = ? AND window_start = ?)";
const forget = "DELETE FROM notice WHERE kind = ? AND owner = ? AND window_start = ?";
/** Destinations are read anew this often even where nothing changed, for how much waits for them. */
const recountMs = 30_000;

/** Whoever has no account is the operator. */
const operator = "";

/** Who hears of what, on one gateway. */
export function createEvents({ store, clock, ids, log, ...options }: EventOptions): Events {
  let byOwner: ReadonlyMap<string, readonly Destination[]> = new Map();
  let version: string | undefined;
  let countedAt = Number.NEGATIVE_INFINITY;
  const listeners = new Map<Notice["type"], Set<NoticeListener>>();
  /** What this process told or is telling, so that a client that is refused again and again asks no database. */
  const told = new Set<string>();
  const telling = new Set<Promise<unknown>>();

  async function refresh(): Promise<void> {
    const [row] = await store.read(readVersion, []);
    const found = row && textOf(row, "value");
    const isOld = byOwner.size > 0 && clock.monotonic() - countedAt >= recountMs;
    if (found === version && !isOld) return;
    const rows = await store.read(readAll, []);
    const made = new Map<string, Destination[]>();
    for (const one of rows) {
      const owner = textOf(one, "account_id") ?? operator;
      const [types, keys] = [listIn(one, "event_types"), listIn(one, "api_key_hashes")];
      const id = textOf(one, "id") ?? "";
      const isFull = numberIn(one, "waiting") === mostWaiting;
      if (isFull) log.write("warn", "webhook_queue_full", { webhook: id });
      const destination: Destination = {
        id,
        types: types.length === 0 ? undefined : new Set(types),
        keys: keys.length === 0 ? undefined : new Set(keys),
        isFull,
      };
      const known = made.get(owner);
      if (known === undefined) made.set(owner, [destination]);
      else known.push(destination);
    }
    byOwner = made;
    version = found;
    countedAt = clock.monotonic();
  }

  /** Destinations that hear of it. */
  function hearing({ type, accountId, keyHash }: About): readonly Destination[] {
    // What is nobody's is the operator's; an account hears of it where it names it.
    const all =
      accountId === undefined
        ? [...byOwner].flatMap(([owner, some]) =>
            some.filter(({ types }) => owner === operator || types?.has(type) === true),
          )
        : (byOwner.get(accountId) ?? nobody);
    return all.filter(
      ({ types, keys }) =>
        (types === undefined || types.has(type)) &&
        (keys === undefined || keyHash === undefined || keys.has(keyHash)),
    );
  }

  function isHeard(about: About): boolean {
    if (listeners.has(about.type)) return true;
    return byOwner.size > 0 && hearing(about).length > 0;
  }

  function deliveriesOf(
    type: EventType,
    accountId: string | undefined,
    data: object,
    to: readonly Destination[],
  ): NewDelivery[] {
    if (to.length === 0) return [];
    const eventId = ids.next("evt");
    const payload = JSON.stringify({
      id: eventId,
      type,
      timestamp: rfc3339(clock.now()),
      ...(accountId === undefined ? {} : { account_id: accountId }),
      data,
    });
    return to.map(({ id }) => ({ webhookId: id, eventId, type, payload }));
  }

  async function announce(notice: Notice, once: Once): Promise<boolean> {
    const { kind, owner, windowStart } = once;
    return tell(notice, [{ sql: note, args: [kind, owner, windowStart, clock.now()] }]);
  }

  /** Writes what is to be told with what notes it, or nothing where that cannot be noted. */
  async function tell(notice: Notice, noting: readonly Statement[]): Promise<boolean> {
    const { type, accountId, data } = notice;
    const deliveries = deliveriesOf(type, accountId, data, hearing(notice));
    const statements = [...noting];
    if (deliveries.length > 0) statements.push(queueing({ clock, ids }, deliveries));
    for (const listener of listeners.get(type) ?? []) statements.push(...(await listener(notice)));
    try {
      await store.write(statements);
    } catch (thrown) {
      // Somebody else told it, here or in another process.
      if (isRefused(thrown)) return false;
      throw thrown;
    }
    if (deliveries.length > 0) options.onQueued();
    return true;
  }

  function tellAside(notice: Notice, once: Once): void {
    const name = `${once.kind} ${once.owner} ${once.windowStart}`;
    if (told.has(name) || telling.size >= mostTelling) return;
    if (told.size >= mostTold) told.clear();
    told.add(name);
    const work = announce(notice, once)
      .catch((cause: unknown) => {
        told.delete(name);
        log.write("warn", "notice_untold", { kind: once.kind }, cause);
      })
      .finally(() => telling.delete(work));
    telling.add(work);
  }

  return {
    get isAny() {
      return byOwner.size > 0;
    },
    refresh,
    isHeard,
    hearers(type) {
      if (listeners.has(type)) return undefined;
      return [...byOwner.keys()].filter(
        (owner) => owner !== operator && hearing({ type, accountId: owner }).length > 0,
      );
    },
    completed(generations) {
      if (byOwner.size === 0) return nothing;
      const deliveries: NewDelivery[] = [];
      for (const generation of generations) {
        const mine = byOwner.get(generation.accountId);
        if (mine === undefined) continue;
        const { accountId, keyId } = generation;
        const to = mine.filter(
          ({ types, keys, isFull }) =>
            !isFull &&
            (types === undefined || types.has("generation.completed")) &&
            (keys === undefined || keys.has(keyId)),
        );
        if (to.length === 0) continue;
        deliveries.push(...deliveriesOf("generation.completed", accountId, toldOf(generation), to));
      }
      return deliveries.length === 0 ? nothing : [queueing({ clock, ids }, deliveries)];
    },
    refused(caller, refusal) {
      if (byOwner.size === 0 && listeners.size === 0) return;
      const found = noticeOfRefusal(caller, refusal, options.currency);
      if (found === undefined) return;
      const { notice, once } = found;
      if (isHeard(notice)) tellAside(notice, once);
    },
    announce,
    retract(notice, { kind, owner, windowStart }) {
      const args = [kind, owner, windowStart];
      return tell(notice, [
        { sql: unless(isNoted), args },
        { sql: forget, args },
      ]);
    },
    onNotice(types, listener) {
      for (const type of types) {
        const some = listeners.get(type) ?? new Set();
        some.add(listener);
        listeners.set(type, some);
      }
      return () => {
        for (const type of types) {
          const some = listeners.get(type);
          some?.delete(listener);
          if (some?.size === 0) listeners.delete(type);
        }
      };
    },
    async settled() {
      while (telling.size > 0) await Promise.all(telling);
    },
  };
}
