import type { Choice } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { type Fault, thrownFault } from "#src/gateway/fault.ts";
import { isOfKey, putBehind } from "#src/gateway/keys/credentials.ts";
import { allSpent, type NoRoom, takeOfKey } from "#src/gateway/keys/key-hold.ts";
import { learn } from "#src/gateway/trying/learn.ts";
import type { Job } from "#src/gateway/settle.ts";
import { traced, withGrids } from "#src/gateway/routing/traced.ts";
import { allFull, allShut } from "#src/gateway/trying/refusals.ts";
import { ClientLeft, Outrun, type Run, type Stop } from "#src/gateway/trying/run.ts";
import { timeout, totalLeft } from "#src/gateway/trying/timers.ts";
import { Leash, tryRoute } from "#src/gateway/trying/try-route.ts";
import { wireOf } from "#src/gateway/wire.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Deadline } from "#src/lib/deadline.ts";
import type { Admission } from "#src/provider/circuit.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Seat } from "#src/provider/in-flight.ts";
import type { RequestDocuments } from "#src/provider/remote-document.ts";

/** A request's way along its routes: what was tried and what came of it, what is left, and who may stop it. */
export class Course {
  readonly trace: TraceEntry[] = [];
  hasRetried = false;
  readonly #job: Job;
  readonly #choice: Choice;
  readonly #app: App;
  readonly #documents: RequestDocuments;
  readonly #total: Deadline;
  /** Routes not tried yet, in order. */
  readonly #line: Route[];
  /** Those that had no place free. */
  #full: Route[] = [];
  /** Those that were shut when their turn came; how many had another, as the last resort; tries that were none. */
  readonly #shut: Route[] = [];
  #resorts = 0;
  #usual = 0;
  /** Credentials that had no room when their turn came. */
  readonly #spent: NoRoom[] = [];
  readonly #leashes: Leash[] = [];
  #left: number;
  #last: { fault: Fault; route: Route } | undefined;
  /** The client left, or the time for the whole request is over. */
  #stopped: Error | undefined;
  /** Ends the waiting for a place, while there is any. */
  #waiting: AbortController | undefined;

  constructor(job: Job, choice: Choice, app: App) {
    const { signal } = job.call.request;
    this.#job = job;
    this.#choice = choice;
    this.#app = app;
    this.#line = [...choice.routes];
    this.#left = app.config.routing.maxAttempts;
    this.#documents = app.remote.during(signal);
    this.#total = app.deadlines.after(totalLeft(job.call, app), () => this.#outOfTime());
    const leave = () => this.#stop(new ClientLeft());
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  }

  get clientLeft(): boolean {
    return this.#job.call.request.signal.aborted;
  }

  get isLast(): boolean {
    return this.#line.length === 0 && this.#full.length === 0;
  }

  get lastRoute(): Route | undefined {
    return this.#last?.route;
  }

