/** Above those that browsers refuse, and below 32,768, where those begin that systems give to connections. */
const [least, most] = [11_000, 32_000];

/** A port to listen on that no connection takes meanwhile: a gateway that starts while others break makes many. */
export function freePort(): number {
  for (;;) {
    const port = Math.floor(least + Math.random() * (most - least));
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody listens there: try another.
    }
  }
}
