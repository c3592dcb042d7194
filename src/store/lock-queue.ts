import { type StoreError, toStoreError } from "#src/store/error.ts";

/** Work that another's lock keeps from being done, tried again in the order that it came while everything else goes on. */
export interface LockQueue {
  /** Whether anything waits: what comes now has to wait behind it. */
  isWaiting(): boolean;
  /**
   * Does work once the lock is gone, and once only. It must not wait for a lock itself, and leave nothing done where it throws.
   * Rejects with what else it throws, and with StoreError of fault `busy` when the lock does not go.
   */
  wait<T>(work: () => T | Promise<T>): Promise<T>;
  /** Tries no more: all that waits rejects. */
  close(): void;
}

interface Waiting {
  /** Whether it has ended, well or not. */
  attempt(): Promise<boolean>;
}

/** Pauses between tries, the last for all others: those of SQLite's own waiting, which would hold up the process. */
const pausesMilliseconds = [1, 2, 5, 10];

/** A queue in which each waits for at most so long. */
export function createLockQueue(patienceMilliseconds: number): LockQueue {
  const queue: Waiting[] = [];
  let isClosed = false;
  let isRunning = false;

  async function drain(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    let tries = 0;
    for (let [first] = queue; first !== undefined; [first] = queue) {
      if (await first.attempt()) {
        tries = 0;
        await nextTurn();
      } else {
        await pause(pausesMilliseconds[tries++] ?? pausesMilliseconds.at(-1));
      }
    }
    isRunning = false;
  }

  return {
    isWaiting: () => queue.length > 0,
    wait(work) {
      const { promise, resolve, reject } =
        Promise.withResolvers<Awaited<ReturnType<typeof work>>>();
      let isLate = false;
      const timer = setTimeout(() => (isLate = true), patienceMilliseconds);
      queue.push({
        async attempt() {
          try {
            if (isClosed) throw toStoreError(new Error("the database is closed"));
            const done = await work();
            // Before anybody hears of it: what comes next waits for nobody.
            queue.shift();
            resolve(done);
          } catch (thrown) {
            const error = toStoreError(thrown);
            if (isBusy(error) && !isLate) return false;
            queue.shift();
            reject(error);
          }
          clearTimeout(timer);
          return true;
        },
      });
      void drain();
      return promise;
    },
    close() {
      isClosed = true;
    },
  };
}

/** Whether a lock was in the way. */
export function isBusy(thrown: unknown): thrown is StoreError {
  return toStoreError(thrown).fault === "busy";
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(milliseconds: number | undefined): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
