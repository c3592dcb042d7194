/** What a client sees while gateways are stopped and started under load: each on its own, and behind a balancer. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "bun:test";
import { findNginx } from "#test/bench/nginx.ts";
import { freePort } from "#test/lib/port.ts";
import { chat } from "#test/bin/provider.ts";
import { until } from "#test/bin/executable.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import { fromSources, type Gateway } from "#test/chaos/program.ts";

/** Longer than the test's balancer takes to notice, on a machine that does much else. */
const leaveSeconds = 3;
const noticeMs = 50;
const clients = 12;

/** What a failed test would leave running. */
const started: Gateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) {
    gateway.kill("SIGKILL");
    await gateway.ended;
  }
});

/** A gateway that answers for so long after a signal to stop. */
async function leaving(house: House, seconds: number, port?: number): Promise<Gateway> {
  const env = { LOWROUTER_LEAVE_S: String(seconds) };
  const gateway = await house.serve(port === undefined ? { env } : { env, port });
  started.push(gateway);
  return gateway;
}

/** Clients that ask until they are told to stop: streams and whole answers, on kept and on new connections. */
function startClients(url: string, house: House, connections: "both" | "new") {
  const failures: string[] = [];
  let isOver = false;
  let answered = 0;
  const [key = ""] = house.keys;
  async function ask(turn: number): Promise<void> {
    const stream = turn % 2 === 0;
    const isKept = connections === "both" && turn % 4 < 2;
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      keepalive: isKept,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...(isKept ? {} : { connection: "close" }),
      },
      body: JSON.stringify({
        model: "openai/gpt-4o-mini",
        messages: [{ role: "user", content: "Hello simulate:perTokenMs=3,answerTokens=12" }],
        max_tokens: 20,
        ...(stream ? { stream } : {}),
      }),
    });
    const text = await response.text();
    const isWhole = stream ? text.endsWith("data: [DONE]\n\n") : text.endsWith("}");
    if (response.status !== 200 || !isWhole) failures.push(`${response.status} ${text}`);
    const id = response.headers.get("x-lowrouter-generation-id");
    if (id !== null && response.status === 200) house.complete.push(id);
    answered++;
  }
  const all = Array.from({ length: clients }, async (_, index) => {
    for (let turn = index; !isOver; turn++)
      await ask(turn).catch((thrown: unknown) => failures.push(String(thrown)));
  });
  return {
    failures,
    answered: () => answered,
    async stop() {
      isOver = true;
      await Promise.all(all);
    },
  };
}

describe("SIGTERM under load, with time to leave", () => {
  test("no request fails on kept or on new connections, whose answers say that they are the last there", async () => {
    await using house = await openHouse({ program: fromSources() });
    const gateway = await leaving(house, leaveSeconds);
    const load = startClients(gateway.url, house, "both");
    await until("clients are answered", () => load.answered() > 4 * clients);
    gateway.kill("SIGTERM");
    await until("it says that it leaves", async () => {
      const ready = await fetch(`${gateway.url}/readyz`);
      await ready.text();
      return ready.status === 503;
    });
    const [key = ""] = house.keys;
    const late = await chat(gateway.url, key);
    expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
    await late.text();
    const seen = load.answered();
    await until("clients were answered meanwhile", () => load.answered() > seen + clients);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect((await gateway.ended).code).toBe(0);
    expect(await house.check({ alive: [] })).toEqual([]);
  }, 60_000);

  test("a second one does not wait for that time", async () => {
    await using house = await openHouse({ program: fromSources() });
    const gateway = await leaving(house, 600);
    gateway.kill("SIGTERM");
    await until("it leaves", () => gateway.err().includes("draining"));
    gateway.kill("SIGTERM");
    expect((await gateway.ended).code).toBe(0);
    expect(await house.check({ alive: [] })).toEqual([]);
  }, 30_000);
});

const binary = findNginx();

describe("a rolling restart behind a balancer", () => {
  test.skipIf(binary === undefined && process.env["CI"] !== "true")(
    "two gateways on one database, one after the other, and no request fails though none is ever sent twice",
    async () => {
      await using house = await openHouse({ program: fromSources() });
      const gateways = [await leaving(house, leaveSeconds), await leaving(house, leaveSeconds)];
      await using balancer = await startBalancer(
        house.folder,
        gateways.map(({ port }) => port),
      );
      const load = startClients(balancer.url, house, "new");
      await until("clients are answered", () => load.answered() > 4 * clients);
      for (const [at, old] of gateways.entries()) {
        old.kill("SIGTERM");
        expect((await old.ended).code).toBe(0);
        expect(balancer.serving()).toEqual(gateways.filter((one) => one !== old).map(portOf));
        gateways[at] = await leaving(house, leaveSeconds, old.port);
        await until("the balancer has both again", () => balancer.serving().length === 2);
        const seen = load.answered();
        await until("clients are answered", () => load.answered() > seen + 4 * clients);
      }
      await load.stop();
      expect(load.failures).toEqual([]);
      for (const gateway of gateways) {
        gateway.kill("SIGTERM");
        expect((await gateway.ended).code).toBe(0);
      }
      expect(await house.check({ alive: [] })).toEqual([]);
    },
    120_000,
  );
});

function portOf({ port }: Gateway): number {
  return port;
}

/** nginx before some gateways, and what it lacks in its free form: a look at /readyz, again and again. */
async function startBalancer(folder: string, ports: readonly number[]) {
  if (binary === undefined) throw new Error("Cannot balance: nginx is not installed");
  const home = join(folder, "nginx");
  mkdirSync(home);
  const file = join(home, "nginx.conf");
  const port = freePort();
  let serving: readonly number[] = ports;
  let isOver = false;
  await Bun.write(file, configuration(home, port, serving));
  const child = Bun.spawn([binary, "-p", home, "-c", file], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  const isReady = (one: number) =>
    fetch(`http://127.0.0.1:${one}/readyz`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(2000),
    }).then(
      async (response) => (await response.text(), response.ok),
      () => false,
    );
  const looking = (async () => {
    while (!isOver) {
      const answers = await Promise.all(ports.map(isReady));
      const ready = ports.filter((_, at) => answers[at]);
      if (ready.length > 0 && ready.join() !== serving.join()) {
        await Bun.write(file, configuration(home, port, ready));
        child.kill("SIGHUP");
        serving = ready;
      }
      await Bun.sleep(noticeMs);
    }
  })();
  const url = `http://127.0.0.1:${port}`;
  await until("nginx answers", () =>
    fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    ),
  );
  return {
    url,
    serving: () => serving,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await looking;
      child.kill("SIGQUIT");
      await child.exited;
    },
  };
}

/** Nothing is sent to another gateway when one fails: a failure is a client's. */
function configuration(home: string, port: number, ports: readonly number[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
daemon off;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((what) => `  ${what}_temp_path ${home}/${what};`).join("\n")}
  keepalive_timeout 0;
  upstream gateways {
${ports.map((one) => `    server 127.0.0.1:${one} max_fails=0;`).join("\n")}
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
      proxy_buffering off;
    }
  }
}
`;
}
