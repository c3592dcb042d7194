import type { Member } from "#src/workers/member.ts";
import type { Answer, Question } from "#src/workers/messages.ts";

/** Questions of workers on their way round. */
export interface Askings {
  /** Asks some workers for another; who says nothing in time is left out. */
  ask(
    asker: Member,
    question: { id: number; what: Question; detail?: string | undefined },
    asked: readonly Member[],
  ): void;
  answered(member: Member, id: number, text: string): void;
  /** It will answer no more. */
  gone(member: Member): void;
}

interface Asking {
  asker: Member;
  id: number;
  missing: Set<Member>;
  answers: Answer[];
  late: ReturnType<typeof setTimeout>;
}

const askMs = 1000;

/** Nobody asks yet. */
export function createAskings(): Askings {
  const open = new Map<number, Asking>();
  let last = 0;

  function close(number: number, { asker, id, answers, late }: Asking): void {
    clearTimeout(late);
    open.delete(number);
    asker.send({
      type: "answers",
      id,
      answers: answers.toSorted((a, b) => a.worker - b.worker),
    });
  }
  function settle(number: number, asking: Asking, member: Member): void {
    asking.missing.delete(member);
    if (asking.missing.size === 0) close(number, asking);
  }
  return {
    ask(asker, { id, what, detail }, asked) {
      const number = ++last;
      const asking: Asking = {
        asker,
        id,
        missing: new Set(asked),
        answers: [],
        late: setTimeout(() => close(number, asking), askMs),
      };
      open.set(number, asking);
      for (const one of asked)
        one.send({ type: "ask", id: number, what, ...(detail === undefined ? {} : { detail }) });
    },
    answered(member, number, text) {
      const asking = open.get(number);
      if (asking === undefined) return;
      asking.answers.push({ worker: member.worker, text });
      settle(number, asking, member);
    },
    gone(member) {
      for (const [number, asking] of open)
        if (asking.missing.has(member)) settle(number, asking, member);
    },
  };
}
