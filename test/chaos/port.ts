const [least, most] = [10_000, 32_000];

/**
 * A port to listen on that no connection takes meanwhile: systems give those above 32,767 to connections, and a gateway that
 * starts while others break makes many.
 */
export function quietPort(): number {
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
