import { Elysia } from "elysia";
import { json } from "#src/http/respond.ts";

/** What readiness depends on. */
export interface Readiness {
  /** False once shutting down. */
  accepting(): boolean;
  databaseAnswers(): Promise<boolean>;
  anyProvider(): boolean;
  /** Whether what ends can be kept here until a database elsewhere has it; absent where it is a file. */
  spoolHasRoom?: (() => boolean) | undefined;
}

/** When to look again at what is not ready: what it lacks may be back at any time. */
const againSeconds = "5";

/** Liveness of the process, and readiness to take traffic. */
export function healthRoutes(readiness: Readiness) {
  const ready = async (): Promise<Response> => {
    const checks = {
      accepting: readiness.accepting(),
      // One that says why it does not answer does not answer either.
      database: await readiness.databaseAnswers().catch(() => false),
      provider: readiness.anyProvider(),
      // A database may be there to be read and take no rows.
      ...(readiness.spoolHasRoom === undefined ? {} : { spool: readiness.spoolHasRoom() }),
    };
    const ok = Object.values(checks).every(Boolean);
    if (ok) return json({ status: "ok", checks });
    const headers = { "retry-after": againSeconds };
    return json({ status: "unavailable", checks }, { status: 503, headers });
  };
  return new Elysia({ name: "health" })
    .get("/healthz", () => json({ status: "ok" }))
    .get("/readyz", () => ready());
}
