import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createRemoteDocuments, type RemoteDocument } from "#src/provider/remote-document.ts";
import {
  publicBeside,
  RemoteDocumentError,
  remoteLimits,
  type RemoteRules,
} from "#src/provider/remote-rules.ts";
import {
  document,
  type DocumentServer,
  loopback,
  samples,
  startDocuments,
} from "#test/provider/remote-kit.ts";
import { startWire, type Wire } from "#test/provider/wire.ts";

let stops: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

function serve(script: Parameters<typeof startDocuments>[0]): DocumentServer {
  const server = startDocuments(script);
  stops.push(server.stop);
  return server;
}

function wireOf(script: Parameters<typeof startWire>[0]): Wire {
  const wire = startWire(script);
  stops.push(wire.stop);
  return wire;
}

const png = samples["image/png"];

function documents(rules: Partial<RemoteRules> = {}, signal = new AbortController().signal) {
  return createRemoteDocuments(rules).during(signal);
}

function fetchOne(address: string, rules: Partial<RemoteRules> = {}): Promise<RemoteDocument> {
  return documents(loopback(rules)).fetch(address);
}

/** Why a document was refused; throws when it was not. */
async function reasonOf(fetched: Promise<unknown>): Promise<string> {
  try {
    await fetched;
  } catch (cause) {
    if (cause instanceof RemoteDocumentError) return cause.reason;
    throw cause;
  }
  throw new Error("It was not refused");
}

const limited = (limits: Partial<typeof remoteLimits>) => ({
  limits: { ...remoteLimits, ...limits },
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited++) {
    if (waited > 500) throw new Error("It did not happen within 5 s");
    await Bun.sleep(10);
  }
}

