import { expect, test } from "bun:test";
import { join } from "node:path";
import { mintMasterKey } from "#src/account/vault.ts";
import { unwritable } from "#test/bin/executable.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { runToEnd } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Runs `serve` where it ends by itself. */
const serve = (dataDir: string, env: Record<string, string>) =>
  runToEnd(["serve", "--data-dir", dataDir], env);

test("serve says what a remote database needs: a master key, and a directory for what is not sent yet", async () => {
  using folder = temporaryFolder();
  const server = startHrana({ path: `${folder.path}/remote.db` });
  const env = { LOWROUTER_DATABASE_URL: server.url, OPENAI_API_KEY: "sk-none" };
  const keyless = await serve(join(folder.path, "state"), env);
  expect(keyless.code).toBe(78);
  expect(keyless.err).toContain("without LOWROUTER_MASTER_KEY");
  expect(keyless.err).toContain("openssl rand -base64 32");
  expect(server.requests()).toBe(0);
  const examined = await runToEnd(["doctor", "--data-dir", join(folder.path, "state")], env);
  expect(examined.code).toBe(1);
  expect(examined.out).toContain("FIX   provider keys: Cannot serve on a remote database without");
  const withKey = { ...env, LOWROUTER_MASTER_KEY: mintMasterKey() };
  const homeless = await serve(unwritable, withKey);
  expect(homeless.code).toBe(1);
  expect(homeless.err).toContain(`Cannot write in ${unwritable}`);
  expect(homeless.err).toContain("LOWROUTER_DATA_DIR");
  await server.stop();
}, 30_000);

test("serve ends with 78 where the master key was mistyped, before anything needs it", async () => {
  using folder = temporaryFolder();
  const { code, err } = await serve(join(folder.path, "state"), { LOWROUTER_MASTER_KEY: "short" });
  expect(code).toBe(78);
  expect(err).toContain("Cannot use the master key of LOWROUTER_MASTER_KEY: 32 bytes in base64");
}, 30_000);
