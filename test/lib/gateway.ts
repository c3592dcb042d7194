import { createAccount } from "#src/account/accounts.ts";
import type { ApiKey, Plan } from "#src/account/account.ts";
import { createKey } from "#src/account/keys.ts";
import type { Config } from "#src/config/load.ts";
import type { Behaviour } from "#src/demo/behaviour.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { isObject } from "#src/lib/json.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";

/** An answer, read whole. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined where it is no JSON. */
  json: unknown;
}

export interface Request {
  method?: string;
  headers?: Record<string, string>;
  /** Text is sent as it is, anything else as JSON. */
  body?: unknown;
  /** Another key than the account's own; null sends none. */
  key?: string | null;
  signal?: AbortSignal;
}

export interface GatewayOptions {
  config?: (config: Config) => void;
  /** How every simulated provider behaves from the start. */
  behaviour?: Behaviour;
  plan?: Plan;
  /** Credit in currency units. */
  balance?: number;
  /** Policy of the key that calls. */
  key?: Partial<ApiKey>;
  /** The gateway's clock. */
  clock?: Clock;
}

/** A listening gateway on simulated providers, and the ways to call it. */
export interface TestGateway extends Omit<Harness, "chat"> {
  ask(path: string, request?: Request): Promise<Reply>;
  /** Asks a small OpenAI model, unless the body says otherwise. */
  chat(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Reply>;
  /** As chat(), with another key. */
  chatAs(key: string, body?: Record<string, unknown>): Promise<Reply>;
  /** As chat(), not read: for streams and for hanging up. */
  open(body: Record<string, unknown>, signal?: AbortSignal): Promise<Response>;
  manage(path: string, request?: Request): Promise<Reply>;
  /** Requests that reached any simulated provider. */
  reached(): number;
  /** Another account of the same database, and a key of it. */
  stranger(policy?: Partial<ApiKey>): Promise<string>;
}

/** Starts one; close() it. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const { config, plan, balance } = options;
  const harness = await startHarness({
    ...(config ? { change: config } : {}),
    ...(plan ? { plan } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(balance === undefined ? {} : { balance }),
  });
  const places = Object.values(harness.places.all);
  if (options.behaviour) for (const place of places) place.behave(options.behaviour);
  const own = options.key ? await harness.mint(options.key) : harness.key;

  async function ask(path: string, request: Request = {}): Promise<Reply> {
    const { key = own, body, signal } = request;
    const response = await fetch(harness.url + path, {
      method: request.method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...request.headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    return replyOf(response);
  }
  const chatAs = (key: string, body: Record<string, unknown> = {}) =>
    ask("/v1/chat/completions", { key, body: { ...hello, ...body } });
  return {
    ...harness,
    key: own,
    ask,
    chatAs,
    chat: (body = {}, headers = {}) =>
      ask("/v1/chat/completions", { headers, body: { ...hello, ...body } }),
    open: (body, signal) =>
      fetch(`${harness.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${own}` },
        body: JSON.stringify({ ...hello, ...body }),
        ...(signal ? { signal } : {}),
      }),
    manage: (path, request = {}) => ask(path, { key: harness.managementKey, ...request }),
    reached: () => places.reduce((sum, place) => sum + place.stats.requests, 0),
    async stranger(policy = {}) {
      const made = { clock: systemClock, ids: createIds(systemClock) };
      const account = await createAccount(harness.store, made, { name: "other", plan: "prepaid" });
      await addCredit(harness.store, made, {
        accountId: account.id,
        type: "credit",
        amount: fromUnits(1),
        description: "Test credit",
        by: "test",
      });
      const key = { accountId: account.id, name: "other key", ...policy };
      return (await createKey(harness.store, systemClock, key)).secret;
    },
  };
}

const hello = { model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] };

async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // An event stream, CSV or nothing.
  }
}

/** The value at a dotted path, such as `error.code` or `data.0.id`; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split(".")) {
    if (Array.isArray(found)) found = found[Number(name)];
    else if (isObject(found)) found = found[name];
    else return undefined;
  }
  return found;
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, path: string): unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** Status and error code of a refusal. */
export function refusal({ status, json }: Reply): [number, unknown] {
  return [status, at(json, "error.code")];
}

/** Every JSON event of a stream, in order. */
export function eventsOf(text: string): unknown[] {
  return text
    .split("\n\n")
    .flatMap((event) =>
      event.startsWith("data: {") ? [parsed(event.slice("data: ".length))] : [],
    );
}
