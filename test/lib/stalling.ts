import type { Soon } from "#src/lib/soon.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";

/** A store whose writes may come late. */
export interface Stalling extends Store {
  /** Holds back the next write with such a statement. */
  hold(next: RegExp): void;
  /** Does something as soon as a write with such a statement is on its way. */
  tell(of: RegExp, act: () => void): void;
  /** Carries out what was held back. */
  deliver(): Promise<void>;
}

/** The same, where a write that is held back fails at once, as one that waited too long, and is carried out by `deliver()`. */
export function stalling(store: Store): Stalling {
  const late: (() => Soon<unknown>)[] = [];
  let held: RegExp | undefined;
  let told: { of: RegExp; act: () => void } | undefined;
  return {
    ...store,
    write(statements) {
      const has = (text?: RegExp) =>
        text !== undefined && statements.some(({ sql }) => text.test(sql));
      if (!has(held)) {
        const answer = store.write(statements);
        if (has(told?.of)) told?.act();
        return answer;
      }
      held = undefined;
      late.push(() => store.write(statements));
      return Promise.reject(new StoreError("unavailable", "Cannot reach the database"));
    },
    hold(next) {
      held = next;
    },
    tell(of, act) {
      told = { of, act };
    },
    async deliver() {
      for (const send of late.splice(0)) await send();
    },
  };
}

/** What the lease protocol writes, to be told apart by. */
export const aReturn = /^UPDATE lease SET amount = amount - min/;
export const aLease = /AND used \+ leased/;
export const aLook = /^UPDATE process SET epoch/;
export const aBeginning = /^UPDATE process SET pid/;
