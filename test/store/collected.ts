/** Collects garbage again and again while a report runs, and tells how often that and anything else had its turn. */
import { temporaryStore } from "#test/store/temporary.ts";

const slow = `WITH RECURSIVE n(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 3000000)
SELECT max(at) AS most FROM n`;

using kept = await temporaryStore();
const { store } = kept;
// More texts than are kept, and some again.
const texts = Array.from({ length: 250 }, (_, at) => ({
  sql: `SELECT ? AS at, ${at} AS text`,
  at,
}));
const wrong: unknown[] = [];
let asked = 0;
for (const { sql, at } of [...texts, ...texts.slice(200)]) {
  const [rows = []] = await store.snapshot([{ sql, args: [++asked] }]);
  const [row] = rows;
  if (rows.length !== 1 || row?.["at"] !== asked || row["text"] !== at) wrong.push(rows);
}
let turns = 0;
let isDone = false;
const reading = store.snapshot([{ sql: slow, args: [] }]).finally(() => (isDone = true));
await Bun.sleep(30);
while (!isDone) {
  turns++;
  Bun.gc(true);
  await Bun.sleep(1);
}
console.log(JSON.stringify({ wrong, turns, report: await reading }));
