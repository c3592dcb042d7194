/**
 * The floor: the least a gateway on this runtime can do, a process of its own.
 * `bun test/bench/pipe.ts PORT UPSTREAM_PORT`
 */
const upstream = `http://127.0.0.1:${process.argv[3]}`;

Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  idleTimeout: 255,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const answer = await fetch(upstream + pathname, {
      method: request.method,
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: request.method === "POST" ? await request.arrayBuffer() : null,
      signal: request.signal,
    });
    const type = answer.headers.get("content-type") ?? "application/json";
    return new Response(answer.body, {
      status: answer.status,
      headers: { "content-type": type },
    });
  },
});
