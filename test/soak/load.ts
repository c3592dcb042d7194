/**
 * The clients of the soak, a process of their own, so that their connections go when they do. Started with an IPC channel:
 * takes a plan, tells how far it is, and ends with what was seen.
 */
import * as v from "valibot";
import { createChance } from "#test/chaos/chance.ts";
import { type Keys, type Kind, kinds, type Sent } from "#test/soak/mix.ts";
import { type LoadPlan, loadPlan, type LoadSeen } from "#test/soak/plan.ts";

/** Longest that a request may take: more than the gateway is patient with an upstream that it asks twice. */
const patienceMs = 60_000;
const tellEvery = 200;
/** One of so many turns is a key's whole life. */
const keyEvery = 150;

const created = v.looseObject({ key: v.string(), data: v.looseObject({ hash: v.string() }) });

/** What became of one request. */
interface Ended {
  status: number | "left" | "cut" | "late";
  text: string;
  id: string | null;
}

class Clients {
  readonly seen: LoadSeen = {
    requests: 0,
    outcomes: {},
    complete: [],
    named: 0,
    left: 0,
    findings: [],
  };
  readonly #plan: LoadPlan;
  readonly #chance;
  readonly #draw: readonly Kind[];
  #begun = 0;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#chance = createChance(plan.seed);
    this.#draw = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#plan.clients }, () => this.#client()));
  }

  async #client(): Promise<void> {
    while (this.#begun < this.#plan.requests) {
      const turn = this.#begun++;
      if (turn % keyEvery === keyEvery - 1) await this.#liveKey();
      else await this.#turn(turn, this.#plan.keys);
    }
  }

  async #turn(turn: number, keys: Keys): Promise<void> {
    const kind = this.#draw[Math.floor(this.#chance.between(0, this.#draw.length))];
    if (kind === undefined) return;
    const sent = kind.make(this.#chance, keys, turn);
    const ended = await this.#ask(sent);
    this.#note(kind.name, ended);
    const wrong = wrongOf(kind, sent, ended);
    if (wrong !== undefined) this.#find(`${kind.name}, ${sent.path}: ${wrong}`);
    else if (kind.isRecorded === true && ended.status === 200 && ended.id !== null)
      this.seen.complete.push(ended.id);
  }

  /** A key is made, used, changed, used and taken away, as a program that manages keys does. */
  async #liveKey(): Promise<void> {
    const { management } = this.#plan.keys;
    const json = (method: Sent["method"], path: string, body?: object) =>
      this.#step({
        method,
        path,
        key: management,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const made = await json("POST", "/api/v1/keys", { name: "soak" });
    const { success, output } = v.safeParse(created, parsed(made.text));
    if (!success) return this.#find(`key: ${made.status} ${made.text.slice(0, 200)}`);
    const use = () => this.#step({ method: "GET", path: "/v1/key", key: output.key });
    const path = `/api/v1/keys/${output.data.hash}`;
    const steps = [
      await use(),
      await json("PATCH", path, { name: "soaked", limit: 5 }),
      await use(),
      await json("DELETE", path),
    ].map(({ status }) => status);
    if (steps.some((status) => status !== 200 && status !== 204))
      this.#find(`key: its life went ${steps.join(", ")}`);
  }

  async #step(sent: Sent): Promise<Ended> {
    const ended = await this.#ask(sent);
    this.#note("key changes", ended);
    return ended;
  }

  async #ask(sent: Sent): Promise<Ended> {
    const { method, path, key, headers, body, leaveAfterMs, leavesAmid } = sent;
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), leaveAfterMs ?? patienceMs);
    let id: string | null = null;
    try {
      const response = await fetch(this.#plan.url + path, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body,
        signal: leaving.signal,
        redirect: "manual",
      });
      id = response.headers.get("x-lowrouter-generation-id");
      if (leavesAmid === true && response.status === 200) {
        await response.body?.getReader().read();
        leaving.abort();
        return { status: "left", text: "", id };
      }
      return { status: response.status, text: await response.text(), id };
    } catch {
      const status = !leaving.signal.aborted ? "cut" : leaveAfterMs === undefined ? "late" : "left";
      return { status, text: "", id };
    } finally {
      clearTimeout(timer);
      if (id !== null) this.seen.named++;
    }
  }

  #note(name: string, { status, id }: Ended): void {
    const { seen } = this;
    // Whoever left before a word came cannot know whether it was let in.
    if ((status === "left" || status === "cut" || status === "late") && id === null) seen.left++;
    const outcomes = (seen.outcomes[name] ??= {});
    outcomes[status] = (outcomes[status] ?? 0) + 1;
    if (++seen.requests % tellEvery === 0) process.send?.({ requests: seen.requests });
  }

  #find(finding: string): void {
    // The first say what is wrong; a million of them say no more.
    if (this.seen.findings.length < 50) this.seen.findings.push(finding);
  }
}

/** What its client should not have seen. */
function wrongOf(kind: Kind, sent: Sent, { status, text, id }: Ended): string | undefined {
  if (status === "left") return undefined;
  if (status === "late") return "no end in a minute";
  const isBroken = status === "cut" || status === 500;
  if (isBroken || (kind.statuses !== undefined && !kind.statuses.includes(status)))
    return `${status} ${text.slice(0, 200)}`;
  if (status !== 200 || kind.isRecorded !== true) return undefined;
  if (id === null) return "an answer without the id of its generation";
  return kind.endsWith?.(sent).test(text) === false
    ? `half an answer: ${text.slice(-200)}`
    : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told by its status.
    return undefined;
  }
}

process.once("message", (message) => {
  const clients = new Clients(v.parse(loadPlan, message));
  void clients.run().then(() => process.send?.({ seen: clients.seen }));
});
