import { expect, test } from "bun:test";
import { join } from "node:path";
import { freshnessOf } from "#src/account/key-cache.ts";
import { createAllowances } from "#src/allowance/allowances.ts";
import { leaseSize } from "#src/allowance/chunk.ts";
import { tickMs } from "#src/app.ts";
import type { Movement } from "#src/allowance/allowance.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { figuresMs, tickMs as healthMs } from "#src/shared-health.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { tickMs as webhookMs } from "#src/webhook/open.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

/* What the page on several machines says that they ask of the database, from the constants of the code. */

const file = join(import.meta.dir, "../../src/web/content/operating/machines.md");
const page = (await Bun.file(file).text()).replaceAll(/\s+/g, " ");
const says = (text: string) => expect([text, page.includes(text)]).toEqual([text, true]);
const seconds = (milliseconds: number) => milliseconds / 1000;
/** Limits that a request takes a part of, in the page's example: credit, and requests per minute. */
const limits = 2;
/** There and back. */
const roundTripMs = 20;
const inLease = leaseSize(1, 1e9);

/** A process at rest: leases renewed, the dead looked for, provider keys, webhooks, health. */
const atRest = 3 / seconds(tickMs) + 1 / seconds(webhookMs.remote) + 1 / seconds(healthMs);
/** One that answers, besides: whether keys changed, when they were used last, figures of health. */
const atWork = 1 / seconds(freshnessMs()) + 1 / seconds(tickMs) + 1 / seconds(figuresMs);

function freshnessMs(): number {
  return freshnessOf(remote({ write: () => [], read: () => [] }));
}

function remote(parts: Pick<Store, "write" | "read">): Store {
  const never = (): never => {
    throw new Error("nobody asks for this");
  };
  return {
    ...parts,
    kind: "remote",
    path: undefined,
    get client() {
      return never();
    },
    get db() {
      return never();
    },
    snapshot: never,
    close: never,
  };
}

/** Of one process that answers so many requests each second. */
function asked(perSecond: number) {
  const groups = Math.min(perSecond, 1000 / roundTripMs);
  const leases = (perSecond * limits) / inLease;
  return {
    requests: atRest + atWork + leases + groups,
    rows: perSecond + groups * (2 + 2 * limits) + leases * 2,
  };
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");

test("the table of what machines ask is what the constants make of it", () => {
  for (const nodes of [10, 100, 1000]) {
    const [calm, busy] = [asked(10), asked(100)];
    const cells = [nodes, atRest * nodes, calm.requests * nodes, calm.rows * nodes];
    cells.push(busy.requests * nodes, busy.rows * nodes);
    says(`| ${cells.map(whole).join(" | ")} |`);
  }
});

test("the figures in the text are those of the code", () => {
  says(`${atRest.toFixed(1)} requests each second at rest`);
  says(`${(atRest + atWork).toFixed(1)} while it answers`);
  says(`for ${inLease} requests like the one that asked`);
  const millions = (asked(10).rows * 86_400 * 30) / 1e6;
  says(`some ${Math.round(millions)} million rows a month`);
});

test("a tick asks the database twice, and a group of one row writes a record, a head, a total and two rows for each limit", async () => {
  using kept = await temporaryStore();
  const groups: (readonly Statement[])[] = [];
  let reads = 0;
  const store = remote({
    write: (statements) => {
      groups.push(statements);
      return kept.store.write(statements);
    },
    read: (sql, args) => {
      reads++;
      return kept.store.read(sql, args);
    },
  });
  const clock = createFakeClock();
  const allowances = createAllowances({ store, clock, processId: "proc_1" });
  await allowances.start();
  [groups.length, reads] = [0, 0];
  await allowances.tick();
  expect([groups.length, reads]).toEqual([1, 1]);
  groups.length = 0;
  const ledger = createLedger({ store, clock, processId: "proc_1" });
  const generation = sampleGeneration();
  const { cost = 0, accountId } = generation;
  const movements: Movement[] = [
    { kind: "credit", owner: accountId, windowStart: 0, used: cost, fromLease: cost },
    { kind: "requests_minute", owner: "key_1", windowStart: 0, used: 1, fromLease: 1 },
  ];
  await ledger.record({ generation, movements });
  expect(groups.map((group) => group.length)).toEqual([1 + 2 + 2 * limits]);
});
