import Database from "libsql";
import * as v from "valibot";

/*
 * A database server that speaks Hrana over HTTP, versions 2 and 3, in JSON, on a file of the same engine that the gateway
 * embeds: what a remote database is to a client. Protocol: github.com/tursodatabase/libsql, docs/HRANA_3_SPEC.md. One
 * stream is one connection; while it is within a transaction, all others wait, as they would for the lock.
 */

/** A listening server. */
export interface HranaServer {
  /** Its address, as a store's configuration takes it: `http://127.0.0.1:port`. */
  url: string;
  /** HTTP requests so far. */
  requests(): number;
  /** Streams that are open: connections that nobody closed. */
  streams(): number;
  /** What happens before each request from now on; whoever throws answers 503. Undefined: nothing. */
  before(hook: (() => void | Promise<void>) | undefined): void;
  stop(): Promise<void>;
}

export interface HranaOptions {
  /** The database file; made when it is missing. */
  path: string;
  /** 2 has pipelines alone, 3 has cursors besides. */
  version?: 2 | 3;
  /** Where it listens; loopback unless given. */
  hostname?: string;
  /** What clients have to send as `Authorization: Bearer`. */
  authToken?: string;
}

const valueSchema = v.variant("type", [
  v.object({ type: v.literal("null") }),
  v.object({ type: v.literal("integer"), value: v.string() }),
  v.object({ type: v.literal("float"), value: v.number() }),
  v.object({ type: v.literal("text"), value: v.string() }),
  v.object({ type: v.literal("blob"), base64: v.string() }),
]);
const statementSchema = v.object({
  sql: v.nullish(v.string()),
  sql_id: v.nullish(v.number()),
  args: v.nullish(v.array(valueSchema), []),
  named_args: v.nullish(v.array(v.object({ name: v.string(), value: valueSchema })), []),
  want_rows: v.nullish(v.boolean(), true),
});
type Condition =
  | { type: "ok" | "error"; step: number }
  | { type: "not"; cond: Condition }
  | { type: "and" | "or"; conds: Condition[] }
  | { type: "is_autocommit" };
const conditionSchema: v.GenericSchema<unknown, Condition> = v.lazy(() =>
  v.variant("type", [
    v.object({ type: v.picklist(["ok", "error"]), step: v.number() }),
    v.object({ type: v.literal("not"), cond: conditionSchema }),
    v.object({ type: v.picklist(["and", "or"]), conds: v.array(conditionSchema) }),
    v.object({ type: v.literal("is_autocommit") }),
  ]),
);
const batchSchema = v.object({
  steps: v.array(v.object({ condition: v.nullish(conditionSchema), stmt: statementSchema })),
});
const sqlSchema = { sql: v.nullish(v.string()), sql_id: v.nullish(v.number()) };
const requestSchema = v.variant("type", [
  v.object({ type: v.literal("execute"), stmt: statementSchema }),
  v.object({ type: v.literal("batch"), batch: batchSchema }),
  v.object({ type: v.literal("sequence"), ...sqlSchema }),
  v.object({ type: v.literal("describe"), ...sqlSchema }),
  v.object({ type: v.literal("store_sql"), sql_id: v.number(), sql: v.string() }),
  v.object({ type: v.literal("close_sql"), sql_id: v.number() }),
  v.object({ type: v.literal("get_autocommit") }),
  v.object({ type: v.literal("close") }),
]);
const pipelineSchema = v.object({
  baton: v.nullish(v.string()),
  requests: v.array(requestSchema),
});
const cursorSchema = v.object({ baton: v.nullish(v.string()), batch: batchSchema });

type Value = v.InferOutput<typeof valueSchema>;
type Statement = v.InferOutput<typeof statementSchema>;
type Batch = v.InferOutput<typeof batchSchema>;
type Request_ = v.InferOutput<typeof requestSchema>;

interface Result {
  cols: { name: string; decltype: string | null }[];
  rows: Value[][];
  affected_row_count: number;
  last_insert_rowid: string | null;
}
interface Failure {
  message: string;
  code: string | null;
}

