import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { at, refusal, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/** Hosts behind which nobody but the operator has any business, in the ways that they can be written. */
const hosts = [
  "127.0.0.1",
  "127.0.0.1.",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0177.0.0.1",
  "017700000001",
  "①②⑦.0.0.1",
  "127。0。0。1",
  "0",
  "0.0.0.0",
  "localhost",
  "LocalHost.",
  "[::1]",
  "[::]",
  "[0:0:0:0:0:0:0:1]",
  "[::127.0.0.1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::7f00:1]",
  "[2002:7f00:1::]",
  "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[fc00::1]",
  "[fe80::1]",
  "[fec0::1]",
  "[ff02::1]",
  // Metadata of machines in clouds.
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "0xa9.254.0xa9.254",
  "0251.0376.0251.0376",
  "169.254.43518",
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "169.254.170.2",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "metadata.google.internal",
  "no-such-host.invalid",
];

/** Ways to lead another way than an address seems to. */
const forms = [
  "file:///etc/passwd",
  "ftp://8.8.8.8/a",
  "gopher://8.8.8.8/_x",
  "jar:https://8.8.8.8!/a",
  "unix:/run/docker.sock",
  "https://8.8.8.8@127.0.0.1/",
  "https://user:word@8.8.8.8/",
  "https://127.0.0.1#@8.8.8.8/",
  "https://127.0.0.1\t/",
  "https://8.8.8.8:22/",
  "https://8.8.8.8:6379/",
  "https://8.8.8.8:99999/",
  "https:///",
  "//127.0.0.1/",
];

const hostile = [...hosts.map((host) => `https://${host}/latest/meta-data`), ...forms];

let gateway: TestGateway;
let upstream: ScriptedUpstream;
/** A webhook and a provider key, both fine, that are there to be changed. */
let hook: string;
let key: string;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.providers.azure = { base_urls: { "us-east": upstream.url } };
    },
  });
  const made = await gateway.manage("/api/v1/webhooks", {
    body: { name: "fine", url: "https://1.1.1.1/hook", event_types: ["credits.low"] },
  });
  hook = String(at(made.json, "endpoint.id"));
  const kept = await gateway.manage("/api/v1/byok", {
    body: { provider: "openai", key: "sk-of-an-account" },
  });
  key = String(at(kept.json, "data.id"));
  expect([made.status, kept.status]).toEqual([201, 201]);
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const gemini = "google/gemini-2.5-flash";
const gpt = "openai/gpt-4o-mini";
const user = (part: object) => [{ role: "user", content: [part] }];
const ask = (path: string, body: object) => gateway.ask(path, { body });
const manage = (path: string, body: object, method = "POST") =>
  gateway.manage(path, { body, method });

type Door = [string, (url: string) => Promise<Reply>];

/** Every member by which a client has a document fetched, in each dialect. */
const documents: Door[] = [
  [
    "a picture in chat",
    (url) =>
      ask("/v1/chat/completions", {
        model: gemini,
        messages: user({ type: "image_url", image_url: { url } }),
      }),
  ],
  [
    "a file in chat, on the byte path",
    (url) =>
      ask("/v1/chat/completions", {
        model: gpt,
        messages: user({ type: "file", file: { file_data: url } }),
      }),
  ],
  [
    "a picture in messages",
    (url) =>
      ask("/v1/messages", {
        model: gemini,
        max_tokens: 9,
        messages: user({ type: "image", source: { type: "url", url } }),
      }),
  ],
  [
    "a document in messages",
    (url) =>
      ask("/v1/messages", {
        model: gemini,
        max_tokens: 9,
        messages: user({ type: "document", source: { type: "url", url } }),
      }),
  ],
  [
    "a picture in responses",
    (url) =>
      ask("/v1/responses", {
        model: gemini,
        input: user({ type: "input_image", image_url: url }),
      }),
  ],
  [
    "a file in responses",
    (url) =>
      ask("/v1/responses", { model: gemini, input: user({ type: "input_file", file_url: url }) }),
  ],
  [
    "a file in Gemini's calls, for a wire that takes no addresses of files",
    (url) =>
      ask(`/v1beta/models/${gpt}:generateContent`, {
        contents: [
          { role: "user", parts: [{ fileData: { fileUri: url, mimeType: "application/pdf" } }] },
        ],
      }),
  ],
];

/** Every member in which an account keeps an address that is asked later. */
const kept: Door[] = [
  [
    "a webhook",
    (url) => manage("/api/v1/webhooks", { name: "bad", url, event_types: ["credits.low"] }),
  ],
  ["a changed webhook", (url) => manage(`/api/v1/webhooks/${hook}`, { url }, "PATCH")],
  [
    "the address of an own provider key",
    (url) => manage("/api/v1/byok", { provider: "openai", key: "sk-own", base_url: url }),
  ],
  ["that of a changed one", (url) => manage(`/api/v1/byok/${key}`, { base_url: url }, "PATCH")],
  [
    "the endpoint in an Azure key",
    (url) =>
      manage("/api/v1/byok", {
        provider: "azure",
        key: { api_key: "sk-own", endpoint: url, deployment: "gpt-4o-mini" },
      }),
  ],
];

