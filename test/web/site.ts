import { createGateway, type Gateway } from "#src/app.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { startPlaces } from "#src/demo/places.ts";
import { surface } from "#src/http/server.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { openStore } from "#src/store/open.ts";
import { errorPages } from "#src/web/errors.tsx";
import { tablePages } from "#src/web/public/methodology.tsx";
import { webRoutes } from "#src/web/routes.tsx";
import { temporaryFolder } from "#test/store/temporary.ts";

/** A gateway with its pages on simulated providers, listening on loopback. */
export interface Site {
  url: string;
  gateway: Gateway;
  /** As a browser asks, nothing followed and nothing unpacked unless `init` says so. */
  get(path: string, init?: BunFetchRequestInit): Promise<Response>;
  /** The text of a page that is there. */
  text(path: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts one; close() it. */
export async function startSite(change: (config: Config) => void = () => {}): Promise<Site> {
  const folder = temporaryFolder();
  const places = startPlaces({
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: 0,
  });
  const config = loadConfig({ dataDir: folder.path }, {});
  config.providers = places.providers;
  change(config);
  const store = await openStore({ url: config.database.url });
  const log = createLog({ clock: systemClock, level: "error", format: "json", write: () => {} });
  const gateway = await createGateway({ config, store, log });
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
  const get: Site["get"] = (path, init = {}) =>
    fetch(url + path, {
      redirect: "manual",
      ...init,
      headers: { accept: "text/html", ...init.headers },
    });
  return {
    url,
    gateway,
    get,
    async text(path) {
      const response = await get(path);
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
      return response.text();
    },
    async close() {
      await server.server?.stop(true);
      await gateway.close();
      store.close();
      await places.stop();
      folder[Symbol.dispose]();
    },
  };
}

/** Every page that anyone may see, a model's and a provider's for each of them. */
export function publicPaths({ gateway: { services } }: Site): string[] {
  const path = (id: string) => id.split("/").map(encodeURIComponent).join("/");
  return [
    ...fixedPaths,
    ...services.models.map(({ id }) => `/models/${path(id)}`),
    ...services.providers.map(({ id }) => `/providers/${path(id)}`),
  ];
}

/** The pages that are not of one model or one provider. */
export const fixedPaths: readonly string[] = [
  "/",
  "/models",
  "/models?compare=openai/gpt-4o-mini&compare=openai/gpt-4o&compare=mistral/mistral-large-2512&compare=anthropic/claude-fable-5",
  "/providers",
  "/methodology",
  ...Object.keys(tablePages).map((name) => `/methodology/${name}`),
  "/methodology/accuracy",
  "/status",
];
