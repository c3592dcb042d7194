import type { Chance } from "#test/chaos/chance.ts";
import { type Outcome, refusedIn, type Seen } from "#test/chaos/crowd.ts";
import type { House } from "#test/chaos/house.ts";
import type { Gateway, Program } from "#test/chaos/program.ts";

/** One kind of trouble. */
export interface Scenario {
  name: string;
  /** What is done to the gateway, in a line. */
  fault: string;
  /** Rounds on one database, before the next begins with a new one; 20 when absent. */
  roundsPerHouse?: number;
  /** Why it cannot be tried on this machine, or with this program. */
  cannot?(program: Program): string | undefined | Promise<string | undefined>;
  open(program: Program): Promise<Trial>;
}

/** A scenario under way. */
export interface Trial extends AsyncDisposable {
  round(chance: Chance, tell: Tell): Promise<void>;
}

/** What a round has to say. */
export interface Tell {
  seen(seen: Seen): void;
  /** Something that must not be. */
  findings(findings: readonly string[]): void;
}

/** Answers that are honest about a database that cannot keep what a request would cost. */
export function isHonestRefusal(outcome: Outcome): boolean {
  return (
    outcome.kind === "told" ||
    (outcome.kind === "refused" && outcome.status === 503 && outcome.retryAfter !== null)
  );
}

/** Connections that broke: what the death of a process leaves. */
export function isBroken({ kind }: Outcome): boolean {
  return kind === "cut" || kind === "silent";
}

/** Takes what clients saw into the record, and names what they should not have seen. */
export function judge(
  house: Pick<House, "complete" | "refused">,
  seen: Seen,
  tell: Tell,
  isAllowed: (outcome: Outcome) => boolean,
): void {
  house.complete.push(...seen.complete);
  house.refused.push(...refusedIn(seen));
  tell.seen(seen);
  const wrong = new Set(
    seen.others
      .filter((one) => !isAllowed(one))
      .map((one) => JSON.stringify({ ...one, id: undefined })),
  );
  tell.findings([...wrong].map((text) => `A client saw ${text}`));
}

/** Stops a gateway as an operator does: it ends well, and what it had leased is back. */
export async function stopped(house: House, gateway: Gateway): Promise<string[]> {
  gateway.kill("SIGTERM");
  const { code, err } = await gateway.ended;
  const findings = code === 0 ? [] : [`It ended with ${code}: ${err.slice(-500)}`];
  return [...findings, ...(await house.check({ alive: [] }))];
}

/** What is being made on a house; where that fails, nothing of the house stays open. */
export async function orClosed<T>(house: AsyncDisposable, made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (thrown) {
    await house[Symbol.asyncDispose]();
    throw thrown;
  }
}
