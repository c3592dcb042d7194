import { createAccount } from "#src/account/accounts.ts";
import { createLink, type NewLink } from "#src/account/people/links.ts";
import { setupToken } from "#src/account/people/setup.ts";
import { createGateway } from "#src/app.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { startPlaces } from "#src/demo/places.ts";
import { surface } from "#src/http/server.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { errorPages } from "#src/web/errors.tsx";
import { webRoutes } from "#src/web/routes.tsx";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

export type Gateway = Awaited<ReturnType<typeof createGateway>>;

/** A gateway with its pages, listening on loopback. */
export interface PeopleGateway extends AsyncDisposable {
  url: string;
  gateway: Gateway;
  store: Store;
  clock: FakeClock;
  /** The account that was made with the database. */
  accountId: string;
  logged(): string;
  /** A path that works once, as the operator would hand it out. */
  invite(asked?: Partial<NewLink>): Promise<string>;
  setup(): Promise<string>;
  browser(headers?: Record<string, string>): Browser;
  /** A browser in which somebody is registered and signed in. */
  somebody(name: string, asked?: Partial<NewLink>): Promise<Browser>;
  audit(): Promise<string[]>;
}

/** Answers as a browser sees them, redirects not followed. */
export interface Page {
  status: number;
  headers: Headers;
  text: string;
  to: string | null;
}

/** A browser without JavaScript: keeps cookies, sends forms. */
export interface Browser {
  cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Page>;
  post(
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Page>;
  /** Follows what a path leads to. */
  open(path: string): Promise<Page>;
}

export const password = "three words in a row";

/** Starts one; with `simulated` providers there is somebody to answer. */
export async function startPeople(
  change: (config: Config) => void = () => {},
  { simulated = false }: { simulated?: boolean } = {},
): Promise<PeopleGateway> {
  const folder = temporaryFolder();
  // The library has the machine's own time: links and throttles start from there.
  const clock = createFakeClock(systemClock.now());
  const config = loadConfig({ dataDir: folder.path }, {});
  const places = simulated
    ? startPlaces({ clock: systemClock, random: () => 0.5, firstByteMs: 0, perWordMs: 0 })
    : undefined;
  if (places !== undefined) config.providers = places.providers;
  change(config);
  const store = await openStore({ url: config.database.url });
  const lines: string[] = [];
  const log = createLog({
    clock,
    level: "debug",
    format: "json",
    write: (line) => void lines.push(line),
  });
  const gateway = await createGateway({ config, store, log, clock });
  const { people } = gateway.services;
  const account = await createAccount(store, people, { name: "operator", plan: "metered" });
  const server = surface({
    app: gateway.app,
    services: gateway.services,
    readiness: {
      accepting: () => true,
      databaseAnswers: () => Promise.resolve(true),
      anyProvider: () => true,
    },
    pages: webRoutes(gateway.app, gateway.services),
    errorPage: errorPages(gateway.app),
  }).listen({ hostname: "127.0.0.1", port: 0, reusePort: false });
  const url = `http://127.0.0.1:${server.server?.port}`;

  function browser(headers: Record<string, string> = {}): Browser {
    const cookies = new Map<string, string>();
    async function ask(path: string, init: RequestInit): Promise<Page> {
      const response = await fetch(url + path, {
        ...init,
        redirect: "manual",
        headers: {
          accept: "text/html",
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
          ...headers,
          ...Object.fromEntries(new Headers(init.headers)),
        },
      });
      for (const line of response.headers.getSetCookie()) {
        const [pair = ""] = line.split(";");
        const at = pair.indexOf("=");
        if (/max-age=0/i.test(line)) cookies.delete(pair.slice(0, at));
        else cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const text = await response.text();
      const { status } = response;
      return { status, headers: response.headers, text, to: response.headers.get("location") };
    }
    const get: Browser["get"] = (path, more = {}) => ask(path, { headers: more });
    return {
      cookies,
      get,
      post: (path, fields, more = {}) =>
        ask(path, {
          method: "POST",
          body: new URLSearchParams(fields),
          headers: { origin: url, ...more },
        }),
      async open(path) {
        let page = await get(path);
        for (let left = 5; page.to !== null && left > 0; left--) page = await get(page.to);
        return page;
      },
    };
  }

  const invite: PeopleGateway["invite"] = async (asked = {}) => {
    const { token } = await createLink(people, {
      purpose: "invitation",
      createdBy: "cli",
      seconds: 3600,
      ...asked,
    });
    return `/register?invite=${token}`;
  };
  return {
    url,
    gateway,
    store,
    clock,
    accountId: account.id,
    logged: () => lines.join(""),
    invite,
    setup: async () => `/register?invite=${await setupToken(people)}`,
    browser,
    async somebody(name, asked) {
      const own = browser();
      await own.open(await invite(asked));
      const sent = await own.post("/register", {
        name,
        email: `${name}@example.org`,
        "new-password": password,
      });
      if (sent.status !== 303)
        throw new Error(`Cannot register ${name}: ${sent.status} ${sent.text}`);
      return own;
    },
    audit: async () =>
      (await store.read("SELECT action FROM audit_event ORDER BY id", [])).map((row) =>
        String(row["action"]),
      ),
    async [Symbol.asyncDispose]() {
      await server.server?.stop(true);
      await gateway.close();
      store.close();
      await places?.stop();
      folder[Symbol.dispose]();
    },
  };
}

/** Has the database say from now on that it is locked, but only where a session is made or ended: as if the lock came just then. */
export async function lockSessions(
  { store }: PeopleGateway,
  what: "INSERT" | "DELETE",
): Promise<void> {
  await store.write([
    {
      sql: `CREATE TRIGGER session_locked BEFORE ${what} ON person_session BEGIN SELECT RAISE(FAIL, 'database is locked'); END`,
      args: [],
    },
  ]);
}

/** Text of a page without its tags. */
export function words(page: Page): string {
  return page.text.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}
