import { expect, test } from "bun:test";
import { BrokenAnswer } from "#src/provider/exchange.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { FetchExchange } from "#src/provider/fetch-exchange.ts";

const get = { method: "GET", headers: {}, body: undefined, connectMs: 0 };

test("an answer longer than the bound is given up, and its upstream told", async () => {
  const left = Promise.withResolvers<void>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1000)),
          cancel: () => left.resolve(),
        }),
      ),
  });
  try {
    const exchange = new FetchExchange(server.url.href, get, 10_000);
    const thrown: unknown = await exchange.bytes().catch((cause: unknown) => cause);
    expect(thrown).toBeInstanceOf(BrokenAnswer);
    expect(thrown).toMatchObject({ message: "The answer is longer than 10000 bytes" });
    await left.promise;
  } finally {
    await server.stop(true);
  }
});

test("raw pieces arrive as their bytes", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => new Response(await request.arrayBuffer()),
  });
  try {
    const body = new RawPieces(["{\u00c3", "\u00a9}"]);
    const exchange = new FetchExchange(server.url.href, { ...get, method: "POST", body });
    expect(Buffer.from(await exchange.bytes()).toString()).toBe("{é}");
  } finally {
    await server.stop(true);
  }
});

test("an answer within the bound is whole", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("x".repeat(10_000)),
  });
  try {
    expect((await new FetchExchange(server.url.href, get, 10_000).bytes()).length).toBe(10_000);
  } finally {
    await server.stop(true);
  }
});
