/** How long the pages behind the sign-in take to their first byte, with a store that is full. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { createLink } from "#src/account/people/links.ts";
import { loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { fillStore } from "#test/bench/pages-fill.ts";
import { freePort } from "#test/lib/port.ts";
import { type Running, start, temporaryFolder } from "#test/bench/process.ts";
import { Samples } from "#test/bench/samples.ts";
import { number, type Table } from "#test/bench/table.ts";

/** How much is filled in, and how often each page is asked for. */
export interface PageSizes {
  generations: number;
  requests: number;
  /** What to ask for besides; absent: `standardPaths`. */
  paths?: readonly string[];
}

/** The pages that read what grows. `{from}` is the first day of the fill. */
export const standardPaths: readonly string[] = [
  "/dashboard",
  "/dashboard/usage",
  "/dashboard/usage?group=day,model",
  "/dashboard/usage?group=key,maker",
  "/dashboard/usage?group=model&from={from}",
  "/dashboard/usage?group=day,model,key&from={from}",
  "/dashboard/what-if?from={from}",
  "/dashboard/transactions",
  "/dashboard/keys",
  "/dashboard/credits",
  "/dashboard/audit",
];

const days = 366;
const models = 250;
const keys = 40;
const dayMs = 86_400_000;
const root = join(import.meta.dir, "../..");

/** Fills a store, starts a gateway on it, signs in, and measures. */
export async function measurePages(sizes: PageSizes): Promise<Table> {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "state");
  await mkdir(dataDir);
  const { account, invitation } = await prepare(dataDir, sizes.generations);
  const running = await serve(dataDir, folder.path);
  try {
    const origin = `http://127.0.0.1:${running.port}`;
    const cookie = await register(origin, invitation);
    const health = await firstBytes(`${origin}/healthz`, cookie, sizes.requests);
    const from = new Date(systemClock.now() - (days - 1) * dayMs).toISOString().slice(0, 10);
    const rows = [["/healthz", ...cells(health, health)]];
    for (const path of sizes.paths ?? standardPaths) {
      const full = path.replaceAll("{from}", from);
      const url = `${origin}${full}${full.includes("?") ? "&" : "?"}account=${account}`;
      rows.push([path, ...cells(await firstBytes(url, cookie, sizes.requests), health)]);
    }
    return {
      columns: [
        "page",
        "first time ms",
        "first time whole",
        "others wait at most",
        "p50 ms",
        "p99 ms",
        "whole p50",
        "whole p99",
        "p50 ÷ healthz",
        "p99 ÷ healthz",
        "KB on the way",
        "not ok",
      ],
      rows,
    };
  } finally {
    await running.stop();
  }
}

/** An account with keys and a year of requests, and an invitation to own it. */
async function prepare(dataDir: string, generations: number) {
  const config = loadConfig({ dataDir }, {});
  const store = await openStore({ url: config.database.url });
  const kit = { store, clock: systemClock, ids: createIds(systemClock) };
  try {
    await migrate(store, systemClock);
    const account = await createAccount(store, kit, { name: "bench", plan: "metered" });
    const hashes: string[] = [];
    for (let at = 0; at < keys; at++) {
      const made = await createKey(store, systemClock, {
        accountId: account.id,
        name: `key ${at}`,
      });
      hashes.push(made.key.hash);
    }
    await fillStore(store, {
      accountId: account.id,
      keys: hashes,
      models: Array.from({ length: models }, (_, at) => `author-${at % 12}/model-${at}`),
      generations,
      days,
      now: systemClock.now(),
    });
    const link = { purpose: "invitation" as const, createdBy: "cli", seconds: 3600 };
    const { token } = await createLink(kit, { ...link, accountId: account.id, role: "owner" });
    return { account: account.id, invitation: token };
  } finally {
    store.close();
  }
}

function serve(dataDir: string, folder: string): Promise<Running> {
  const port = freePort();
  const foreign = Object.keys(process.env).filter((name) => /_API_KEY$|^LOWROUTER_/.test(name));
  return start({
    name: "pages",
    command: [
      ...[process.execPath, join(root, "src/main.ts"), "serve"],
      ...["--listen", `127.0.0.1:${port}`, "--data-dir", dataDir],
    ],
    port,
    folder,
    env: Object.fromEntries(foreign.map((name) => [name, undefined])),
  });
}

