import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { executable, json, start, until } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { childrenOf, isRunning } from "#test/workers/kit.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const created = v.looseObject({ key: v.string() });

beforeAll(async () => void (await executable()), 120_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

test("the executable serves by workers of its own, from a directory where nothing is, and ends with 0", async () => {
  const at = ["--data-dir", join(folder.path, "state")];
  await json(["account", "create", "--name", "acme", "--plan", "metered", ...at]);
  const made = await json(["key", "create", "--account", "acme", "--name", "k", ...at]);
  const { key } = v.parse(created, made);
  const serving = await start(["serve", "--workers", "3", ...at], { env: upstream.env });
  await until("it says so", () => serving.err().includes("listens on"));
  const workers = childrenOf(serving.pid).filter(isRunning);
  expect(workers).toHaveLength(3);
  const answers = await Promise.all(Array.from({ length: 30 }, () => chat(serving.url, key)));
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    await answer.text();
  }
  expect(await serving.stop()).toBe(0);
  expect(workers.filter(isRunning)).toEqual([]);
  const audited = await json(["audit", "verify", ...at]);
  expect(audited).toMatchObject({ data: { ok: true, rows: 30 } });
}, 120_000);
