import type { Demand, Hold, Movement, Refusal } from "#src/allowance/allowance.ts";
import { createAllowances, type LeasedAllowances } from "#src/allowance/allowances.ts";
import { nameOf } from "#src/allowance/chunk.ts";
import { windowOf } from "#src/allowance/window.ts";
import { writeMovements } from "#src/ledger/movement.ts";
import type { Row, Statement, Store } from "#src/store/store.ts";
import { createDatabase, type SimulatedDatabase } from "#test/simulation/database.ts";
import { createRandom, type Random } from "#test/simulation/random.ts";
import { createTimeline, type Timeline } from "#test/simulation/timeline.ts";

/*
 * The lease protocol alone, as it is in the gateway, between processes whose messages to one database are slow or lost, whose
 * clocks disagree, who crash, pause and are cut off. Time is simulated: the same seed gives the same run. Longer than 300
 * lines would be two files; what can be asked of it is in simulation.test.ts.
 */

/** What happens in a run. Times in milliseconds. */
export interface Weather {
  nodes: number;
  /** One message, one way, on average. */
  delay: number;
  /** The chance of a message, or of its answer, to be lost. */
  loss: number;
  /** The chance of a message about leases to be carried out after its sender gave up on it, by up to `lateFor`; of rows, less. */
  late?: number;
  /** Between two crashes of any node, on average; absent: none. */
  crashEvery?: number;
  /** Between two times that a node is cut off. */
  cutEvery?: number;
  /** How long a node is cut off or asleep, at most. */
  awayFor: number;
  /** Between two times that a node sleeps, and all its clocks but the wall's with it. */
  sleepEvery?: number;
  /** How far a wall clock is off at most. */
  skew: number;
  /** How much faster or slower a clock goes at most, such as 0.001. */
  drift: number;
  /** Between two jumps of a wall clock. */
  jumpEvery?: number;
  /** Between two requests at a node; 400 if absent. */
  requestEvery?: number;
  /** Rows that are sent at a time: one, so that many wait; or as the gateway does it. */
  rows: number;
  /** The chance of a row that is kept nowhere: what it used was not used. */
  spoilt?: number;
  /**
   * The chance of a row that the disk refused, and whose writing its client was told had failed: half of these come after all,
   * by `lateFor` later. Not where nodes crash: what goes in its place stands in memory alone.
   */
  unsure?: number;
}

/** What a run came to. */
export interface Outcome {
  steps: number;
  admitted: number;
  refused: number;
  /** Requests that failed because the database did not answer. */
  failed: number;
  crashes: number;
  cuts: number;
  lost: number;
  /** Messages that were carried out after their sender gave up. */
  late: number;
  /** Limits that were exceeded, what leaked, what did not go on: in words. */
  findings: string[];
  /** The most that any limit was exceeded by, as a part of what nodes had leased that were away for too long. */
  beyond: number;
}

type Place = Pick<Demand, "kind" | "owner" | "windowStart">;

/** A row until the database has it. */
interface Sent {
  id: string;
  process: string;
  movements: Movement[];
  onTaken?: () => void;
}

interface Node {
  name: number;
  process: string;
  allowances: LeasedAllowances;
  isUp: boolean;
  isCut: boolean;
  wall: { offset: number; rate: number };
  /** Steady milliseconds that it slept. */
  asleep: number;
  wakesAt: number;
  /** Until then it is neither cut off nor asleep again: two absences with no renewal between them are one. */
  restsUntil: number;
  rows: Sent[];
  isShipping: boolean;
  /** To requests that run, of its leases. */
  promised: Map<string, number>;
  open: Map<string, { hold: Hold; amount: number }>;
}

