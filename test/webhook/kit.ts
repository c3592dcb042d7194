import { createHmac } from "node:crypto";
import { join } from "node:path";
import type { KeyPlace } from "#src/account/master-key.ts";
import { loadConfig } from "#src/config/load.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import type { Standing } from "#src/provider/health.ts";
import type { RemoteRules } from "#src/provider/remote-rules.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { type Delivery, deliveryOf } from "#src/webhook/deliveries.ts";
import { openWebhooks, type Webhooks } from "#src/webhook/open.ts";
import type { Webhook, WebhookPolicy } from "#src/webhook/webhook.ts";
import { createWebhook } from "#src/webhook/webhooks.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import type { Certified } from "#test/lib/authority.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** What a receiver got. */
export interface Received {
  path: string;
  headers: Headers;
  body: string;
  json: unknown;
}

/** A receiver of webhooks on loopback. */
export interface Receiver extends AsyncDisposable {
  url: string;
  port: number;
  got: Received[];
  /** How it answers from now on. */
  answer(script: (request: Request) => Response | Promise<Response>): void;
  /** Resolves when so many came. */
  came(count: number): Promise<Received[]>;
}

/** Starts one, that answers 204; over TLS where it is given a certificate. */
export function startReceiver(certified?: Certified): Receiver {
  const got: Received[] = [];
  let script: (request: Request) => Response | Promise<Response> = () =>
    new Response(null, { status: 204 });
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    ...(certified === undefined ? {} : { tls: certified }),
    async fetch(request) {
      const body = await request.text();
      const { pathname } = new URL(request.url);
      got.push({
        path: pathname,
        headers: request.headers,
        body,
        json: JSON.parse(body || "null"),
      });
      for (const { count, resolve } of waiting) if (got.length >= count) resolve();
      waiting = waiting.filter(({ count }) => got.length < count);
      return script(request);
    },
  });
  const port = server.port ?? 0;
  return {
    url: `http${certified === undefined ? "" : "s"}://127.0.0.1:${port}/hook`,
    port,
    got,
    answer: (next) => void (script = next),
    async came(count) {
      if (got.length < count) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const late = setTimeout(
          () => reject(new Error(`Only ${got.length} of ${count} came`)),
          8000,
        );
        waiting.push({ count, resolve });
        await promise.finally(() => clearTimeout(late));
      }
      return got;
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** The signature that a secret makes, worked out here and not by the gateway. */
export function signatureOf({ headers, body }: Received, secret: string): string {
  const content = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

/** The types of the events that came, in order. */
export function typesOf(got: readonly Received[]): unknown[] {
  return got.map(({ json }) => at(json, "type"));
}

/** The webhooks of one process on a database, on a clock that stands still. */
export interface Hooks extends AsyncDisposable {
  webhooks: Webhooks;
  store: Store;
  clock: FakeClock;
  path: string;
  folder: string;
  /** The database, as a store is opened with it. */
  database: string;
  logged(): string;
  /** A webhook of the account, and its secret. */
  hook(policy?: Partial<WebhookPolicy>): Promise<{ webhook: Webhook; secret: string }>;
  /** Queues an event for all who hear of it, as the end of a request does. */
  happen(count?: number, change?: Partial<Generation>): Promise<void>;
  deliveries(): Promise<Delivery[]>;
}

export interface HookOptions {
  /** Another process on the same database. */
  beside?: Hooks;
  /** What may be reached; all of it unless this says otherwise. */
  rules?: Partial<RemoteRules>;
  isGuarded?: boolean;
  /** A database over the network, in place of a file. */
  database?: string;
  standings?: () => readonly Standing[];
}

export const accountId = "acc_of_a_test";
export const by = { actor: "per_of_a_test" };

/** Where the master key is: in a file, or, for a database over the network, given by the operator. */
export function placeOf(database: string, dataDir: string): KeyPlace {
  const isRemote = !database.startsWith("file:");
  const given = isRemote ? Buffer.alloc(32, 7).toString("base64") : undefined;
  return { dataDir, isRemote, secret: (name) => (name.endsWith("_KEY") ? given : undefined) };
}

/** Opens them. */
export async function startHooks(receiver: Receiver, options: HookOptions = {}): Promise<Hooks> {
  const { beside, rules, isGuarded = false, standings = () => [] } = options;
  const folder = beside === undefined ? temporaryFolder() : undefined;
  const dataDir = beside?.folder ?? folder?.path ?? "";
  const clock = beside?.clock ?? createFakeClock();
  const config = loadConfig({ dataDir }, {});
  config.webhooks.allowPrivate = !isGuarded;
  const path = join(dataDir, "test.db");
  const database = beside?.database ?? options.database ?? `file:${path}`;
  const store = await openStore({ url: database });
  await migrate(store, clock);
  const lines: string[] = [];
  const log = createLog({
    clock,
    level: "debug",
    format: "json",
    write: (line) => void lines.push(line),
  });
  const place = placeOf(database, dataDir);
  const ids = createIds(clock);
  const webhooks = await openWebhooks({
    store,
    clock,
    ids,
    random: () => 0.5,
    log,
    place,
    config,
    standings,
    rules,
  });
  return {
    webhooks,
    store,
    clock,
    path,
    folder: dataDir,
    database,
    logged: () => lines.join(""),
    async hook(policy = {}) {
      const whole = { name: "mine", url: receiver.url, eventTypes: [], apiKeyHashes: [] };
      const made = await createWebhook(
        webhooks.kit,
        { accountId },
        { ...whole, disabled: false, ...policy },
        by,
      );
      await webhooks.events.refresh();
      return made;
    },
    async happen(count = 1, change = {}) {
      const entries = Array.from({ length: count }, () => ({
        generation: sampleGeneration({ id: ids.next("gen"), accountId, ...change }),
        movements: [],
      }));
      await store.write(webhooks.beside(entries));
    },
    deliveries: async () =>
      (await store.read("SELECT * FROM webhook_delivery ORDER BY id", [])).map(deliveryOf),
    async [Symbol.asyncDispose]() {
      await webhooks.close();
      store.close();
      folder?.[Symbol.dispose]();
    },
  };
}