/** Registers by the invitation, as a browser does; the cookies of the session. */
async function register(origin: string, invitation: string): Promise<string> {
  const cookies = new Map<string, string>();
  const cookie = () => [...cookies].map((pair) => pair.join("=")).join("; ");
  async function ask(path: string, init: RequestInit): Promise<Response> {
    const headers = { cookie: cookie(), origin, accept: "text/html" };
    const response = await fetch(origin + path, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      cookies.set(name, value);
    }
    return response;
  }
  await ask(`/register?invite=${invitation}`, {});
  const sent = await ask("/register", {
    method: "POST",
    body: new URLSearchParams({
      name: "bench",
      email: "bench@example.org",
      "new-password": "three words in a row",
    }),
  });
  if (sent.status !== 303) throw new Error(`Cannot register: ${sent.status}`);
  return cookie();
}

/** What a page took, in milliseconds. */
interface Taken {
  /** Before anything of it was in memory: to the first byte, and to the last. */
  first: number;
  firstWhole: number;
  /** The longest that others waited for /healthz while the first was made. */
  held: number;
  /** To the first byte, and to the last. */
  samples: Samples;
  whole: Samples;
  bytes: number;
  failed: number;
}

async function firstBytes(url: string, cookie: string, requests: number): Promise<Taken> {
  const taken: Taken = {
    first: 0,
    firstWhole: 0,
    held: 0,
    samples: new Samples(),
    whole: new Samples(),
    bytes: 0,
    failed: 0,
  };
  for (let done = 0; done <= requests; done++) {
    const others = done === 0 ? askMeanwhile(new URL("/healthz", url)) : undefined;
    const sentAt = performance.now();
    const response = await fetch(url, {
      decompress: false,
      redirect: "manual",
      headers: { cookie, accept: "text/html", "accept-encoding": "gzip" },
    });
    const reader = response.body?.getReader();
    let milliseconds: number | undefined;
    taken.bytes = 0;
    for (;;) {
      const piece = await reader?.read();
      if (piece?.value !== undefined) {
        milliseconds ??= performance.now() - sentAt;
        taken.bytes += piece.value.length;
      }
      if (piece === undefined || piece.done) break;
    }
    const whole = performance.now() - sentAt;
    milliseconds ??= whole;
    if (response.status !== 200) taken.failed++;
    if (others !== undefined) taken.held = await others.longest();
    if (done === 0) [taken.first, taken.firstWhole] = [milliseconds, whole];
    else {
      taken.samples.add(milliseconds);
      taken.whole.add(whole);
    }
  }
  return taken;
}

/** Asks again and again for something that costs nothing, until it is asked how long that took at most, in milliseconds. */
function askMeanwhile(url: URL): { longest(): Promise<number> } {
  let isOver = false;
  let longest = 0;
  const asking = (async () => {
    while (!isOver) {
      const sentAt = performance.now();
      await (await fetch(url)).text();
      longest = Math.max(longest, performance.now() - sentAt);
      await Bun.sleep(1);
    }
  })();
  return {
    async longest() {
      isOver = true;
      await asking;
      return longest;
    },
  };
}

function cells(taken: Taken, health: Taken): string[] {
  const { first, firstWhole, held, samples, whole, bytes, failed } = taken;
  const [own, base] = [samples.quantiles(), health.samples.quantiles()];
  const ratio = (name: "p50" | "p99") =>
    own === undefined || base === undefined ? undefined : own[name] / base[name];
  return [
    number(first, 1),
    number(firstWhole, 1),
    number(held, 1),
    number(own?.p50, 2),
    number(own?.p99, 2),
    number(whole.quantiles()?.p50, 2),
    number(whole.quantiles()?.p99, 2),
    number(ratio("p50"), 1),
    number(ratio("p99"), 1),
    number(bytes / 1000, 1),
    String(failed),
  ];
}