const epoch = Date.UTC(2026, 0, 15, 10, 30);
const patience = 10_000;
const settleWithin = 3000;
/** Longer than leases are left alone, several times. */
const lateFor = 1_200_000;
/** Enough for a renewal, even where a few are lost. */
const rest = 60_000;
const noteRow = "INSERT INTO row (id) VALUES (?)";
const accounts = 3;
const keysOf = 2;
const granted = 40_000;
const toppedUp = 3000;
const topUpEvery = 5000;
/** In windows short enough for many of them to begin, be used up and end within a run. */
const keyWindow = 600_000;
const keyLimit = 45_000;
const perMinute = 60;

/** Runs until so many steps are done, lets all that is broken heal, and looks at what is left. */
export async function simulate(seed: number, steps: number, weather: Weather): Promise<Outcome> {
  const random = createRandom(seed);
  const timeline = createTimeline();
  const database = createDatabase(() => epoch + Math.floor(timeline.now()));
  return new World(random, timeline, database, weather).run(steps);
}

class World {
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #database: SimulatedDatabase;
  readonly #weather: Weather;
  readonly #nodes: Node[] = [];
  readonly #out: Outcome = {
    ...{ steps: 0, admitted: 0, refused: 0, failed: 0 },
    ...{ crashes: 0, cuts: 0, lost: 0, late: 0, findings: [], beyond: 0 },
  };
  /** What was really used, by the name of the allowance. */
  readonly #used = new Map<string, number>();
  /** What is promised to requests that run. */
  readonly #promised = new Map<string, number>();
  readonly #granted = new Map<string, number>();
  #born = 0;
  #requests = 0;
  #isStormy = true;

  constructor(random: Random, timeline: Timeline, database: SimulatedDatabase, weather: Weather) {
    this.#random = random;
    this.#timeline = timeline;
    this.#database = database;
    this.#weather = weather;
  }

  async run(steps: number): Promise<Outcome> {
    const grant = `INSERT INTO allowance (kind, owner, window_start, granted) VALUES ('credit', ?, 0, ?)`;
    for (let at = 0; at < accounts; at++)
      this.#database.write([{ sql: grant, args: [`acc_${at}`, granted] }]);
    const more = `UPDATE allowance SET granted = granted + ? WHERE kind = 'credit' AND owner = ?`;
    const topUp = () => {
      const account = `acc_${this.#random.whole(0, accounts - 1)}`;
      this.#database.write([{ sql: more, args: [toppedUp, account] }]);
      this.#granted.set(account, this.#grantedTo(account) + toppedUp);
      // Some hear of it: they return what they have, and look.
      for (const { allowances } of this.#nodes)
        if (this.#random.chance(0.5)) allowances.refresh(account);
      if (this.#isStormy) this.#timeline.after(this.#random.wait(topUpEvery), topUp);
    };
    this.#timeline.after(topUpEvery, topUp);
    for (let name = 0; name < this.#weather.nodes; name++) this.#start(name);
    this.#storm();
    await this.#timeline.run(steps);
    await this.#heal();
    this.#out.steps = this.#timeline.steps();
    return this.#out;
  }

  /** A node begins, or begins again after a crash: with a new process id and an empty memory. */
  #start(name: number): void {
    const { skew, drift } = this.#weather;
    const before = this.#nodes[name];
    const process = `proc_${this.#born++}`;
    const wall = before?.wall ?? {
      offset: this.#random.whole(-skew, skew),
      rate: 1 + (this.#random.next() * 2 - 1) * drift,
    };
    const node: Node = {
      ...{ name, process, wall, isUp: true, isCut: before?.isCut ?? false, asleep: 0, wakesAt: 0 },
      ...{
        rows: [],
        isShipping: false,
        open: new Map(),
        promised: new Map(),
        restsUntil: before?.restsUntil ?? 0,
      },
      allowances: createAllowances({
        store: this.#storeOf(() => node),
        clock: {
          now: () => Math.floor(epoch + this.#timeline.now() * node.wall.rate + node.wall.offset),
          monotonic: () => this.#timeline.now() * node.wall.rate - node.asleep,
        },
        processId: process,
        pid: this.#born,
        host: `host_${name}`,
        // One of two nodes as with a spool, the other as without: it then keeps what it used in its lease.
        ...(name % 2 === 0 ? { settled: () => this.#settled(node) } : {}),
        isOwed: (other) => node.rows.some((row) => row.process === other),
        isAlive: (pid) =>
          this.#nodes.some((other) => other.isUp && other.process === `proc_${pid - 1}`),
      }),
    };
    this.#nodes[name] = node;
    this.#begin(node);
  }

  #begin(node: Node): void {
    node.allowances.start().then(
      () => this.#live(node),
      () => this.#later(node, 1000, () => this.#begin(node)),
    );
  }

  #live(node: Node): void {
    const { requestEvery = 400 } = this.#weather;
    const tick = () => {
      node.allowances.tick().catch(() => {});
      this.#later(node, 10_000, tick);
    };
    this.#later(node, 10_000, tick);
    const arrive = () => {
      if (this.#isStormy) this.#request(node, this.#random.whole(1, 300));
      this.#later(node, this.#random.wait(requestEvery), arrive);
    };
    this.#later(node, this.#random.wait(requestEvery), arrive);
  }

  /** Does something on a node, unless it is gone by then; when it sleeps, once it wakes. */
  #later(node: Node, milliseconds: number, act: () => void): void {
    this.#timeline.after(milliseconds, () => {
      if (!node.isUp) return;
      if (node.wakesAt > this.#timeline.now())
        this.#later(node, node.wakesAt - this.#timeline.now(), act);
      else act();
    });
  }

  #request(node: Node, amount: number, chosen = this.#random.whole(0, accounts - 1)): void {
    const account = `acc_${chosen}`;
    const key = `key_${chosen}_${this.#random.whole(0, keysOf - 1)}`;
    const now = Math.floor(epoch + this.#timeline.now() * node.wall.rate + node.wall.offset);
    const demands: Demand[] = [
      { kind: "credit", owner: account, windowStart: 0, amount },
      { kind: "key_daily", owner: key, ...keyWindowAt(now), limit: keyLimit, amount },
      {
        kind: "requests_minute",
        owner: key,
        ...windowOf("minute", now),
        limit: perMinute,
        amount: 1,
      },
    ];
    const id = `gen_${this.#requests++}`;
    const judge = (answer: Hold | Refusal) => {
      if (!node.isUp) return;
      if ("refused" in answer) {
        this.#out.refused++;
        return;
      }
      this.#out.admitted++;
      this.#promise(node, demands);
      node.open.set(id, { hold: answer, amount });
      this.#later(node, this.#random.wait(3000), () => this.#end(node, id));
    };
    const fail = () => {
      this.#out.failed++;
    };
    try {
      const answer = node.allowances.reserve(demands);
      if (answer instanceof Promise) answer.then(judge, fail);
      else judge(answer);
    } catch {
      fail();
    }
  }

  /** Notes what was just admitted, and whether that goes beyond a limit, or beyond what the node has leased. */
  #promise(node: Node, demands: readonly Demand[]): void {
    for (const demand of demands) {
      const { kind, owner, windowStart, amount } = demand;
      const all = add(this.#promised, demand, amount);
      this.#look(demand, "promised", all + (this.#used.get(nameOf(demand)) ?? 0));
      const its = add(node.promised, demand, amount);
      const [row] = this.#database.read(
        "SELECT amount FROM lease WHERE process = ? AND kind = ? AND owner = ? AND window_start = ?",
        [node.process, kind, owner, windowStart],
      );
      const leased = Number(row?.["amount"] ?? 0);
      if (its > leased)
        this.#find(`${its - leased} of ${kind} of ${owner} were promised beyond ${leased} leased`);
    }
  }

  #forgive(node: Node, demands: readonly Demand[]): void {
    for (const demand of demands) {
      add(this.#promised, demand, -demand.amount);
      add(node.promised, demand, -demand.amount);
    }
  }

  #look({ kind, owner }: Place, what: string, amount: number): void {
    const limit = kind === "credit" ? this.#grantedTo(owner) : limitOf(kind);
    const beyond = amount - limit;
    if (beyond <= 0) return;
    this.#out.beyond = Math.max(this.#out.beyond, beyond / limit);
    this.#find(`${beyond} beyond ${limit} were ${what} of ${kind} of ${owner}`);
  }

  #find(what: string): void {
    if (this.#out.findings.length < 5)
      this.#out.findings.push(`${what} at ${Math.round(this.#timeline.now())}`);
  }

  /** As the gateway does: waits a moment for the rows, and gives up. */
  #settled(node: Node): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const since = this.#timeline.now();
    const look = () => {
      if (!node.rows.some((row) => row.process === node.process)) resolve();
      else if (this.#timeline.now() - since >= settleWithin) reject(new Error("rows wait"));
      else this.#later(node, 100, look);
    };
    look();
    return promise;
  }

  #end(node: Node, id: string): void {
    const open = node.open.get(id);
    if (open === undefined) return;
    node.open.delete(id);
    this.#forgive(node, open.hold.demands);
    const used = this.#random.chance(0.1) ? 0 : this.#random.whole(0, open.amount);
    const movements = open.hold.settle([used, used, 1]);
    if (this.#random.chance(this.#weather.spoilt ?? 0)) {
      node.allowances.written(movements);
      node.allowances.lost();
      return;
    }
    if (this.#random.chance(this.#weather.unsure ?? 0)) {
      this.#doubt(node, id, movements);
      return;
    }
    for (const movement of movements) add(this.#used, movement, movement.used);
    node.rows.push({ id, process: node.process, movements });
    this.#ship(node);
  }

  /** A row that stands nowhere here is sent, and given up on; what goes in its place has its id. */
  #doubt(node: Node, id: string, movements: Movement[]): void {
    const { process } = node;
    const free = movements.map((one) => ({ ...one, used: one.kind === "requests_minute" ? 1 : 0 }));
    const count = (those: Movement[]) => {
      for (const movement of those) add(this.#used, movement, movement.used);
    };
    this.#later(node, patience, () => {
      node.allowances.lost();
      node.rows.push({ id, process, movements: free, onTaken: () => count(free) });
      this.#ship(node);
    });
    if (this.#random.chance(0.5)) return;
    this.#timeline.after(patience + lateFor * this.#random.next() ** 4, () => {
      if (this.#has(id)) return;
      this.#out.late++;
      count(movements);
      const note = { sql: noteRow, args: [id] };
      this.#database.write([note, ...writeMovements(movements, process)]);
      this.#judge(movements);
    });
  }

  /** Rows go in groups, again and again until the store has them; those of a crashed node are on its disk. */
  #ship(node: Node): void {
    const [first] = node.rows;
    if (first === undefined || node.isShipping || !node.isUp) return;
    node.isShipping = true;
    const end = node.rows.findIndex((row) => row.process !== first.process);
    const group = node.rows.slice(
      0,
      Math.min(this.#weather.rows, end === -1 ? node.rows.length : end),
    );
    const movements = group.flatMap((row) => row.movements);
    const { late = 0 } = this.#weather;
    this.#ask(node, late / 5, () => {
      // Some of it may have come before, and its answer been lost.
      const missing = group.filter(({ id }) => !this.#has(id));
      const moved = missing.flatMap((row) => row.movements);
      const notes = missing.map(({ id }) => ({
        sql: noteRow,
        args: [id],
      }));
      const found = this.#database.write([...notes, ...writeMovements(moved, first.process)]);
      for (const row of missing) row.onTaken?.();
      this.#judge(moved);
      return found;
    }).then(
      () => {
        node.isShipping = false;
        node.rows.splice(0, group.length);
        if (first.process === node.process) node.allowances.written(movements);
        this.#ship(node);
      },
      () => {
        node.isShipping = false;
        this.#later(node, 500, () => this.#ship(node));
      },
    );
  }

  #has(id: string): boolean {
    return this.#database.read("SELECT id FROM row WHERE id = ?", [id]).length > 0;
  }

  /** Whether what was just written goes beyond a limit. */
  #judge(movements: readonly Movement[]): void {
    for (const { kind, owner, windowStart } of movements) {
      const [row] = this.#database.read(
        "SELECT used FROM allowance WHERE kind = ? AND owner = ? AND window_start = ?",
        [kind, owner, windowStart],
      );
      this.#look({ kind, owner, windowStart }, "written", Number(row?.["used"]));
    }
  }

  /** A question to the database and its answer, each of which takes time and may be lost. */
  #ask<T>(node: Node, late: number, act: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { delay, loss } = this.#weather;
    const isLost = () => {
      const gone = node.isCut || (this.#isStormy && this.#random.chance(loss));
      if (gone) this.#out.lost++;
      return gone;
    };
    let isOver = false;
    this.#later(node, patience, () => {
      if (!isOver) reject(new Error("the database does not answer"));
      isOver = true;
    });
    if (late > 0 && this.#isStormy && this.#random.chance(late)) {
      // Mostly soon after, when whoever asked looks what became of it; and once in a while long after.
      const after = patience + lateFor * this.#random.next() ** 4;
      this.#timeline.after(after, () => {
        this.#out.late++;
        act();
      });
      return promise;
    }
    if (isLost()) return promise;
    // Slow, but carried out before whoever asked gives up.
    this.#timeline.after(Math.min(this.#random.wait(delay), patience - 1), () => {
      if (isOver) return;
      let answer: T;
      try {
        answer = act();
      } catch (error) {
        this.#later(node, this.#random.wait(delay), () => {
          isOver = true;
          reject(error);
        });
        return;
      }
      if (isLost()) return;
      this.#later(node, this.#random.wait(delay), () => {
        if (!isOver) resolve(answer);
        isOver = true;
      });
    });
    return promise;
  }

  #storeOf(node: () => Node): Store {
    const database = this.#database;
    const { late = 0 } = this.#weather;
    const never = () => {
      throw new Error("the simulation does not do this");
    };
    return {
      kind: "remote",
      path: undefined,
      get client() {
        return never();
      },
      get db() {
        return never();
      },
      snapshot: never,
      close: never,
      write: (statements: readonly Statement[]): Promise<Row[][]> =>
        this.#ask(node(), late, () => database.write(statements)),
      read: (sql, args): Promise<Row[]> => this.#ask(node(), 0, () => database.read(sql, args)),
    };
  }

  /** What goes wrong, each thing at its own times. */
  #storm(): void {
    const { crashEvery, cutEvery, sleepEvery, jumpEvery, awayFor, skew } = this.#weather;
    this.#every(crashEvery, (node) => {
      this.#out.crashes++;
      node.isUp = false;
      for (const { hold } of node.open.values()) this.#forgive(node, hold.demands);
      this.#timeline.after(this.#random.wait(5000), () => this.#restart(node));
    });
    this.#every(cutEvery, (node) => {
      const milliseconds = this.#random.whole(1000, awayFor);
      if (!this.#leave(node, milliseconds)) return;
      this.#out.cuts++;
      node.isCut = true;
      this.#timeline.after(milliseconds, () => this.#join(node.name));
    });
    this.#every(sleepEvery, (node) => {
      const milliseconds = this.#random.whole(1000, awayFor);
      if (!this.#leave(node, milliseconds)) return;
      node.wakesAt = this.#timeline.now() + milliseconds;
      node.asleep += milliseconds;
    });
    this.#every(jumpEvery, (node) => {
      node.wall.offset = this.#random.whole(-skew, skew);
    });
  }

  /** Whether a node may go away now, for so long. */
  #leave(node: Node, milliseconds: number): boolean {
    const now = this.#timeline.now();
    if (node.restsUntil > now) return false;
    node.restsUntil = now + milliseconds + rest;
    return true;
  }

  #every(mean: number | undefined, act: (node: Node) => void): void {
    if (mean === undefined) return;
    const again = () => {
      if (!this.#isStormy) return;
      const node = this.#random.pick(this.#nodes);
      if (node.isUp && node.wakesAt <= this.#timeline.now()) act(node);
      this.#timeline.after(this.#random.wait(mean), again);
    };
    this.#timeline.after(this.#random.wait(mean), again);
  }

  /** The rows on its disk go first: what it leased is taken back only after. */
  #restart(gone: Node): void {
    const left = gone.rows;
    this.#start(gone.name);
    const node = this.#nodes[gone.name];
    if (node !== undefined) node.rows.push(...left);
    if (node !== undefined) this.#ship(node);
  }

  #grantedTo(account: string): number {
    return this.#granted.get(account) ?? granted;
  }

  #join(name: number): void {
    const node = this.#nodes[name];
    if (node !== undefined) node.isCut = false;
  }

  /** Everything works again: what is left of it must be right, and credit that is left must be had. */
  async #heal(): Promise<void> {
    const { findings } = this.#out;
    this.#isStormy = false;
    for (const node of this.#nodes) {
      node.isCut = false;
      node.wakesAt = 0;
      if (!node.isUp) this.#restart(node);
    }
    // What is late still comes, and who sleeps still wakes.
    const { late, awayFor } = this.#weather;
    const calm = 900_000 + awayFor + (late === undefined ? 0 : lateFor);
    await this.#timeline.run(Infinity, this.#timeline.now() + calm);
    for (const [name, used] of this.#used) {
      const [kind = "", owner = "", start = ""] = name.split(" ");
      const [row] = this.#database.read(
        "SELECT used FROM allowance WHERE kind = ? AND owner = ? AND window_start = ?",
        [kind, owner, Number(start)],
      );
      // Windows of minutes are swept when they are an hour old.
      if (row !== undefined && row["used"] !== used)
        findings.push(`${name}: ${row["used"]} were written and ${used} used`);
    }
    const leaked = this.#database.read(
      `SELECT kind, owner, window_start, leased FROM allowance WHERE leased <> 0
UNION ALL SELECT kind, owner, window_start, amount FROM lease WHERE amount <> 0`,
      [],
    );
    for (const row of leaked.slice(0, 5)) findings.push(`leaked: ${JSON.stringify(row)}`);
    for (let at = 0; at < accounts; at++) {
      const used = this.#used.get(`credit acc_${at} 0`) ?? 0;
      const whole = this.#grantedTo(`acc_${at}`);
      const left = Math.floor((whole - used) / 2);
      const node = this.#random.pick(this.#nodes);
      if (left < 1) continue;
      const answer = await this.#answerOf(node, at, left);
      if (answer === undefined || "refused" in answer)
        findings.push(`acc_${at} has ${whole - used} left, and ${left} were refused`);
    }
  }

  async #answerOf(
    node: Node,
    account: number,
    amount: number,
  ): Promise<Hold | Refusal | undefined> {
    let answer: Hold | Refusal | undefined;
    const asked = node.allowances.reserve([
      { kind: "credit", owner: `acc_${account}`, windowStart: 0, amount },
    ]);
    if (!(asked instanceof Promise)) return asked;
    asked.then(
      (found) => (answer = found),
      () => {},
    );
    await this.#timeline.run(Infinity, this.#timeline.now() + 60_000);
    return answer;
  }
}

function add(to: Map<string, number>, place: Place, amount: number): number {
  const sum = (to.get(nameOf(place)) ?? 0) + amount;
  to.set(nameOf(place), sum);
  return sum;
}

function keyWindowAt(now: number): Pick<Demand, "windowStart" | "windowEnd"> {
  const windowStart = now - (now % keyWindow);
  return { windowStart, windowEnd: windowStart + keyWindow };
}

function limitOf(kind: Movement["kind"]): number {
  return kind === "requests_minute" ? perMinute : keyLimit;
}
