import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BrokenAnswer, ConnectTimeout, type Exchange } from "#src/provider/exchange.ts";
import { send } from "#src/provider/send.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import { piecesOf } from "#test/provider/large-pieces.ts";
import { deploymentAt } from "#test/provider/deployment.ts";
import { answer, startWire, type Wire } from "#test/provider/wire.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";

let stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops) stop();
  stops = [];
});

function wireOf(script: Parameters<typeof startWire>[0]): Wire {
  const wire = startWire(script);
  stops.push(wire.stop);
  return wire;
}

function post(wire: { url: string }, body: UpstreamBody = "{}", path = "/chat"): Exchange {
  return send(deploymentAt(`${wire.url}/v1`), path, body, { stream: false, connectMs: 2000 });
}

async function textOf(exchange: Exchange): Promise<string> {
  await exchange.head;
  return Buffer.from(await exchange.bytes()).toString("latin1");
}

const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => "fulfilled",
    (cause: unknown) => cause,
  );

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited++) {
    if (waited > 500) throw new Error("It did not happen within 5 s");
    await Bun.sleep(10);
  }
}

describe("an exchange", () => {
  test("says what was asked, once, over a connection that is kept", async () => {
    const wire = wireOf((socket, request) => socket.write(answer(request.slice(-2))));
    for (const body of ["{1", "{2", "{3"]) expect(await textOf(post(wire, body))).toBe(body);
    expect(wire.connections).toBe(1);
    expect(wire.requests[0]).toBe(
      `POST /v1/chat HTTP/1.1\r\nhost: ${new URL(wire.url).host}\r\n` +
        "content-type: application/json\r\naccept: application/json\r\n" +
        `${/user-agent: lowrouter\/\S+\r\n/.exec(wire.requests[0] ?? "")?.[0]}` +
        "authorization: Bearer secret\r\ncontent-length: 2\r\n\r\n{1",
    );
  });

  test("sends bytes and text alike, large ones whole", async () => {
    const wire = wireOf((socket, request) => socket.write(answer(String(request.length))));
    const text = "x".repeat(9_000_000);
    const [first, second] = [
      await textOf(post(wire, text)),
      await textOf(post(wire, Buffer.from(text))),
    ];
    expect(first).toBe(second);
    expect(Number(first)).toBeGreaterThan(text.length);
  });

  test("sends raw pieces as their bytes, several large ones beside each other", async () => {
    const wire = wireOf((socket, request) => socket.write(answer(request.slice(-1))));
    const bodies = ["a", "b", "\u00fe"].map(piecesOf);
    await Promise.all(bodies.map((body) => textOf(post(wire, body))));
    // No matcher of texts: what it would show of these is too long.
    const sent = bodies.map(({ texts }) => texts.join(""));
    const arrived = wire.requests.map((request) => request.slice(request.indexOf("\r\n\r\n") + 4));
    expect(sent.map((text) => arrived.includes(text))).toEqual([true, true, true]);
  });

  test("sends large bodies over a connection that is kept, and whole again where it turns out closed", async () => {
    const wire = wireOf((socket, request, before) => {
      if (before === 2) socket.end();
      else socket.write(answer(String(request.length)));
    });
    const bytes = Buffer.alloc(1_000_000, "b");
    const pieces = piecesOf("a");
    const first = {
      bytes: await textOf(post(wire, bytes)),
      pieces: await textOf(post(wire, pieces)),
    };
    expect(wire.connections).toBe(1);
    const again = {
      pieces: await textOf(post(wire, pieces)),
      bytes: await textOf(post(wire, bytes)),
    };
    expect(wire.connections).toBe(2);
    expect(again).toEqual(first);
    expect(Number(first.pieces) - pieces.length).toBe(Number(first.bytes) - bytes.length);
  });

  test("sends bytes that are too many to hold while an upstream works over a connection of their own", async () => {
    const wire = wireOf((socket, request) => socket.write(answer(String(request.length))));
    await textOf(post(wire));
    await textOf(post(wire, Buffer.alloc(2_000_000, "c")));
    expect(wire.connections).toBe(2);
  });

  test("opens as many connections as there are requests at once", async () => {
    let waiting: (() => void)[] = [];
    const wire = wireOf((socket) => {
      waiting.push(() => socket.write(answer("ok")));
      if (waiting.length < 300) return;
      for (const go of waiting) go();
      waiting = [];
    });
    const texts = await Promise.all(Array.from({ length: 300 }, () => textOf(post(wire))));
    expect(new Set(texts)).toEqual(new Set(["ok"]));
    expect(wire.connections).toBe(300);
  });

  test("is forgotten by its connection, which waits for the next", async () => {
    const wire = wireOf((socket, request) => socket.write(answer(request.slice(-2))));
    const each = async (at: number) => {
      const exchange = post(wire, `{${at}`);
      await textOf(exchange);
      return new WeakRef(exchange);
    };
    const round = () => Promise.all(Array.from({ length: 9 }, (_, at) => each(at)));
    await round();
    // These are over connections that are kept, so each could have been sent again.
    const ended = await round();
    expect(wire.connections).toBe(9);
    await Bun.sleep(1);
    Bun.gc(true);
    // The collector takes what stands on the stack for a reference.
    expect(ended.filter((one) => one.deref() !== undefined).length).toBeLessThan(4);
  });

  test("is sent again when a kept connection turns out closed before any answer", async () => {
    const wire = wireOf((socket, _, before) => {
      if (before === 0) socket.write(answer("first"));
      else socket.end();
    });
    expect(await textOf(post(wire))).toBe("first");
    expect(await textOf(post(wire))).toBe("first");
    expect([wire.connections, wire.requests.length]).toEqual([2, 3]);
  });

  test("is not sent again once an answer began, nor on a fresh connection", async () => {
    const begun = wireOf((socket, _, before) => {
      socket.write(before === 0 ? answer("first") : "HTTP/1.1 2");
      if (before > 0) socket.end();
    });
    await textOf(post(begun));
    expect(await settled(post(begun).head)).toBeInstanceOf(BrokenAnswer);
    expect(begun.requests).toHaveLength(2);
    const never = wireOf((socket) => void socket.end());
    expect(await settled(post(never).head)).toBeInstanceOf(BrokenAnswer);
    expect(never.requests).toHaveLength(1);
  });

  test("ends at once when it is aborted: before the answer, and amid it", async () => {
    const reason = new Error("enough");
    for (const said of ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]) {
      const wire = wireOf((socket) => void socket.write(said));
      const exchange = post(wire);
      await until(() => wire.requests.length === 1);
      if (said !== "") await exchange.head;
      const reading = said === "" ? exchange.head : Promise.resolve(exchange.bytes());
      const outcome = settled(reading);
      exchange.abort(reason);
      expect(await outcome).toBe(reason);
      expect(await millisecondsUntil(() => wire.closed === 1)).toBeLessThan(100);
    }
  });

  test("that is aborted while it connects leaves a connection for the next", async () => {
    const wire = wireOf((socket) => socket.write(answer("ok")));
    const exchange = post(wire);
    const outcome = settled(exchange.head);
    exchange.abort(new Error("enough"));
    expect(String(await outcome)).toBe("Error: enough");
    await until(() => wire.connections === 1);
    await Bun.sleep(20);
    expect(await textOf(post(wire))).toBe("ok");
    expect([wire.connections, wire.requests.length]).toEqual([1, 1]);
  });

  test("lets the upstream wait while nobody reads, and loses nothing", async () => {
    const size = 60_000_000;
    let sent = 0;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (sent >= size) return controller.close();
              controller.enqueue(new Uint8Array(100_000));
              sent += 100_000;
            },
          }),
        ),
    });
    stops.push(() => void server.stop(true));
    const exchange = post({ url: `http://127.0.0.1:${server.port}` });
    await exchange.head;
    await Bun.sleep(300);
    expect(sent).toBeLessThan(size / 2);
    let got = 0;
    for (;;) {
      const piece = await exchange.read();
      if (piece === undefined) break;
      got += piece.length;
    }
    expect(got).toBe(size);
  });

  test("leaves a connection that reads again, though its last piece was too much", async () => {
    const wire = wireOf((socket, _, before) => {
      socket.write(answer(before === 0 ? "x".repeat(400_000) : "next"));
    });
    for (let round = 0; round < 4; round++) {
      const exchange = post(wire);
      await exchange.head;
      await Bun.sleep(50);
      expect(Buffer.from(await exchange.bytes()).length).toBeGreaterThan(3);
      expect(await Promise.race([textOf(post(wire)), Bun.sleep(2000)])).toBe("next");
    }
  });

  test("keeps every path and header in its line", async () => {
    const wire = wireOf((socket) => socket.write(answer("ok")));
    await textOf(post(wire, "", "/models/a b\r\nx: y/é#c:generate?alt=sse"));
    expect(wire.requests[0]?.split("\r\n")[0]).toBe("POST /v1/models/a%20bx:%20y/%C3%A9 HTTP/1.1");
    const deployment = deploymentAt(`${wire.url}/v1`);
    deployment.headers = { "x-key": "a\r\nhost: evil" };
    expect(() => send(deployment, "/x", "", { stream: false, connectMs: 100 })).toThrow(TypeError);
  });

  test("fails where nobody listens, and where the connection takes too long", async () => {
    const wire = startWire(() => {});
    wire.stop();
    expect(await settled(post(wire).head)).toBeInstanceOf(Error);
    // Accepts, and never shakes hands.
    const mute = wireOf(() => {});
    const secure = deploymentAt(mute.url.replace("http:", "https:"));
    const exchange = send(secure, "/x", "", { stream: false, connectMs: 100 });
    expect(await settled(exchange.head)).toBeInstanceOf(ConnectTimeout);
  });
});

