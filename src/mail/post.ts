import type { Kit } from "#src/account/people/kit.ts";
import type { Random } from "#src/lib/id.ts";
import { AppError } from "#src/lib/error.ts";
import type { Log } from "#src/observe/log.ts";
import { isAddress, type Letter } from "#src/mail/letter.ts";
import { MailFault, type Send } from "#src/mail/transport.ts";
import { numberIn, textOf, type Row, type Statement } from "#src/store/store.ts";

/*
 * The queue is the database: what waits there is sent by whichever process claims it, by moving its time on. A process that
 * dies lets go by the time passing, so that a letter is sent at least once. Its text is kept no longer than needed: it may
 * hold a link that works once.
 */

/** Where letters are left. */
export interface Post {
  /** Origin of the links in letters, without a slash at its end. */
  readonly origin: string;
  /** The statement that leaves a letter, for the transaction of what it is about. Then wake(). Throws `invalid_value` for an address that is none. */
  leaving(letter: Letter): Statement;
  /** Leaves a letter. */
  leave(letter: Letter): Promise<void>;
  /** Does something that leaves a letter after the answer, so that the time of the answer tells nothing of it. */
  aside(work: () => Promise<void>): void;
  /** Something waits: looks soon. */
  wake(): void;
  /** Sends everything that is due, and resolves when that and what goes on aside is done. */
  run(): Promise<void>;
  /** Lets what is on its way end, and sends nothing more. */
  close(): Promise<void>;
}

export interface PostOptions extends Kit {
  log: Log;
  random: Random;
  origin: string;
  send: Send;
}

/** Pauses after each try that failed, milliseconds; after as many tries and one, a letter has failed. */
export const backoffMs: readonly number[] = [
  10_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 43_200_000,
];
/** How long a claim holds: longer than a try can take. */
const claimMs = 120_000;
const atOnce = 4;
/** Letters that may wait: who makes more of them than a server takes must not fill the disk. */
const mostWaiting = 10_000;
/** Work that goes on aside at a time; more is dropped. */
const mostAside = 100;
/** What another process left is found after this. */
const lookMs = 15_000;
const sweepMs = 3_600_000;
const keptMs = 30 * 86_400_000;

const insert = `INSERT INTO mail (id, to_address, subject, text, state, next_at, created_at)
SELECT ?, ?, ?, ?, 'waiting', ?, ? WHERE (SELECT count(*) FROM mail WHERE state = 'waiting') < ${mostWaiting}`;
const claim = `UPDATE mail SET next_at = ?1 WHERE id IN (SELECT id FROM mail WHERE state = 'waiting' AND next_at <= ?2
ORDER BY next_at LIMIT ${atOnce}) RETURNING id, to_address, subject, text, attempts`;
const end = "UPDATE mail SET state = ?, attempts = ?, reason = ?, text = '' WHERE id = ?";
const again = "UPDATE mail SET attempts = ?, next_at = ?, reason = ? WHERE id = ?";
const earliest = "SELECT min(next_at) AS due FROM mail WHERE state = 'waiting'";
const forget = "DELETE FROM mail WHERE state <> 'waiting' AND created_at < ?";

/** The statement that leaves a letter for whichever gateway looks next. Throws `invalid_value` for an address that is none. */
export function leavingLetter(
  { clock, ids }: Omit<Kit, "store">,
  { to, subject, text }: Letter,
): Statement {
  if (!isAddress(to))
    throw new AppError("invalid_value", "Cannot send mail to this address: it is no plain one", {
      param: "email",
    });
  const now = clock.now();
  // A line of its own would become a header.
  const line = subject.replace(/[\p{C}\s]+/gu, " ").trim();
  return { sql: insert, args: [ids.next("mal"), to, line, text, now, now] };
}

/** The post of one process. Nothing is sent before something wakes it. */
export function createPost(options: PostOptions): Post {
  const { store, clock, ids, log, random, origin, send } = options;
  const aside = new Set<Promise<void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking: Promise<void> | undefined;
  let isClosed = false;
  /** Something was left since the last look began. */
  let isWoken = false;
  let sweptAt = Number.NEGATIVE_INFINITY;

  function wakeIn(milliseconds: number): void {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => void look(), milliseconds);
    timer.unref();
  }

  function wake(): void {
    isWoken = true;
    wakeIn(1);
  }

  /** One look at a time: it goes on while something is due, and the next is when something is due again. */
  function look(): Promise<void> {
    if (looking !== undefined) return looking;
    isWoken = false;
    looking = sendDue()
      .then(untilDue)
      .catch((cause: unknown) => {
        log.write("warn", "mail_unread", {}, cause);
        return lookMs;
      })
      .then((milliseconds) => {
        looking = undefined;
        wakeIn(isWoken ? 1 : milliseconds);
      });
    return looking;
  }

  async function untilDue(): Promise<number> {
    const [row] = await store.read(earliest, []);
    const due = numberIn(row, "due");
    return due === undefined ? lookMs : Math.min(lookMs, Math.max(1, due - clock.now()));
  }

  async function sendDue(): Promise<void> {
    while (!isClosed) {
      const now = clock.now();
      const [rows = []] = await store.write([{ sql: claim, args: [now + claimMs, now] }]);
      if (rows.length === 0) break;
      await Promise.all(rows.map(sendOne));
    }
    if (clock.monotonic() - sweptAt < sweepMs) return;
    sweptAt = clock.monotonic();
    await store.write([{ sql: forget, args: [clock.now() - keptMs] }]);
  }

  async function sendOne(row: Row): Promise<void> {
    const text = (column: string) => textOf(row, column) ?? "";
    const id = text("id");
    const attempts = (numberIn(row, "attempts") ?? 0) + 1;
    try {
      await send({ to: text("to_address"), subject: text("subject"), text: text("text") });
    } catch (thrown) {
      if (!(thrown instanceof MailFault)) throw thrown;
      const pause = thrown.isFinal ? undefined : backoffMs[attempts - 1];
      const isOver = pause === undefined;
      log.write("warn", isOver ? "mail_failed" : "mail_delayed", {
        mail: id,
        attempts,
        reason: thrown.reason,
      });
      // A tenth more or less: what failed together does not come back together.
      const nextAt = clock.now() + Math.round((pause ?? 0) * (0.9 + 0.2 * random()));
      await store.write([
        isOver
          ? { sql: end, args: ["failed", attempts, thrown.reason, id] }
          : { sql: again, args: [attempts, nextAt, thrown.reason, id] },
      ]);
      return;
    }
    await store.write([{ sql: end, args: ["sent", attempts, null, id] }]);
  }

  const leaving = (letter: Letter) => leavingLetter({ clock, ids }, letter);

  wakeIn(lookMs);
  return {
    origin,
    leaving,
    async leave(letter) {
      await store.write([leaving(letter)]);
      wake();
    },
    aside(work) {
      if (isClosed || aside.size >= mostAside) return;
      const done = new Promise<void>((resolve) => void setTimeout(resolve, 1))
        .then(work)
        .catch((cause: unknown) => log.write("warn", "mail_not_left", {}, cause))
        .finally(() => aside.delete(done));
      aside.add(done);
    },
    wake,
    async run() {
      await Promise.all(aside);
      await looking;
      await look();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.all(aside);
      await looking;
    },
  };
}
