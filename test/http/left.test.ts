import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Harness, startHarness } from "#test/gateway/harness.ts";

let gateway: Harness;
beforeAll(async () => {
  gateway = await startHarness();
});
afterAll(async () => {
  await gateway.close();
});

test.each([
  ["/v1/chat/completions", 100],
  ["/v1/chat/completions", 400_000],
  ["/v1/messages", 400_000],
  ["/v1/embeddings", 400_000],
  ["/openai/v1/chat/completions", 400_000],
  ["/api/v1/keys", 100],
])("a client that leaves amid its body, at %s, is no fault of ours", async (path, bytes) => {
  const left = () => gateway.logged().split(`"event":"client_left","path":"${path}"`).length;
  const before = left();
  const key = path.startsWith("/api") ? gateway.managementKey : gateway.key;
  const { hostname, port } = new URL(gateway.url);
  const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`,
  );
  socket.end();
  await gateway.until(() => left() > before);
  expect(gateway.logged()).not.toContain('"level":"error"');
});