describe("a document is fetched", () => {
  test("as its bytes, asked for without cookies, credentials or compression", async () => {
    const wire = wireOf((socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: ${png.length}\r\n\r\n`,
      );
      socket.write(png);
    });
    const host = new URL(wire.url).host;
    const fetched = await fetchOne(`http://${host}/a%20b/ü.png?x=1&y=%0d%0a#part`);
    expect(fetched).toEqual({
      type: "image/png",
      base64: png.toString("base64"),
      bytes: png.length,
    });
    const [line = "", ...headers] = (wire.requests[0] ?? "").trimEnd().split("\r\n");
    expect(line).toBe("GET /a%20b/%C3%BC.png?x=1&y=%0d%0a HTTP/1.1");
    expect(headers.map((header) => header.split(":")[0])).toEqual([
      "host",
      "user-agent",
      "accept",
      "accept-encoding",
      "connection",
    ]);
    expect(headers[0]).toBe(`host: ${host}`);
    expect(headers).toContain("accept-encoding: identity");
    await until(() => wire.closed === 1);
  });

  test("once, however often it is asked for", async () => {
    const server = serve(() => document(png, "image/png"));
    const all = documents(loopback());
    const [first, second] = await Promise.all([
      all.fetch(`${server.url}/a`),
      all.fetch(`${server.url}/a`),
    ]);
    expect(await all.fetch(`${server.url}/a`)).toBe(first);
    expect(second).toBe(first);
    expect(server.asked).toEqual(["/a"]);
  });

  test("a few at a time, all of them", async () => {
    let running = 0;
    let most = 0;
    const server = serve(async () => {
      most = Math.max(most, ++running);
      await Bun.sleep(5);
      running--;
      return document(png, "image/png");
    });
    const all = documents(loopback());
    await Promise.all(Array.from({ length: 40 }, (_, at) => all.fetch(`${server.url}/${at}`)));
    expect([server.asked.length, most]).toEqual([40, 6]);
  });
});

const types = Object.entries(samples).map(([type, bytes]) => ({ type, bytes }));

describe("the type", () => {
  test.each(types)("of $type is found in the bytes", async ({ type, bytes }) => {
    const server = serve(() => document(bytes, `${type}; charset=utf-8`));
    expect((await fetchOne(server.url)).type).toBe(type as typeof type & RemoteDocument["type"]);
  });

  const png1 = samples["image/png"];
  const pdf = samples["application/pdf"];
  const text = samples["text/plain"];
  const html = Buffer.from("<html><body>login</body></html>");
  test.each([
    ["a picture under another picture's type", png1, "image/jpeg", "image/png"],
    ["a picture without a type", png1, undefined, "image/png"],
    ["a picture as bytes", png1, "application/octet-stream", "image/png"],
    ["a document as bytes", pdf, "binary/octet-stream", "application/pdf"],
    ["markdown", text, "text/markdown", "text/plain"],
    ["a picture as a page", png1, "text/html", "wrong_type"],
    ["a picture as a document", png1, "application/pdf", "wrong_type"],
    ["a document as a picture", pdf, "image/png", "wrong_type"],
    ["a page", html, "text/html", "wrong_type"],
    ["a page as a picture", html, "image/png", "wrong_type"],
    ["a page without a type", html, undefined, "wrong_type"],
    ["JSON, as services inside answer", Buffer.from('{"key":1}'), "application/json", "wrong_type"],
    ["a drawing that can hold scripts", Buffer.from("<svg/>"), "image/svg+xml", "wrong_type"],
    ["text in another encoding", Buffer.from("f\xfcr", "latin1"), "text/plain", "wrong_type"],
    ["text with a null", Buffer.from("a\0b"), "text/plain", "wrong_type"],
    ["nothing", Buffer.from(""), "image/png", "wrong_type"],
    ["half a signature", Buffer.from("\x89PN", "latin1"), "image/png", "wrong_type"],
  ])("of %s", async (_, bytes, declared, wanted) => {
    const server = serve(() => document(Buffer.from(bytes), declared));
    const outcome = await fetchOne(server.url).then(
      ({ type }) => type,
      (cause: unknown) => (cause instanceof RemoteDocumentError ? cause.reason : cause),
    );
    expect(String(outcome)).toBe(wanted);
  });
});

describe("by default, nothing is asked at", () => {
  const inside = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "https://localhost/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://10.0.0.1/",
    "http://[64:ff9b::7f00:1]/",
    "http://no-such-host.invalid/",
  ];
  test.each(inside)("%s", async (address) => {
    expect(await reasonOf(documents().fetch(address))).toBe("not_public");
  });

  const refused = [
    "ftp://8.8.8.8/a.png",
    "file:///etc/passwd",
    "gopher://8.8.8.8/",
    "data:image/png;base64,AAAA",
    "gs://bucket/a.png",
    "//8.8.8.8/a.png",
    "http://",
    "",
    "http://user@8.8.8.8/",
    "http://user:secret@8.8.8.8/",
    "http://:secret@8.8.8.8/",
    "http://8.8.8.8:22/",
    "https://8.8.8.8:8443/",
    "http://8.8.8.8:6379/",
  ];
  test.each(refused)("%s, whose form is refused", async (address) => {
    const resolve = () => Promise.reject(new Error("Not to be asked"));
    expect(await reasonOf(documents({ resolve }).fetch(address))).toBe("bad_address");
  });

  test("a server that listens on loopback, whatever it is called", async () => {
    const server = serve(() => document(png, "image/png"));
    const all = documents({ isAllowedPort: () => true });
    for (const host of ["127.0.0.1", "localhost", "0x7f.1", "0.0.0.0", "[::ffff:127.0.0.1]"])
      expect(await reasonOf(all.fetch(`http://${host}:${server.port}/`))).toBe("not_public");
    expect(server.asked).toEqual([]);
  });

  test("a public address of this machine, as interfaces come and go", () => {
    let interfaces = {};
    const isAllowed = publicBeside(() => interfaces);
    expect(["8.8.8.8", "2606:4700::1111"].map(isAllowed)).toEqual([true, true]);
    interfaces = { eth0: [{ address: "8.8.8.8" }, { address: "2606:4700::1111" }] };
    expect(["8.8.8.8", "2606:4700::1111"].map(isAllowed)).toEqual([false, false]);
    expect(["8.8.4.4", "127.0.0.1"].map(isAllowed)).toEqual([true, false]);
  });

  test("this machine's own addresses, as they are", async () => {
    const own = Object.values((await import("node:os")).networkInterfaces()).flatMap(
      (all) => all?.map(({ address }) => address) ?? [],
    );
    expect(own.length).toBeGreaterThan(0);
    for (const address of own) {
      const resolve = () => Promise.resolve([address]);
      expect(await reasonOf(documents({ resolve }).fetch("http://x.test/"))).toBe("not_public");
    }
  });
});

describe("a name", () => {
  test("is resolved once, and the checked address is the one that is connected to", async () => {
    const inner = serve(() => document(png, "image/png"));
    let asked = 0;
    // A name server that answers with a public address first and with one of ours then.
    const resolve = () => Promise.resolve(asked++ === 0 ? ["127.0.0.1"] : ["10.0.0.1"]);
    const { type } = await fetchOne(`http://rebinding.test:${inner.port}/`, { resolve });
    expect([asked, type]).toEqual([1, "image/png"]);
    // The other way round, nothing is asked at 127.0.0.1.
    asked = 0;
    const isAllowedAddress = (address: string) => address === "10.0.0.1";
    const swapped = () => Promise.resolve(asked++ === 0 ? ["10.0.0.1"] : ["127.0.0.1"]);
    const rules = { resolve: swapped, isAllowedAddress, ...limited({ connectMs: 50 }) };
    const outcome = await reasonOf(fetchOne(`http://rebinding.test:${inner.port}/`, rules));
    expect(["too_slow", "unreachable"]).toContain(outcome);
    expect([asked, inner.asked.length]).toEqual([1, 1]);
  });

  test.each([
    ["one of ours among public ones", ["127.0.0.1", "10.0.0.1"]],
    ["one of ours first", ["10.0.0.1", "127.0.0.1"]],
    ["none", []],
    ["no address at all", ["localhost"]],
  ])("that has %s is not asked", async (_, addresses) => {
    const server = serve(() => document(png, "image/png"));
    const resolve = () => Promise.resolve(addresses);
    const outcome = reasonOf(fetchOne(`http://x.test:${server.port}/`, { resolve }));
    expect(await outcome).toBe("not_public");
    expect(server.asked).toEqual([]);
  });

  test("is asked at its next address where the first one takes no connection", async () => {
    const server = serve(() => document(png, "image/png"));
    const rules = {
      // Nobody listens at the first.
      resolve: () => Promise.resolve(["127.0.0.2", "127.0.0.1"]),
      isAllowedAddress: (address: string) => address.startsWith("127."),
    };
    expect((await fetchOne(`http://x.test:${server.port}/`, rules)).type).toBe("image/png");
  });
});

describe("a redirect", () => {
  const to = (location: string, status = 302) =>
    new Response("moved", { status, headers: { location } });

  test("is followed, relative ones and three at most", async () => {
    const server = serve((path) => {
      const step = Number(path.slice(1));
      return step === 0 ? document(png, "image/png") : to(`/${step - 1}`, 300 + step);
    });
    expect((await fetchOne(`${server.url}/3`)).type).toBe("image/png");
    expect(server.asked).toEqual(["/3", "/2", "/1", "/0"]);
    const loop = serve(() => to("/"));
    expect(await reasonOf(fetchOne(loop.url))).toBe("redirected");
    expect(loop.asked).toHaveLength(4);
  });

  test.each([
    ["http://169.254.169.254/latest/meta-data/", "not_public"],
    ["http://[::1]/", "not_public"],
    ["http://inside.test/", "not_public"],
    ["http://user:secret@127.0.0.1/", "bad_address"],
    ["file:///etc/passwd", "bad_address"],
    ["http://127.0.0.1:23/", "bad_address"],
    ["http://[broken", "bad_address"],
  ])("to %s is not followed", async (location, reason) => {
    const server = serve(() => to(location));
    const rules = {
      resolve: () => Promise.resolve(["10.0.0.1"]),
      isAllowedPort: (port: number) => port !== 23,
    };
    expect(await reasonOf(fetchOne(server.url, rules))).toBe(reason);
    expect(server.asked).toHaveLength(1);
  });

  test("without a place to go is refused, as every status that has no document", async () => {
    for (const status of [204, 206, 301, 304, 401, 404, 500]) {
      const server = serve(() => new Response(null, { status }));
      expect(await reasonOf(fetchOne(server.url))).toBe("bad_status");
    }
  });
});

describe("a document beyond a bound is given up", () => {
  const small = limited({ bytes: 1000, requestBytes: 1500 });

  test("by its length, before its bytes", async () => {
    const wire = wireOf((socket) =>
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1001\r\n\r\n"),
    );
    expect(await reasonOf(fetchOne(wire.url, small))).toBe("too_large");
    await until(() => wire.closed === 1);
  });

  test("by its bytes, where no length was told", async () => {
    let sent = 0;
    const server = serve(
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              sent += 500;
              await Bun.sleep(1);
              controller.enqueue(sent === 500 ? png : new Uint8Array(500));
            },
          }),
        ),
    );
    expect(await reasonOf(fetchOne(server.url, small))).toBe("too_large");
    const before = sent;
    await Bun.sleep(30);
    expect(sent).toBeLessThan(before + 5000);
  });

  test("with those of other requests, until these end", async () => {
    const large = Buffer.concat([png, Buffer.alloc(900 - png.length)]);
    const server = serve((path) =>
      path === "/unsaid" ? new Response(new Blob([large]).stream()) : document(large, "image/png"),
    );
    const remote = createRemoteDocuments(loopback(limited({ allBytes: 2000 })));
    const during = () => remote.during(new AbortController().signal);
    const [one, two, three] = [during(), during(), during()];
    await Promise.all([one.fetch(`${server.url}/1`), two.fetch(`${server.url}/2`)]);
    expect(await reasonOf(three.fetch(`${server.url}/3`))).toBe("busy");
    expect(await reasonOf(three.fetch(`${server.url}/unsaid`))).toBe("busy");
    three.end();
    one.end();
    one.end();
    expect((await during().fetch(`${server.url}/4`)).bytes).toBe(900);
    expect(await reasonOf(during().fetch(`${server.url}/5`))).toBe("busy");
  });

  test("with the others of its request", async () => {
    const large = Buffer.concat([png, Buffer.alloc(900 - png.length)]);
    const server = serve(() => document(large, "image/png"));
    const all = documents(loopback(small));
    expect((await all.fetch(`${server.url}/1`)).bytes).toBe(900);
    expect(await reasonOf(all.fetch(`${server.url}/2`))).toBe("too_large");
    const two = documents(loopback(limited({ requestDocuments: 2 })));
    await Promise.all([two.fetch(`${server.url}/1`), two.fetch(`${server.url}/2`)]);
    expect(await reasonOf(two.fetch(`${server.url}/3`))).toBe("too_many");
  });

  test("compressed ones are refused: they were not asked for so", async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    for (const type of ["image/png", "text/plain"]) {
      const server = serve(() => document(bomb, type, { "content-encoding": "gzip" }));
      expect(await reasonOf(fetchOne(server.url))).toBe("encoded");
      const silent = serve(() => document(bomb, type));
      expect(await reasonOf(fetchOne(silent.url))).toBe("wrong_type");
    }
  });

  test.each([
    ["its name takes too long", { resolve: () => new Promise<string[]>(() => {}) }],
    ["its answer takes too long", {}],
  ])("when %s", async (_, rules) => {
    const wire = wireOf(() => {});
    const outcome = fetchOne(wire.url.replace("127.0.0.1", "x.test"), {
      ...rules,
      ...limited({ totalMs: 50 }),
    });
    expect(await reasonOf(outcome)).toBe("too_slow");
  });

  test("when its connection takes too long", async () => {
    // Accepts, and never shakes hands.
    const mute = wireOf(() => {});
    const secure = mute.url.replace("http:", "https:");
    expect(await reasonOf(fetchOne(secure, limited({ connectMs: 50 })))).toBe("too_slow");
    await until(() => mute.closed === mute.connections);
  });

  test("when it drips, and when redirects do", async () => {
    let ended = 0;
    const drip = serve(
      (path) =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              await Bun.sleep(10);
              controller.enqueue(png.subarray(0, 1));
            },
            cancel: () => void ended++,
          }),
          path === "/" ? {} : { status: 302, headers: { location: "/" } },
        ),
    );
    const from = performance.now();
    for (const path of ["/", "/moved"])
      expect(await reasonOf(fetchOne(drip.url + path, limited({ totalMs: 100 })))).toBe("too_slow");
    expect(performance.now() - from).toBeLessThan(1000);
    await until(() => ended >= 2);
  });

  test("when all of a request take too long together", async () => {
    const server = serve(async () => {
      await Bun.sleep(150);
      return document(png, "image/png");
    });
    const all = documents(loopback(limited({ requestMs: 400 })));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, at) => all.fetch(`${server.url}/${at}`)),
    );
    expect(outcomes[0]?.status).toBe("fulfilled");
    expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { reason: "too_slow" } });
    expect(server.asked.length).toBeLessThan(30);
  });

  test("where its server breaks off, or speaks something else", async () => {
    for (const said of [
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
      "SSH-2.0-x\r\n\r\n",
      "",
    ]) {
      const wire = wireOf((socket) => {
        socket.write(said);
        socket.end();
      });
      expect(await reasonOf(fetchOne(wire.url))).toBe("unreachable");
    }
    const gone = startWire(() => {});
    gone.stop();
    expect(await reasonOf(fetchOne(gone.url))).toBe("unreachable");
  });
});