/** The words for an address that was not asked, in any dialect. */
const unasked = /it is (no http or https address|not on the public internet)/;

describe("no address that leads inside is asked, however it is written", () => {
  test.each(documents)("for %s", async (_, door) => {
    const wrong: unknown[] = [];
    for (const url of hostile) {
      const { status, text } = await door(url);
      const isOurs = url.startsWith("https:");
      // What is no address of the web goes on as it is: the provider refuses it, or means something of its own by it.
      if (!isOurs && status === 200) continue;
      if (status !== 400 || (isOurs && !unasked.test(text))) wrong.push([url, status, text]);
    }
    expect(wrong).toEqual([]);
  });

  test.each(kept)("as %s", async (_, door) => {
    const taken: unknown[] = [];
    for (const url of hostile) {
      const reply = await door(url);
      const [status, code] = refusal(reply);
      if (status !== 400 || code !== "invalid_value") taken.push([url, status, reply.text]);
    }
    expect(taken).toEqual([]);
  });

  test("and the same doors are open to the public internet", async () => {
    for (const [what, door] of kept) {
      const { status } = await door("https://1.1.1.1/v1");
      expect([what, status < 300]).toEqual([what, true]);
    }
  });
});

test("nothing else leaves to where a client says: its headers, its path and its host change no address", async () => {
  const inside = "127.0.0.1:9";
  const before = gateway.reached();
  const reply = await gateway.chat(
    {
      model: gemini,
      base_url: `http://${inside}`,
      api_base: `http://${inside}`,
      callback_url: `http://${inside}`,
      user: `http://${inside}`,
      metadata: { webhook: `http://${inside}` },
    },
    {
      host: inside,
      "x-forwarded-host": inside,
      forwarded: `host=${inside}`,
      "x-original-url": `http://${inside}/`,
      "x-portkey-custom-host": `http://${inside}`,
      "x-base-url": `http://${inside}`,
      "http-referer": `http://${inside}/`,
      origin: `http://${inside}`,
      traceparent: `http://${inside}`,
    },
  );
  expect([reply.status, gateway.reached()]).toEqual([200, before + 1]);
});

/** Where connections are opened, and who says where to. Another one has to be judged, and written down here. */
const leaving: Record<string, string> = {
  "cli/doctor-address.ts": "the operator: the address that this gateway listens on",
  "payment/checkout.ts": "the operator: stripe.api_base",
  "provider/aws-web-identity.ts": "the operator: AWS_ENDPOINT_URL_STS, or AWS",
  "provider/connection.ts": "whoever calls open(): the two below",
  "provider/fetch-exchange.ts": "the operator; what an account chose is refused before it",
  "provider/google-token.ts": "the operator; an account's has to be Google",
  "provider/live-grid.ts": "the operator, or the source itself",
  "provider/post-json.ts": "the operator: the collector of OpenTelemetry",
  "mail/transport.ts": "the operator: mail.url",
  "store/line.ts": "the operator: database.url",
};
const openers: Record<string, string> = {
  "provider/pool.ts": "guarded where an account chose the address",
  "provider/remote-connection.ts": "always guarded: documents and webhooks",
};

test("every place that opens a connection is known, with who says where to", async () => {
  const src = join(import.meta.dir, "../../src");
  const [opens, calls] = [new Set<string>(), new Set<string>()];
  const following: string[] = [];
  for await (const file of new Glob("**/*.{ts,tsx}").scan(src)) {
    const text = await Bun.file(join(src, file)).text();
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
    const opening =
      /(?<![.\w#])fetch\((?!\w+: )|\bBun\.(connect|udpSocket)\(|\bcreateTransport\(|new (WebSocket|EventSource)\b|from "(node:)?(https?|http2|net|tls|dgram|undici)"/g;
    const found = [...code.matchAll(opening)].filter(
      ([whole]) => whole !== 'from "node:net"' || !/import \{ isIP \} from "node:net"/.test(code),
    );
    if (found.length > 0) opens.add(file);
    const fetches = found.filter(([whole]) => whole.startsWith("fetch")).length;
    const staying = code.match(/\bredirect: "(manual|error)"/g)?.length ?? 0;
    if (staying < fetches) following.push(file);
    if (code.includes("Connection.open(")) calls.add(file);
  }
  expect([...opens].toSorted()).toEqual(Object.keys(leaving).toSorted());
  expect([...calls].toSorted()).toEqual(Object.keys(openers).toSorted());
  // Where a redirect leads, nobody has judged: fetch() is told not to go there.
  expect(following).toEqual([]);
});
