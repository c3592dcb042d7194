/**
 * The least that can be called a gateway: one road, written for the one request that is measured, on the gateway's own
 * connections and its own database. A key, an allowance, a route, a price, an estimate, and a committed row of every answer
 * with its place in a chain and in the totals; nothing that any other request would need. What it reaches is what a gateway
 * of one process can reach at most. `bun test/bench/least.ts PORT UPSTREAM_PORT FOLDER`
 */
import { join } from "node:path";
import { largeBytes, parseShell, shellOf } from "#src/dialect/shell.ts";
import { toPico } from "#src/eco/pico.ts";
import { chainStart, linkHash } from "#src/ledger/chain.ts";
import { rollupPlace, rollupSums } from "#src/ledger/rollup.ts";
import { systemClock } from "#src/lib/clock.ts";
import { isObject } from "#src/lib/json.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { Pool } from "#src/provider/pool.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Statement } from "#src/store/store.ts";

const port = Number(process.argv[2]);
const upstreamPort = Number(process.argv[3]);
const store = await openStore({ url: `file:${join(process.argv[4] ?? ".", "least.db")}` });
await migrate(store, systemClock);

const chain = "proc_least";
const account = "acc_00000000000000000000000000";
const keyHash = "0".repeat(64);
const keys = new Map([["x", { account, hash: keyHash, name: "bench" }]]);
const model = "openai/gpt-4o-mini";
/** Prices in nano-units a token. */
const routes = new Map([
  [model, { model: "gpt-4o-mini", provider: "openai", region: "global", input: 150, output: 600 }],
]);
/** Watt-hours a token of the answer with their bounds, and the grid. */
const [wattHours, wattHoursLow, wattHoursHigh, gramsPerKwh] = [0.00657, 0.00464, 0.0085, 384.4];
const methodology = "v0.4-2026-01";
const trace = JSON.stringify([
  {
    ...{ provider: "openai", region: "global", model, decision: "selected" },
    ...{ reason: "only_route", basis: "assumed" },
  },
]);
/** Output tokens that are held for an answer. */
const heldTokens = 4096;
let free = 1e15;

const insertRow = `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?)`;
const moveCredit = `INSERT INTO allowance (kind, owner, window_start, used) VALUES ('credit', ?, 0, ?)
ON CONFLICT DO UPDATE SET used = used + excluded.used`;
const columns = [...rollupPlace, ...rollupSums];
const addSums = `INSERT INTO rollup (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
ON CONFLICT DO UPDATE SET ${rollupSums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;
const moveHead = `INSERT INTO process (id, started_at, sequence, head) VALUES (?, 0, ?, ?)
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
let head = chainStart(chain);

/** Resolves when a row is committed, with those of the same turn. */
function kept(row: Omit<Row, "resolve">): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push({ ...row, resolve }) === 1) setImmediate(commit);
  });
}

function commit(): void {
  const group = waiting;
  waiting = [];
  const statements: Statement[] = [];
  let [input, output, cost] = [0, 0, 0];
  for (const row of group) {
    const previous = head;
    head = linkHash(previous, row.record);
    input += row.input;
    output += row.output;
    cost += row.cost;
    const args = [row.id, account, row.record, chain, ++sequence, previous, head];
    statements.push({ sql: insertRow, args });
  }
  const energies = [wattHours, wattHoursLow, wattHoursHigh].map((each) => output * each);
  const [energy = 0, low = 0, high = 0] = energies.map(toPico);
  const [carbon = 0, carbonLow = 0, carbonHigh = 0] = energies.map((each) => toPico(gramsOf(each)));
  statements.push(
    { sql: moveCredit, args: [account, cost] },
    {
      sql: addSums,
      args: [
        ...[new Date().toISOString().slice(0, 10), account, keyHash, ""],
        ...[model, "openai", "global", methodology],
        ...[group.length, input, 0, 0, 0, output, 0, cost, cost, 0, 0, 0],
        ...[energy, carbon, low, high, carbonLow, carbonHigh, 0],
      ],
    },
    { sql: moveHead, args: [chain, sequence, head] },
  );
  void store.write(statements);
  for (const { resolve } of group) resolve();
}