  /** Where to go next; waits for a place where every route that is left has none. */
  next(): Stop | undefined | Promise<Stop | undefined> {
    if (this.#left <= 0 || this.#stopped !== undefined) return undefined;
    const stop = this.free();
    if (stop instanceof Promise) return stop.then((found) => found ?? this.#further());
    return stop ?? this.#further();
  }

  /** The next route that has a place now, and room in its credential's limits. */
  free(): Stop | undefined | Promise<Stop | undefined> {
    if (this.#left <= 0) return undefined;
    for (;;) {
      const route = this.#line.shift();
      if (route === undefined) return undefined;
      const seat = this.#app.inFlight.take(route.deployment.provider.id);
      if (seat === undefined) {
        this.#full.push(route);
        this.trace.push(traced(route, "filtered", "provider_full"));
        continue;
      }
      const stop = this.#enter(route, seat);
      if (stop instanceof Promise) return stop.then((found) => found ?? this.free());
      if (stop !== undefined) return stop;
    }
  }

  start({ route, seat, admission }: Stop): Run {
    this.#left--;
    if (this.#resorts === 0) this.#usual++;
    const { key } = route.deployment;
    if (key !== undefined) this.#app.keyUsed(key.id);
    const leash = new Leash();
    this.#leashes.push(leash);
    // It may have been stopped while its credential was asked for room.
    if (this.#stopped !== undefined) leash.callOff(this.#stopped);
    const { call, ask, completionId } = this.#job;
    const startedAt = this.#app.clock.monotonic();
    const id = `${this.#job.generationId}-${this.#leashes.length}`;
    const trying = { call, ask, id, completionId, documents: this.#documents, seat, leash };
    const answer = tryRoute(route, trying, this.#app).then(
      (tried) => {
        this.#app.health.succeeded(route, tried.firstByteAt - tried.sentAt);
        return tried;
      },
      (thrown: unknown) => {
        this.#note(thrown, { route, startedAt, leash }, admission);
        throw thrown;
      },
    );
    return { route, startedAt, leash, answer };
  }

  /** The same route is asked once more. */
  again(route: Route): void {
    this.hasRetried = true;
    this.#line.unshift(route);
  }

  /** Leaves out what another host signed, once no route is left that could read it; the last is asked again. */
  forgoProof(route: Route): boolean {
    const { ask, call } = this.#job;
    if (ask.withoutProof === true || (!this.isLast && this.#left > 1)) return false;
    // Nothing is signed on this wire.
    if (wireOf(route, ask, call.front) === "openai-chat") return false;
    ask.withoutProof = true;
    if (this.isLast) this.#line.unshift(route);
    return true;
  }

  /** A route answered: the whole trace. */
  won(route: Route): TraceEntry[] {
    const reason = this.#choice.reasons.get(route) ?? "only_route";
    this.trace.push(traced(route, "selected", this.#resorts > 0 ? lastResort : reason));
    const others = [...this.#line, ...this.#full];
    for (const other of others)
      this.trace.push(traced(other, "considered", this.#choice.reasons.get(other) ?? "not_needed"));
    const { conversation } = this.#choice;
    if (conversation !== undefined) this.#app.sticky.served(conversation, route);
    return withGrids(this.trace, reason, route, others);
  }

  /** Of the last try that failed. */
  get lastFault(): Fault | undefined {
    return this.#last?.fault;
  }

  /** Nothing more is tried. */
  end(): void {
    this.#total.cancel();
    this.#documents.end();
  }

  /** What to tell the client when no route answered: of the last that was tried, else why none was. */
  error(): AppError {
    if (this.#stopped instanceof AppError) return this.#stopped;
    // Where all were left alone, a probe that fails has told what was known.
    const last = this.#last?.fault;
    if (last !== undefined && !(this.#usual === 0 && last.moveOn)) return last.error;
    const [full] = this.#full;
    if (full === undefined && this.#shut.length === 0 && this.#spent.length > 0)
      return allSpent(this.#spent, this.#app);
    return full === undefined ? allShut(this.#shut, this.#app) : allFull(full, this.#app);
  }

  #enter(route: Route, seat: Seat): Stop | undefined | Promise<Stop | undefined> {
    const admission = this.#app.health.enter(route);
    if (admission !== "refused") {
      return this.#within({ route, seat, admission });
    }
    seat.leave();
    this.#shut.push(route);
    const reason = this.#app.health.standing(route).reason ?? "unavailable";
    this.trace.push(traced(route, "filtered", reason));
    return undefined;
  }

  /** Where to go when no usual route is left: waits for a place, else asks one that is open. */
  #further(): Stop | undefined | Promise<Stop | undefined> {
    return this.#full.length > 0 ? this.#wait() : this.#resort();
  }

  /** One that was shut, as its probe: better than nobody. */
  #resort(): Stop | undefined | Promise<Stop | undefined> {
    for (;;) {
      const route = this.#shut[this.#resorts];
      if (route === undefined) return undefined;
      this.#resorts++;
      const seat = this.#app.inFlight.take(route.deployment.provider.id);
      if (seat === undefined) continue;
      const admission = this.#app.health.enterLast(route);
      if (admission === "refused") {
        seat.leave();
        continue;
      }
      const stop = this.#within({ route, seat, admission });
      if (stop instanceof Promise) return stop.then((found) => found ?? this.#resort());
      if (stop !== undefined) return stop;
    }
  }

  #within(stop: Stop): Stop | undefined | Promise<Stop | undefined> {
    if (stop.route.deployment.key === undefined) return stop;
    const taken = takeOfKey(this.#job, stop.route, this.#app);
    const within = (noRoom?: NoRoom) => this.#withRoom(stop, noRoom);
    return taken instanceof Promise ? taken.then(within) : within(taken);
  }

  /** A stop whose credential has room; one that has none is passed over. */
  #withRoom(stop: Stop, noRoom: NoRoom | undefined): Stop | undefined {
    if (noRoom === undefined) return stop;
    const { route, seat, admission } = stop;
    seat.leave();
    if (admission === "probe") this.#app.health.leave(route);
    this.#spent.push(noRoom);
    this.trace.push(traced(route, "filtered", noRoom.reason));
    return undefined;
  }

  /** Waits for the first place at any of the full providers, as long as for a first byte. */
  async #wait(): Promise<Stop | undefined> {
    const app = this.#app;
    const since = app.clock.monotonic();
    const found = new AbortController();
    this.#waiting = found;
    let got: { route: Route; seat: Seat } | undefined;
    const waits = this.#full.map(async (route) => {
      const { firstByteMs } = app.config.timeouts;
      const seat = await app.inFlight.wait(route.deployment.provider.id, firstByteMs, found.signal);
      if (seat === undefined) return;
      if (got !== undefined) return seat.leave();
      got = { route, seat };
      found.abort();
    });
    await Promise.all(waits);
    this.#waiting = undefined;
    if (got === undefined) return undefined;
    const { route, seat } = got;
    this.#full = this.#full.filter((one) => one !== route);
    if (this.#stopped !== undefined) return void seat.leave();
    const ms = Math.round(app.clock.monotonic() - since);
    this.trace.push({ ...traced(route, "considered", "waited_for_place"), ms });
    return (await this.#enter(route, seat)) ?? this.next();
  }

  /** Writes down what came of a try that failed. */
  #note(
    thrown: unknown,
    { route, startedAt, leash }: Pick<Run, "route" | "startedAt" | "leash">,
    admission: Admission,
  ): void {
    const app = this.#app;
    const isOurs = this.clientLeft || leash.reason instanceof Outrun;
    const fault = thrownFault(thrown, route);
    if (!isOurs) learn(route, fault, app);
    const isUntold = isOurs || (!fault.upstreamFailed && fault.status === undefined);
    if (admission === "probe" && isUntold) app.health.leave(route);
    if (leash.reason instanceof Outrun) return;
    this.#last = { fault, route };
    if (!isOfKey(fault)) putBehind(this.#line, route);
    if (this.clientLeft) return void this.trace.push(traced(route, "failed", "client_left"));
    this.trace.push({
      ...traced(route, "failed", fault.reason),
      ms: Math.round(app.clock.monotonic() - startedAt),
      ...(fault.status === undefined ? {} : { status: fault.status }),
    });
  }

  #outOfTime(): void {
    const [route] = this.#choice.routes;
    const { totalMs } = this.#app.config.timeouts;
    const at = this.#last?.route ?? route;
    if (at !== undefined) this.#stop(timeout("total", totalMs, at));
  }

  #stop(reason: Error): void {
    this.#stopped ??= reason;
    for (const leash of this.#leashes) leash.callOff(reason);
    this.#waiting?.abort();
    // What is fetched for a try is waited for no longer.
    this.#documents.end();
  }
}

/** Why a route was taken whose circuit is open. */
const lastResort = "last_resort";