describe("fetching ends at once", () => {
  test("when the request's signal ends, wherever it stands", async () => {
    const reason = new Error("The client left");
    const half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    for (const said of ["", half]) {
      const wire = wireOf((socket) => void socket.write(said));
      const leave = new AbortController();
      const outcome = documents(loopback(), leave.signal)
        .fetch(wire.url)
        .catch((cause: unknown) => cause);
      await until(() => wire.requests.length === 1);
      leave.abort(reason);
      expect(await outcome).toBe(reason);
      await until(() => wire.closed === 1);
    }
    const over = AbortSignal.abort(reason);
    const never = documents(loopback(), over).fetch("http://x.test/");
    expect(await never.catch((cause: unknown) => cause)).toBe(reason);
  });

  test("when the request is over without it", async () => {
    const wire = wireOf(() => {});
    const all = documents(loopback());
    const outcomes = Promise.allSettled(
      Array.from({ length: 9 }, (_, at) => all.fetch(`${wire.url}/${at}`)),
    );
    await until(() => wire.requests.length === 6);
    all.abandon();
    expect((await outcomes).map(({ status }) => status)).toEqual(Array(9).fill("rejected"));
    await until(() => wire.closed === 6);
    expect(wire.connections).toBe(6);
  });
});

const root = join(import.meta.dir, "../..");
const tls = join(root, "test/fixtures/tls");