function gramsOf(energyWh: number): number {
  return (energyWh / 1000) * gramsPerKwh;
}

/** What a large body says, its long texts checked where they stand. */
function largeAsked(text: string): { model: string } {
  const parsed: unknown = parseShell(shellOf(text), JSON.parse);
  if (!isObject(parsed) || typeof parsed.model !== "string") throw new Error("No model is named");
  return { model: parsed.model };
}

/** What stays of a large body is sent from where it is. */
function retargeted(text: string, from: string, to: string): RawPieces {
  const at = text.indexOf(from);
  return new RawPieces([text.slice(0, at), to, text.slice(at + from.length)]);
}

const pool = new Pool({ secure: false, host: "127.0.0.1", port: upstreamPort });
let made = 0;

async function answer(request: Request): Promise<Response> {
  const startedAt = Date.now();
  const key = keys.get(request.headers.get("authorization")?.slice("Bearer ".length) ?? "");
  if (key === undefined) return new Response(null, { status: 401 });
  const text = Buffer.from(await request.arrayBuffer()).toString("latin1");
  const isLarge = text.length > largeBytes;
  const asked = isLarge ? largeAsked(text) : JSON.parse(text);
  const route = routes.get(asked.model);
  if (route === undefined) return new Response(null, { status: 404 });
  const most = text.length * route.input + heldTokens * route.output;
  if (free < most) return new Response(null, { status: 402 });
  free -= most;
  const body = isLarge
    ? retargeted(text, asked.model, route.model)
    : text.replace(asked.model, route.model);
  const exchange = pool.send(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${upstreamPort}\r\ncontent-type: application/json\r\naccept: application/json\r\nauthorization: Bearer x\r\ncontent-length: ${body.length}\r\n\r\n`,
    { method: "POST", headers: {}, body, connectMs: 0 },
  );
  const { status } = await exchange.head;
  const told = Buffer.from(await exchange.bytes()).toString();
  if (status !== 200) return new Response(told, { status });
  const reply = JSON.parse(told);
  const { prompt_tokens: input, completion_tokens: output } = reply.usage;
  const [inputCost, outputCost] = [input * route.input, output * route.output];
  const cost = inputCost + outputCost;
  free += most - cost;
  const energy = output * wattHours;
  const carbon = gramsOf(energy);
  const carbonPer1k = (carbon / (input + output)) * 1000;
  const ulid = String(++made).padStart(26, "0");
  const id = `gen_${ulid}`;
  const now = Date.now();
  const record = JSON.stringify([
    ...[id, `chatcmpl-${ulid}`, key.account, key.hash, key.name, null, null, "openai-chat"],
    ...[asked.model, asked.model, route.provider, route.region, 0, "ok", null, "final"],
    ...[startedAt, now, now - startedAt, input, 0, 0, 0, output, 0, JSON.stringify(reply.usage)],
    ...[cost, inputCost, outputCost, cost, 1, 0, energy, carbon, carbonPer1k, "gross"],
    ...[methodology, gramsPerKwh, "USA", trace, reply.id, null, null],
    ...[output * wattHoursLow, output * wattHoursHigh],
  ]);
  const shown = told
    .replace(reply.id, `chatcmpl-${ulid}`)
    .replace(reply.model, asked.model)
    .replace(
      /\}\}$/,
      `,"cost":${cost / 1e9},"is_byok":false,"cost_details":{"upstream_inference_cost":${cost / 1e9},"upstream_inference_prompt_cost":${inputCost / 1e9},"upstream_inference_completions_cost":${outputCost / 1e9}}},"lowrouter":{"generation_id":"${id}","provider":"${route.provider}","region":"${route.region}","eco":{"energy_wh":${energy},"carbon_g":${carbon},"carbon_per_1k_tokens_g":${carbonPer1k},"accuracy":"gross","methodology_version":"${methodology}"}}}`,
    );
  await kept({ id, record, input, output, cost });
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
}

Bun.serve({
  port,
  hostname: "127.0.0.1",
  idleTimeout: 255,
  routes: { "/v1/chat/completions": { POST: answer } },
});
