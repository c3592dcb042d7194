import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { freePort } from "#test/lib/port.ts";
import { until } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * A second engine: the server of the package "turso", which is no SQLite but another implementation of it. Of Hrana it speaks
 * `execute` and `batch` alone, without batons; what the official client sends besides is answered here, on a socket before it.
 */

/** A listening server. */
export interface TursoServer {
  url: string;
  /** What it said of what went wrong. */
  log(): string;
  stop(): Promise<void>;
}

const statementSchema = v.looseObject({
  sql: v.nullish(v.string()),
  sql_id: v.nullish(v.number()),
});
const stepSchema = v.looseObject({ stmt: statementSchema });
const requestSchema = v.variant("type", [
  v.looseObject({ type: v.literal("execute"), stmt: statementSchema }),
  v.looseObject({
    type: v.literal("batch"),
    batch: v.looseObject({ steps: v.array(stepSchema) }),
  }),
  v.object({ type: v.literal("store_sql"), sql_id: v.number(), sql: v.string() }),
  v.object({ type: v.literal("close_sql"), sql_id: v.number() }),
  v.object({ type: v.literal("close") }),
]);
const pipelineSchema = v.object({
  baton: v.nullish(v.string()),
  requests: v.array(requestSchema),
});
const answerSchema = v.object({ results: v.array(v.unknown()) });
type Statement = v.InferOutput<typeof statementSchema>;

/** The program, where its package has one for this system. */
export function tursoProgram(): string | undefined {
  const libc = process.platform === "linux" ? "-gnu" : "";
  const folder = join(
    import.meta.dir,
    "../../node_modules/@tursodatabase",
    `cli-${process.platform}-${process.arch}${libc}`,
  );
  const program = join(folder, "tursodb");
  return existsSync(program) ? program : undefined;
}

/**
 * Starts it on a file that `prepare` makes, or on an empty one. The file is SQLite's: what the engine cannot do to a schema
 * is done before it.
 */
export async function startTurso(
  program: string,
  prepare?: (path: string) => Promise<void>,
): Promise<TursoServer> {
  const folder = temporaryFolder();
  const path = join(folder.path, "turso.db");
  await prepare?.(path);
  const address = `127.0.0.1:${freePort()}`;
  const child = Bun.spawn([program, "--sync-server", address, path], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { PATH: process.env.PATH ?? "" },
  });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) text += decoder.decode(chunk, { stream: true });
  })();
  await until("it listens", async () => {
    if (child.exitCode !== null) throw new Error(`Cannot start: ${text}`);
    return fetch(`http://${address}/`).then(
      () => true,
      () => false,
    );
  });
  const adapter = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: (request) => adapt(request, `http://${address}/v2/pipeline`),
    error: (thrown) => Response.json({ message: String(thrown) }, { status: 400 }),
  });
  return {
    url: `http://127.0.0.1:${adapter.port}`,
    log: () => text,
    async stop() {
      await adapter.stop(true);
      child.kill("SIGKILL");
      await child.exited;
      await reading;
      folder[Symbol.dispose]();
    },
  };
}

async function adapt(request: Request, to: string): Promise<Response> {
  if (!new URL(request.url).pathname.startsWith("/v2")) return new Response("", { status: 404 });
  if (request.method === "GET") return new Response("ok");
  const { baton, requests } = v.parse(pipelineSchema, await request.json());
  const isClosed = requests.some(({ type }) => type === "close");
  if (baton || !isClosed)
    return Response.json({ message: "Only pipelines that close are served" }, { status: 400 });
  const texts = new Map<number, string>();
  const whole = ({ sql, sql_id: id, ...rest }: Statement) => ({
    ...rest,
    sql: sql ?? texts.get(id ?? Number.NaN),
  });
  const sent: object[] = [];
  for (const one of requests) {
    if (one.type === "store_sql") texts.set(one.sql_id, one.sql);
    if (one.type === "execute") sent.push({ ...one, stmt: whole(one.stmt) });
    if (one.type === "batch") {
      const steps = one.batch.steps.map((step) => ({ ...step, stmt: whole(step.stmt) }));
      sent.push({ ...one, batch: { ...one.batch, steps } });
    }
  }
  const response = await fetch(to, {
    method: "POST",
    body: JSON.stringify({ baton: null, requests: sent }),
  });
  if (!response.ok)
    return Response.json({ message: await response.text() }, { status: response.status });
  const answers = v.parse(answerSchema, await response.json()).results;
  const results = requests.map(({ type }) =>
    type === "execute" || type === "batch" ? answers.shift() : { type: "ok", response: { type } },
  );
  return Response.json({ baton: null, base_url: null, results });
}
