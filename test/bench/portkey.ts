import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";
import { start, type Running } from "#test/bench/process.ts";
import { plainHeaders, type Bench } from "#test/bench/target.ts";

// package.json overrides @hono/node-server for it: with a later one than 1.14.1 every stream on Node
// fails with 500, "immutable" (Portkey-AI/gateway#1389), which would measure nothing.
/** Portkey's gateway as published: one file, started without its console. */
const folder = join(import.meta.dir, "../../node_modules/@portkey-ai/gateway");

/** Version of the installed Portkey gateway. */
export async function portkeyVersion(): Promise<string | undefined> {
  const manifest: unknown = await Bun.file(join(folder, "package.json"))
    .json()
    .catch(() => undefined);
  if (typeof manifest !== "object" || manifest === null || !("version" in manifest)) {
    return undefined;
  }
  return String(manifest.version);
}

/** Starts the Portkey gateway on a runtime. It needs no network: the route is in the headers. */
export async function portkey(
  runtime: "node" | "bun",
  bench: Bench,
): Promise<{ running: Running; headers: Record<string, string> }> {
  const binary = runtime === "bun" ? process.execPath : Bun.which("node");
  if (binary === null) throw new Error("Cannot start Portkey: node is not installed");
  const port = freePort();
  const script = join(folder, "build/start-server.js");
  const running = await start({
    name: `portkey-${runtime}`,
    command: [binary, script, `--port=${port}`, "--headless"],
    port,
    folder: bench.folder,
    env: {
      // It refuses private addresses as upstream, but for those named here.
      TRUSTED_CUSTOM_HOSTS: "127.0.0.1",
      NODE_ENV: "production",
      BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
    },
  });
  const headers = {
    ...plainHeaders,
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `http://127.0.0.1:${bench.upstreamPort}/v1`,
  };
  return { running, headers };
}