/** Starts one on a loopback socket. */
export function startHrana(options: HranaOptions): HranaServer {
  const { path, version = 3, authToken, hostname = "127.0.0.1" } = options;
  let requests = 0;
  let hook: (() => void | Promise<void>) | undefined;
  const streams = new Map<string, Stream>();
  const turns = new Turns();
  let batons = 0;

  async function answer(request: Request): Promise<Response> {
    requests++;
    try {
      await hook?.();
    } catch {
      return Response.json({ message: "The server is not available" }, { status: 503 });
    }
    if (authToken !== undefined && request.headers.get("authorization") !== `Bearer ${authToken}`)
      return Response.json({ message: "Unauthorized" }, { status: 401 });
    const { pathname } = new URL(request.url);
    const isThree = pathname.startsWith("/v3") && !pathname.startsWith("/v3-");
    if (!pathname.startsWith("/v2") && !(isThree && version === 3))
      return new Response("Not found", { status: 404 });
    if (request.method === "GET") return new Response("ok");
    const body: unknown = await request.json();
    if (pathname.endsWith("/pipeline")) return pipeline(v.parse(pipelineSchema, body));
    if (pathname.endsWith("/cursor")) return cursor(v.parse(cursorSchema, body));
    return new Response("Not found", { status: 404 });
  }

  function streamOf(baton: string | null | undefined): Stream | undefined {
    if (!baton) return new Stream(path);
    const stream = streams.get(baton);
    // Each answer has a baton of its own, and takes back the one before.
    streams.delete(baton);
    return stream;
  }

  function batonOf(stream: Stream): string | null {
    if (!stream.isOpen) return null;
    const baton = `baton-${++batons}`;
    streams.set(baton, stream);
    return baton;
  }

  async function pipeline(body: v.InferOutput<typeof pipelineSchema>): Promise<Response> {
    const stream = streamOf(body.baton);
    if (stream === undefined) return unknownBaton();
    const results = await turns.take(stream, () => body.requests.map((one) => stream.do(one)));
    return Response.json({ baton: batonOf(stream), base_url: null, results });
  }

  async function cursor(body: v.InferOutput<typeof cursorSchema>): Promise<Response> {
    const stream = streamOf(body.baton);
    if (stream === undefined) return unknownBaton();
    const entries = await turns.take(stream, () => stream.entries(body.batch));
    const lines = [{ baton: batonOf(stream), base_url: null }, ...entries];
    return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  const server = Bun.serve({
    hostname,
    port: 0,
    idleTimeout: 0,
    fetch: answer,
    error: (thrown) => Response.json({ message: String(thrown) }, { status: 400 }),
  });
  return {
    url: `http://${hostname}:${server.port}`,
    requests: () => requests,
    streams: () => streams.size,
    before: (given) => void (hook = given),
    async stop() {
      await server.stop(true);
      for (const stream of streams.values()) stream.close();
    },
  };
}

function unknownBaton(): Response {
  return Response.json({ message: "The stream is not known, or has expired" }, { status: 400 });
}

/** Whose transaction it is: the engine works on this thread, so that waiting for a lock would wait for ever. */
class Turns {
  #holder: Stream | undefined;
  #waiting: (() => void)[] = [];

  async take<T>(stream: Stream, work: () => T): Promise<T> {
    while (this.#holder !== undefined && this.#holder !== stream)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return work();
    } finally {
      this.#holder = stream.isOpen && stream.isWithin ? stream : undefined;
      if (this.#holder === undefined) {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const go of waiting) go();
      }
    }
  }
}

/** One client's connection. */
class Stream {
  readonly #database: Database.Database;
  readonly #texts = new Map<number, string>();
  isOpen = true;

  constructor(path: string) {
    this.#database = new Database(path, { timeout: 1000 });
  }

  /** Within a transaction. */
  get isWithin(): boolean {
    return this.#database.inTransaction;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.isWithin) this.#database.exec("ROLLBACK");
    this.#database.close();
  }

  do(request: Request_): object {
    try {
      return { type: "ok", response: { type: request.type, ...this.#respond(request) } };
    } catch (thrown) {
      return { type: "error", error: failureOf(thrown) };
    }
  }

  /** A batch as a cursor tells it. */
  entries(batch: Batch): object[] {
    const told: object[] = [];
    this.#batch(batch, (step, result, error) => {
      if (error !== undefined) told.push({ type: "step_error", step, error });
      if (result === undefined) return;
      const { cols, rows, affected_row_count, last_insert_rowid } = result;
      told.push({ type: "step_begin", step, cols });
      for (const row of rows) told.push({ type: "row", row });
      told.push({ type: "step_end", affected_row_count, last_insert_rowid });
    });
    return told;
  }

  #respond(request: Request_): object {
    switch (request.type) {
      case "execute":
        return { result: this.#execute(request.stmt) };
      case "batch": {
        const results: (Result | null)[] = request.batch.steps.map(() => null);
        const errors: (Failure | null)[] = request.batch.steps.map(() => null);
        this.#batch(request.batch, (step, result, error) => {
          results[step] = result ?? null;
          errors[step] = error ?? null;
        });
        return { result: { step_results: results, step_errors: errors } };
      }
      case "sequence":
        this.#database.exec(this.#textOf(request));
        return {};
      case "describe":
        return { result: this.#describe(this.#textOf(request)) };
      case "store_sql":
        this.#texts.set(request.sql_id, request.sql);
        return {};
      case "close_sql":
        this.#texts.delete(request.sql_id);
        return {};
      case "get_autocommit":
        return { is_autocommit: !this.isWithin };
      case "close":
        this.close();
        return {};
    }
  }

  #batch(
    { steps }: Batch,
    tell: (step: number, result: Result | undefined, error?: Failure) => void,
  ): void {
    const done = new Map<number, "ok" | "error">();
    const holds = (condition: Condition): boolean => {
      switch (condition.type) {
        case "ok":
        case "error":
          return done.get(condition.step) === condition.type;
        case "not":
          return !holds(condition.cond);
        case "and":
          return condition.conds.every(holds);
        case "or":
          return condition.conds.some(holds);
        case "is_autocommit":
          return !this.isWithin;
      }
    };
    for (const [step, { condition, stmt }] of steps.entries()) {
      if (condition && !holds(condition)) continue;
      try {
        const result = this.#execute(stmt);
        done.set(step, "ok");
        tell(step, result);
      } catch (thrown) {
        done.set(step, "error");
        tell(step, undefined, failureOf(thrown));
      }
    }
  }

  #execute(statement: Statement): Result {
    const prepared = this.#database.prepare(this.#textOf(statement)).safeIntegers(true);
    const args = bound(statement);
    const before = this.#changes();
    const found: unknown = prepared.reader ? prepared.raw().all(args) : void prepared.run(args);
    const rows = Array.isArray(found) ? found.map(rowOf) : [];
    const [last] = this.#database.prepare("SELECT last_insert_rowid()").raw().all();
    return {
      cols: prepared.reader ? columnsOf(prepared) : [],
      rows: statement.want_rows === false ? [] : rows,
      affected_row_count: this.#changes() - before,
      last_insert_rowid: Array.isArray(last) ? String(last[0]) : null,
    };
  }

  #changes(): number {
    const [row] = this.#database.prepare("SELECT total_changes()").raw().all();
    return Array.isArray(row) ? Number(row[0]) : 0;
  }

  #describe(sql: string): object {
    const prepared = this.#database.prepare(sql);
    return {
      params: [...sql.matchAll(/\?\d*|[:@$]\w+/g)].map(([name]) => ({
        name: name === "?" ? null : name,
      })),
      cols: prepared.reader ? columnsOf(prepared) : [],
      is_explain: /^\s*explain/i.test(sql),
      is_readonly: prepared.reader && !/^\s*(insert|update|delete|replace)/i.test(sql),
    };
  }

  #textOf({ sql, sql_id: id }: Pick<Statement, "sql" | "sql_id">): string {
    const text = sql ?? this.#texts.get(id ?? Number.NaN);
    if (text === undefined) throw new Error("There is no text of a statement, and none is kept");
    return text;
  }
}

