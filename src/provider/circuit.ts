import { Tally } from "#src/provider/tally.ts";

export type HealthState = "ok" | "degraded" | "unavailable";

/**
 * Why a slot is not `ok`. `failing`: more than a tenth failed in five minutes. `circuit_open`: it failed so often that it
 * is left alone. `probing`: it was left alone long enough and one request is finding out. `cooling`: the provider asked to
 * be left alone for a while. `credential_refused`, `account_refused`: it takes our credential, or our account, no more.
 */
export type HealthReason =
  "failing" | "circuit_open" | "probing" | "cooling" | "credential_refused" | "account_refused";

/** What a provider has against us rather than against the request. */
export type Refused = Extract<HealthReason, "credential_refused" | "account_refused">;

/** What became of a request that asked to enter. A probe has to be ended, whatever comes of it. */
export type Admission = "usual" | "probe" | "refused";

const failuresToOpen = 3;
const openingMs = 30_000;
const backoffMs = [30_000, 60_000, 120_000];
const errorWindowMs = 300_000;
const tooMany = 0.1;
/** A probe that nobody ended: whoever sent it is gone. */
const probeMs = 120_000;
/** How long one that failed is left alone, even when nobody else is left. */
const restMs = 1000;
/** What a provider asks for beyond this, it is not given: it may have meant another unit. */
const longestCoolingMs = 600_000;

/**
 * The circuit of one slot. Opens at three failures in 30 s, when they are all that came or more than a tenth of it, so
 * that a busy slot is not shut for the few failures that are left among many answers: where three were enough by
 * themselves, a slot that fails one time in fifty would be shut most of the time from a few requests a second on, and
 * test/gateway/fault-injection.test.ts would lose twenty times as many requests. Milliseconds of a monotonic clock.
 */
export class Circuit {
  /** Made when the first is learnt: most of what could be asked never is. */
  #tally: Tally | undefined;
  /** When the last three failures since it was closed were; the oldest is the next to be replaced. */
  readonly #failedAt = new Float64Array(failuresToOpen).fill(Number.NEGATIVE_INFINITY);
  #oldest = 0;
  #lastFailure = Number.NEGATIVE_INFINITY;
  #succeededAt = Number.NEGATIVE_INFINITY;
  /** Shut until then; 0 while it is closed. Past: half open. */
  #openUntil = 0;
  /** How often it has opened since it was last closed. */
  #openings = 0;
  #probeSince = Number.NEGATIVE_INFINITY;
  /** The probe went before it was half open, for nobody else was left. */
  #isEarly = false;
  #restUntil = 0;
  #coolUntil = 0;
  #refused: Refused | undefined;

