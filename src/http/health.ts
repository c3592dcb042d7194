import { Elysia } from "elysia";
import { json } from "#src/http/respond.ts";

/** What readiness depends on. */
export interface Readiness {
  /** False once shutting down. */
  accepting(): boolean;
  databaseAnswers(): Promise<boolean>;
  anyProvider(): boolean;
}

/** Liveness of the process, and readiness to take traffic. */
export function healthRoutes(readiness: Readiness) {
  const ready = async (): Promise<Response> => {
    const checks = {
      accepting: readiness.accepting(),
      // One that says why it does not answer does not answer either.
      database: await readiness.databaseAnswers().catch(() => false),
      provider: readiness.anyProvider(),
    };
    const ok = checks.accepting && checks.database && checks.provider;
    return json({ status: ok ? "ok" : "unavailable", checks }, { status: ok ? 200 : 503 });
  };
  return new Elysia({ name: "health" })
    .get("/healthz", () => json({ status: "ok" }))
    .get("/readyz", () => ready());
}
