import * as v from "valibot";

/** What became of one request, as its client saw it. */
export type Outcome =
  | { kind: "complete"; id: string }
  /** An error answer. */
  | { kind: "refused"; status: number; code: string; retryAfter: string | null; id?: string }
  /** A stream that said that it broke off. */
  | { kind: "told"; code: string }
  /** The connection broke. */
  | { kind: "cut" }
  /** A 200 that ended as if it were well, and is not whole. */
  | { kind: "silent"; text: string }
  /** No end within the client's patience. */
  | { kind: "late" };

/** What all clients of a round saw. */
export interface Seen {
  /** Generations of answers that were seen whole. */
  complete: string[];
  others: Exclude<Outcome, { kind: "complete" }>[];
  /** How long the longest took, milliseconds. */
  longestMs: number;
}

/** Clients that ask until they are told to stop. */
export interface Crowd {
  seen: Seen;
  /** Requests that came to an end so far. */
  count(): number;
  /** Resolves once so many more requests have ended, or after a time: clients wait where a gateway is away. */
  more(count: number, withinMs: number): Promise<void>;
  /** Lets requests end, and starts no more. */
  stop(): Promise<Seen>;
}

/** Whom and how clients ask. */
export interface Asking {
  url(): string;
  keys: readonly string[];
  clients: number;
  /** How long a client waits for an end. */
  patienceMs?: number;
  /** What the prompt of a request says; `simulate:…` tells the simulated provider what to do. */
  prompt?: (turn: number) => string;
}

const refusalSchema = v.looseObject({ error: v.looseObject({ code: v.nullish(v.string()) }) });
const pauseMs = 15;

/** An empty record. */
export function nothingSeen(): Seen {
  return { complete: [], others: [], longestMs: 0 };
}

/** Starts clients; whole answers and streams in turn. */
export function startCrowd(asking: Asking): Crowd {
  const seen = nothingSeen();
  let isOver = false;
  let ended = 0;
  let wake = () => {};
  const clients = Array.from({ length: asking.clients }, async (_, index) => {
    for (let turn = index; !isOver; turn++) {
      const from = performance.now();
      const outcome = await ask(asking, turn);
      if (outcome === "nobody") {
        await Bun.sleep(pauseMs);
        continue;
      }
      note(seen, outcome, performance.now() - from);
      ended++;
      wake();
      if (outcome.kind !== "complete") await Bun.sleep(pauseMs);
    }
  });
  return {
    seen,
    count: () => ended,
    async more(count, withinMs) {
      const goal = ended + count;
      const late = Bun.sleep(withinMs).then(() => "late" as const);
      while (ended < goal) {
        const news = new Promise<"news">((resolve) => (wake = () => resolve("news")));
        if ((await Promise.race([news, late])) === "late") return;
      }
    },
    async stop() {
      isOver = true;
      await Promise.all(clients);
      return seen;
    },
  };
}

/** Generations that were refused. */
export function refusedIn({ others }: Seen): string[] {
  return others.flatMap((one) => (one.kind === "refused" && one.id !== undefined ? [one.id] : []));
}

/** Puts an outcome into the record. */
export function note(seen: Seen, outcome: Outcome, milliseconds: number): void {
  if (outcome.kind === "complete") seen.complete.push(outcome.id);
  else seen.others.push(outcome);
  seen.longestMs = Math.max(seen.longestMs, milliseconds);
}

/** Asks once. `nobody`: no connection came about, so no request. */
export async function ask(
  { url, keys, patienceMs = 30_000, prompt }: Asking,
  turn: number,
): Promise<Outcome | "nobody"> {
  const isStream = turn % 2 === 0;
  try {
    const response = await fetch(`${url()}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${keys[turn % keys.length] ?? ""}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        model: "openai/gpt-4o-mini",
        messages: [{ role: "user", content: prompt?.(turn) ?? "Hello" }],
        max_tokens: 20,
        ...(isStream ? { stream: true } : {}),
      }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    const id = response.headers.get("x-lowrouter-generation-id") ?? "";
    if (response.status !== 200) {
      const retryAfter = response.headers.get("retry-after");
      const refused = {
        kind: "refused",
        status: response.status,
        code: codeIn(text),
        retryAfter,
      } as const;
      return id === "" ? refused : { ...refused, id };
    }
    return isStream ? streamed(text, id) : whole(text, id);
  } catch (thrown) {
    if (!(thrown instanceof Error)) return { kind: "cut" };
    if (thrown.name === "TimeoutError") return { kind: "late" };
    return "code" in thrown && thrown.code === "ConnectionRefused" ? "nobody" : { kind: "cut" };
  }
}

function whole(text: string, id: string): Outcome {
  return text.endsWith("}") && id !== ""
    ? { kind: "complete", id }
    : { kind: "silent", text: text.slice(-200) };
}

function streamed(text: string, id: string): Outcome {
  const [, code] = /"error":\{"code":"([^"]*)"/.exec(text) ?? [];
  if (code !== undefined) return { kind: "told", code };
  if (text.endsWith("data: [DONE]\n\n") && id !== "") return { kind: "complete", id };
  // Whether a connection broke or was closed is not told apart by every runtime.
  return { kind: "silent", text: text.slice(-200) };
}

function codeIn(text: string): string {
  try {
    const { output, success } = v.safeParse(refusalSchema, JSON.parse(text));
    return success ? (output.error.code ?? "none") : "none";
  } catch {
    return "unreadable";
  }
}