  state(now: number): HealthState {
    if (this.#coolUntil > now || this.#openUntil > now || this.#isProbing(now))
      return "unavailable";
    // Half open, it keeps its place among the others: behind them it would never be probed.
    if (this.#openUntil > 0) return "ok";
    // Most slots did not fail: they are told without counting.
    if (now - this.#lastFailure >= errorWindowMs) return "ok";
    if (this.#refused !== undefined) return "degraded";
    return this.#failing(errorWindowMs, now) > tooMany ? "degraded" : "ok";
  }

  /** As `state`, for people: one that waits for its probe is not well. */
  shown(now: number): HealthState {
    const state = this.state(now);
    return state === "ok" && this.#openUntil > 0 ? "degraded" : state;
  }

  reason(now: number): HealthReason | undefined {
    if (this.#coolUntil > now) return "cooling";
    if (this.shown(now) === "ok") return undefined;
    if (this.#refused !== undefined) return this.#refused;
    if (this.#isProbing(now)) return "probing";
    return this.#openUntil > 0 ? "circuit_open" : "failing";
  }

  /** Milliseconds until it may be asked again; 0 when it may be now. */
  wait(now: number): number {
    if (this.#isProbing(now)) return Math.max(1000, this.#coolUntil - now);
    return Math.max(0, this.#openUntil - now, this.#coolUntil - now);
  }

  /** Whether it failed a lot in the last 30 s: a third and more of what it was asked, or it is open. */
  outage(now: number): boolean {
    if (this.#openUntil > now) return true;
    if (now - this.#lastFailure >= openingMs) return false;
    return this.#failing(openingMs, now) > 1 / 3;
  }

  /** Whether a request may go there. Where it is half open, the first may, and is the probe. */
  enter(now: number): Admission {
    if (this.#openUntil > now || this.#coolUntil > now || this.#isProbing(now)) return "refused";
    if (this.#openUntil === 0) return "usual";
    this.#probeSince = now;
    return "probe";
  }

  /**
   * Whether it is open and may be asked all the same, when nobody else is left: it had a second's rest, no probe is on its
   * way, and it neither asked to be left alone nor refuses us.
   */
  isLastResort(now: number): boolean {
    if (this.#openUntil <= now || this.#coolUntil > now || this.#restUntil > now) return false;
    return this.#refused === undefined && !this.#isProbing(now);
  }

  /** As `enter`, where nobody else is left. */
  enterLast(now: number): Admission {
    if (!this.isLastResort(now)) return this.enter(now);
    this.#probeSince = now;
    this.#isEarly = true;
    return "probe";
  }

  /** A probe ended, and nothing was learnt: another may go. */
  leave(): void {
    this.#probeSince = Number.NEGATIVE_INFINITY;
    this.#isEarly = false;
  }

  succeeded(now: number): void {
    (this.#tally ??= new Tally()).succeeded(now);
    this.#succeededAt = now;
    this.#close(now);
  }

  /** It judged a request, and so it works. Says nothing of how often it fails. */
  answered(now: number): void {
    this.#close(now);
  }

  failed(now: number, refused: Refused | undefined): void {
    const opensAgain = this.#openUntil > 0 && this.#openUntil <= now;
    (this.#tally ??= new Tally()).failed(now);
    this.#failedAt[this.#oldest] = this.#lastFailure = now;
    this.#oldest = (this.#oldest + 1) % failuresToOpen;
    this.#restUntil = now + restMs;
    if (refused !== undefined) this.#refused = refused;
    // What was on its way when it opened says nothing new, and an early probe does not put off the next.
    if (this.#openUntil > now) return this.#isEarly ? this.leave() : undefined;
    if (!opensAgain && !this.#isTooMuch(now)) return;
    this.#openUntil = now + (backoffMs[Math.min(this.#openings, backoffMs.length - 1)] ?? 0);
    this.#openings++;
    this.leave();
  }

  /** The provider asked to be left alone for so long. */
  cool(milliseconds: number, now: number): void {
    this.leave();
    const until = now + Math.min(milliseconds, longestCoolingMs);
    this.#coolUntil = Math.max(this.#coolUntil, until);
  }

  /** Another process found it so. Its circuit is believed, as long as ours says nothing else. */
  hear(openMs: number, coolMs: number, refused: Refused | undefined, now: number): void {
    if (coolMs > 0) this.cool(coolMs, now);
    if (openMs <= 0 || this.#openUntil > 0 || this.#succeededAt > now - openingMs) return;
    this.#openUntil = now + Math.min(openMs, backoffMs.at(-1) ?? 0);
    this.#restUntil = now + restMs;
    this.#openings = Math.max(1, this.#openings);
    this.#refused = refused;
  }

  get refused(): Refused | undefined {
    return this.#refused;
  }

  /** Milliseconds for which it is still shut, and cooling. */
  shut(now: number): { openMs: number; coolMs: number } {
    return {
      openMs: Math.max(0, this.#openUntil - now),
      coolMs: Math.max(0, this.#coolUntil - now),
    };
  }

  #close(now: number): void {
    this.#refused = undefined;
    // An answer that was on its way when it opened does not close it: that is the probe's.
    if (this.#openUntil === 0 || (this.#openUntil > now && !this.#isEarly)) return;
    this.#openUntil = 0;
    this.#openings = 0;
    this.leave();
    // Failures from before it was left alone must not shut it at the next.
    this.#failedAt.fill(Number.NEGATIVE_INFINITY);
  }

  #isProbing(now: number): boolean {
    return now - this.#probeSince < probeMs;
  }

  #isTooMuch(now: number): boolean {
    const third = this.#failedAt[this.#oldest] ?? Number.NEGATIVE_INFINITY;
    if (now - third >= openingMs) return false;
    return this.#succeededAt < third || this.#failing(openingMs, now) > tooMany;
  }

  #failing(milliseconds: number, now: number): number {
    return this.#tally?.failing(milliseconds, now) ?? 0;
  }
}
