/**
 * The least that can be called a gateway: one road, written for the one kind of request that is measured, over the
 * gateway's own connections and its own database. A key, an allowance, a route, a price, an estimate and a committed row
 * of every answer, with its place in a chain; nothing that any other request would need. What it reaches is what a gateway in
 * one process can reach at most. `bun test/bench/least.ts PORT UPSTREAM_PORT FOLDER`
 */
import { join } from "node:path";
import { rollupPlace, rollupSums } from "#src/ledger/rollup.ts";
import { systemClock } from "#src/lib/clock.ts";
import { Pool } from "#src/provider/pool.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Statement } from "#src/store/store.ts";

const port = Number(process.argv[2]);
const upstreamPort = Number(process.argv[3]);
const store = await openStore({ url: `file:${join(process.argv[4] ?? ".", "least.db")}` });
await migrate(store, systemClock);

const account = "acc_00000000000000000000000000";
const keyHash = "0".repeat(64);
const keys = new Map([["x", { account, hash: keyHash, name: "b" }]]);
const routes = new Map([
  [
    "openai/gpt-4o-mini",
    { model: "gpt-4o-mini", provider: "openai", region: "global", input: 150, output: 600 },
  ],
]);
/** Watt-hours a token of the answer, the bounds of that, and grams a kilowatt-hour. */
const whPerToken = 0.00657;
const whPerTokenLow = 0.00464;
const whPerTokenHigh = 0.0085;
const gPerKwh = 384.4;
let free = 1e15;

const insertRow = `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
VALUES (?, ?, ?, 'proc_least', ?, ?, ?)`;
const moveCredit = `INSERT INTO allowance (kind, owner, window_start, used) VALUES ('credit', ?, 0, ?)
ON CONFLICT DO UPDATE SET used = used + excluded.used`;
const addSums = `INSERT INTO rollup (${[...rollupPlace, ...rollupSums].join(", ")})
VALUES (${[...rollupPlace, ...rollupSums].map(() => "?").join(", ")})
ON CONFLICT DO UPDATE SET ${rollupSums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;
const moveHead = `INSERT INTO process (id, started_at, sequence, head) VALUES ('proc_least', 0, ?, ?)
ON CONFLICT DO UPDATE SET sequence = excluded.sequence, head = excluded.head`;

interface Row {
  id: string;
  record: string;
  input: number;
  output: number;
  cost: number;
  resolve: () => void;
}

let waiting: Row[] = [];
let sequence = 0;
let head = "0".repeat(64);

function commit(): void {
  const group = waiting;
  waiting = [];
  const statements: Statement[] = [];
  let [input, output, cost] = [0, 0, 0];
  for (const row of group) {
    const previous = head;
    head = new Bun.CryptoHasher("sha256").update(previous + row.record).digest("hex");
    sequence++;
    input += row.input;
    output += row.output;
    cost += row.cost;
    statements.push({
      sql: insertRow,
      args: [row.id, account, row.record, sequence, previous, head],
    });
  }
  statements.push({ sql: moveCredit, args: [account, cost] });
  const pico = Math.round(output * whPerToken * 1e9) * 1000;
  statements.push({
    sql: addSums,
    args: [
      ...["2026-01-01", account, keyHash, "", "openai/gpt-4o-mini", "openai", "global", "v0.4"],
      ...[group.length, input, 0, 0, 0, output, 0, cost, cost, 0, 0, 0],
      ...[pico, pico, pico, pico, pico, pico, 0],
    ],
  });
  statements.push({ sql: moveHead, args: [sequence, head] });
  void store.write(statements);
  for (const { resolve } of group) resolve();
}

const pool = new Pool({ secure: false, host: "127.0.0.1", port: upstreamPort });
let made = 0;

Bun.serve({
  port,
  hostname: "127.0.0.1",
  idleTimeout: 255,
  routes: {
    "/v1/chat/completions": {
      async POST(request) {
        const startedAt = Date.now();
        const key = keys.get(request.headers.get("authorization")?.slice("Bearer ".length) ?? "");
        if (key === undefined) return new Response(null, { status: 401 });
        const text = Buffer.from(await request.arrayBuffer()).toString();
        const asked = JSON.parse(text);
        const route = routes.get(asked.model);
        if (route === undefined) return new Response(null, { status: 404 });
        const most = text.length * route.input + 4096 * route.output;
        if (free < most) return new Response(null, { status: 402 });
        free -= most;
        const body = text.replace(asked.model, route.model);
        const exchange = pool.send(
          `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${upstreamPort}\r\ncontent-type: application/json\r\naccept: application/json\r\nauthorization: Bearer x\r\ncontent-length: ${body.length}\r\n\r\n`,
          { method: "POST", headers: {}, body, connectMs: 0 },
        );
        const { status } = await exchange.head;
        const answer = Buffer.from(await exchange.bytes()).toString();
        if (status !== 200) return new Response(answer, { status });
        const reply = JSON.parse(answer);
        const { prompt_tokens: input, completion_tokens: output } = reply.usage;
        const cost = input * route.input + output * route.output;
        free += most - cost;
        const wh = output * whPerToken;
        const grams = (wh / 1000) * gPerKwh;
        const ulid = String(++made).padStart(26, "0");
        const id = `gen_${ulid}`;
        const now = Date.now();
        const record = JSON.stringify([
          ...[id, `chatcmpl-${ulid}`, key.account, key.hash, key.name, null, null, "openai-chat"],
          ...[asked.model, asked.model, route.provider, route.region, 0, "ok", null, "final"],
          ...[startedAt, now, now - startedAt, input, 0, 0, 0, output, 0],
          ...[JSON.stringify(reply.usage), cost, input * route.input, output * route.output, cost],
          ...[1, 0, wh, grams, (grams / output) * 1000, "gross", "v0.4-2026-01", gPerKwh, "USA"],
          '[{"provider":"openai","region":"global","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route","basis":"assumed"}]',
          ...[reply.id, null, null, output * whPerTokenLow, output * whPerTokenHigh],
        ]);
        const shown = answer
          .replace(reply.id, `chatcmpl-${ulid}`)
          .replace(reply.model, asked.model)
          .replace(
            /\}\}$/,
            `,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"cost":${cost / 1e9},"is_byok":false,"cost_details":{"upstream_inference_cost":${cost / 1e9},"upstream_inference_prompt_cost":${(input * route.input) / 1e9},"upstream_inference_completions_cost":${(output * route.output) / 1e9}}},"lowrouter":{"generation_id":"${id}","provider":"${route.provider}","region":"${route.region}","eco":{"energy_wh":${wh},"carbon_g":${grams},"carbon_per_1k_tokens_g":${(grams / output) * 1000},"accuracy":"gross","methodology_version":"v0.4-2026-01"}}}`,
          );
        await new Promise<void>((resolve) => {
          if (waiting.push({ id, record, input, output, cost, resolve }) === 1)
            setImmediate(commit);
        });
        return new Response(shown, {
          headers: {
            "content-type": "application/json",
            "x-content-type-options": "nosniff",
            "X-LowRouter-Generation-ID": id,
            "X-LowRouter-Provider": route.provider,
            "X-LowRouter-Region": route.region,
            "X-LowRouter-Region-Basis": "assumed",
            "X-Credit-Balance": String(free / 1e7),
          },
        });
      },
    },
  },
});