/** What a process of this environment gets from an address. */
async function ask(url: string, env: Record<string, string>, ...rest: string[]): Promise<string> {
  const script = join(root, "test/provider/remote-client.ts");
  const child = Bun.spawn([process.execPath, script, url, ...rest], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).trim();
}

describe("over TLS", () => {
  const trusting = { NODE_EXTRA_CA_CERTS: join(tls, "authority.pem") };

  function secureServer(name: string, script: () => Response) {
    let asked = 0;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { key: Bun.file(join(tls, `${name}.key`)), cert: Bun.file(join(tls, `${name}.pem`)) },
      fetch() {
        asked++;
        return script();
      },
    });
    stops.push(() => server.stop(true));
    return { port: server.port, asked: () => asked };
  }

  test("the certificate must name the host, while the connection goes to the checked address", async () => {
    const picture = () => document(png, "image/png");
    const other = secureServer("other.test", picture);
    const got = `image/png ${png.length}`;
    // No name server knows this name.
    expect(await ask(`https://other.test:${other.port}/`, trusting)).toBe(got);
    expect(await ask(`https://other.test.:${other.port}/`, trusting)).toBe(got);
    expect(other.asked()).toBe(2);
    const wrong = "RemoteDocumentError: Cannot fetch a document: unreachable";
    for (const host of ["localhost", "127.0.0.1", "x.other.test"])
      expect(await ask(`https://${host}:${other.port}/`, trusting)).toBe(
        `${wrong} ERR_TLS_CERT_ALTNAME_INVALID`,
      );
    expect(await ask(`https://other.test:${other.port}/`, {})).toStartWith(`${wrong} UNABLE_TO`);
    expect(other.asked()).toBe(2);
  });

  test("a final dot of the host is not told to the server", async () => {
    const hello = Promise.withResolvers<string>();
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, bytes) {
          hello.resolve(bytes.toString("latin1"));
          socket.end();
        },
      },
    });
    stops.push(() => server.stop(true));
    expect(await reasonOf(fetchOne(`https://other.test.:${server.port}/`))).toBe("unreachable");
    expect(await hello.promise).toContain("other.test");
    expect(await hello.promise).not.toContain("other.test.");
  });

  test("no redirect leads out of it", async () => {
    const plain = serve(() => document(png, "image/png"));
    const secure = secureServer("other.test", () => Response.redirect(plain.url));
    expect(await ask(`https://other.test:${secure.port}/`, trusting)).toBe(
      "RemoteDocumentError: Cannot fetch a document: redirected",
    );
    expect([secure.asked(), plain.asked.length]).toEqual([1, 0]);
  });

  test("and without it, nothing is fetched past a proxy that the environment wants", async () => {
    const plain = serve(() => document(png, "image/png"));
    const env = { HTTP_PROXY: "http://127.0.0.1:9" };
    expect(await ask(plain.url, env, "environment")).toBe(
      "RemoteDocumentError: Cannot fetch a document: no_direct_way",
    );
    expect(plain.asked).toEqual([]);
  });
});
