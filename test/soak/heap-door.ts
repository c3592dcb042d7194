/*
 * Loaded before the program: a socket of its own that tells, when asked, what its heap holds after a full collection. Only
 * for measuring; the product has no such door.
 */
import { heapStats } from "bun:jsc";

const unix = process.env["SOAK_HEAP"];
if (unix !== undefined)
  Bun.serve({
    unix,
    fetch() {
      Bun.gc(true);
      const { heapSize, objectCount, objectTypeCounts } = heapStats();
      return Response.json({ heapSize, objectCount, objectTypeCounts });
    },
    // What is measured ends when it wants to.
  }).unref();
