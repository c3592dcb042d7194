/**
 * The least that keeps a row of every answer before it leaves: the gateway's own connections and its own database, and
 * nothing decided, read, priced or estimated.
 * `bun test/bench/kept-pipe.ts PORT UPSTREAM_PORT FOLDER`
 */
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { Pool } from "#src/provider/pool.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Statement } from "#src/store/store.ts";

const port = Number(process.argv[2]);
const upstreamPort = Number(process.argv[3]);
const store = await openStore({ url: `file:${join(process.argv[4] ?? ".", "kept-pipe.db")}` });
await migrate(store, systemClock);

const insertRow = `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
VALUES (?, 'acc_bench', ?, 'bench', ?, ?, ?)`;
/** As long as the record of a plain request. */
const record = JSON.stringify(["x".repeat(1100)]);
const hash = "0".repeat(64);

let waiting: (() => void)[] = [];
let sequence = 0;

/** Resolves when a row is committed, with those of the same turn. */
function kept(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(commit);
  });
}

function commit(): void {
  const group = waiting;
  waiting = [];
  const statements: Statement[] = group.map(() => {
    sequence++;
    const id = `gen_${String(sequence).padStart(26, "0")}`;
    return { sql: insertRow, args: [id, record, sequence, hash, hash] };
  });
  void store.write(statements);
  for (const resolve of group) resolve();
}

const pool = new Pool({ secure: false, host: "127.0.0.1", port: upstreamPort });

Bun.serve({
  port,
  hostname: "127.0.0.1",
  idleTimeout: 255,
  async fetch(request) {
    const body = Buffer.from(await request.arrayBuffer());
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${upstreamPort}\r\ncontent-type: application/json\r\nauthorization: Bearer x\r\ncontent-length: ${body.length}\r\n\r\n`;
    const exchange = pool.send(head, { method: "POST", headers: {}, body, connectMs: 0 });
    const { status } = await exchange.head;
    const answer = await exchange.bytes();
    await kept();
    return new Response(Buffer.from(answer), {
      status,
      headers: { "content-type": "application/json" },
    });
  },
});