function columnsOf(prepared: Database.Statement): Result["cols"] {
  return prepared.columns().map(({ name, type }) => ({ name, decltype: type ?? null }));
}

function bound({ args, named_args: named }: Statement): unknown {
  if ((named ?? []).length === 0) return (args ?? []).map(plain);
  // With or without the sign that they are marked by.
  return Object.fromEntries(
    (named ?? []).map(({ name, value }) => [name.replace(/^[:@$]/, ""), plain(value)]),
  );
}

function plain(value: Value): string | number | bigint | Buffer | null {
  switch (value.type) {
    case "null":
      return null;
    case "integer":
      return BigInt(value.value);
    case "blob":
      return Buffer.from(value.base64, "base64");
    case "float":
    case "text":
      return value.value;
  }
}

function rowOf(row: unknown): Value[] {
  return Array.isArray(row) ? row.map(valueOf) : [];
}

function valueOf(told: unknown): Value {
  if (typeof told === "bigint") return { type: "integer", value: String(told) };
  if (typeof told === "number") return { type: "float", value: told };
  if (typeof told === "string") return { type: "text", value: told };
  if (told instanceof Uint8Array || told instanceof ArrayBuffer) {
    const bytes = told instanceof ArrayBuffer ? new Uint8Array(told) : told;
    return { type: "blob", base64: Buffer.from(bytes).toString("base64") };
  }
  return { type: "null" };
}

function failureOf(thrown: unknown): Failure {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return {
    message: `SQLite error: ${message}`,
    code: typeof code === "string" ? code : "SQLITE_ERROR",
  };
}