const root = join(import.meta.dir, "../..");
const tls = join(root, "test/fixtures/tls");

/** What a process of this environment gets from an address. */
async function ask(
  url: string,
  env: Record<string, string>,
  script = "test/provider/client.ts",
): Promise<string> {
  const child = Bun.spawn([process.execPath, join(root, script), url], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).trim();
}

function secureServer(
  name: string,
  reply = (request: Request): Response | Promise<Response> =>
    new Response(`hello ${new URL(request.url).pathname}`),
) {
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { key: Bun.file(join(tls, `${name}.key`)), cert: Bun.file(join(tls, `${name}.pem`)) },
    fetch(request) {
      asked++;
      return reply(request);
    },
  });
  stops.push(() => void server.stop(true));
  return { url: `https://localhost:${server.port}/v1`, asked: () => asked };
}

describe("over TLS", () => {
  const trusting = { NODE_EXTRA_CA_CERTS: join(tls, "authority.pem") };

  test("a trusted certificate of the host is needed before anything is said", async () => {
    const right = secureServer("localhost");
    expect(await ask(right.url, trusting)).toBe("200 hello /v1/models");
    expect(await ask(right.url, {})).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(right.asked()).toBe(1);
    const wrong = secureServer("other.test");
    expect(await ask(wrong.url, trusting)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(wrong.asked()).toBe(0);
  });

  test("raw pieces arrive as their bytes, several large ones beside each other", async () => {
    const server = secureServer(
      "localhost",
      async (request) => new Response(sha256Hex(new Uint8Array(await request.arrayBuffer()))),
    );
    const script = "test/provider/pieces-client.ts";
    const letters = ["a", "b", "é"];
    const sums = letters.map((letter) =>
      sha256Hex(Buffer.from(piecesOf(letter).texts.join(""), "latin1")),
    );
    expect(await ask(server.url, trusting, script)).toBe(sums.join(" "));
  });
});

describe("with a proxy in the environment", () => {
  test("requests go through it, except where NO_PROXY says", async () => {
    const wire = wireOf((socket) => socket.write(answer("direct")));
    const proxy = wireOf((socket) => socket.write(answer("proxied")));
    const env = { HTTP_PROXY: proxy.url };
    expect(await ask(wire.url, env)).toBe("200 proxied");
    expect(proxy.requests[0]).toStartWith(`GET ${wire.url}/models HTTP/1.1`);
    expect(await ask(wire.url, { ...env, NO_PROXY: "127.0.0.1" })).toBe("200 direct");
  });
});
