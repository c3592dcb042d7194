import { expect, test } from "bun:test";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { recordMembers } from "#db/record.ts";
import { createAccount } from "#src/account/accounts.ts";
import { headSigner } from "#src/account/head-signer.ts";
import { rotateSigningKey } from "#src/account/signing-key.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { headsFile, startHeads } from "#src/ledger/heads.ts";
import { createIds } from "#src/lib/id.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

/* Another program, written from the manual: nothing of ours hashes or verifies here. */

const page = join(import.meta.dir, "../../src/web/content/operating/backup-and-upgrade.md");
const manual = readFileSync(page, "utf8").split("### By a program of your own")[1] ?? "";
const rows = "SELECT record, chain, sequence, previous, hash FROM generation_record";

function sha256(what: string | Uint8Array): string {
  return createHash("sha256").update(what).digest("hex");
}

function isSigned(publicKey: string, purpose: string, text: string, signature: string): boolean {
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
  return verify(null, Buffer.from(`${purpose}\n${text}`), key, Buffer.from(signature, "base64url"));
}

test("rows and published heads can be checked by what the manual says of them", async () => {
  await using kept = await temporaryStore();
  using folder = temporaryFolder();
  const { store } = kept;
  const clock = createFakeClock();
  const place = { dataDir: folder.path, isRemote: false, secret: () => undefined };
  const account = await createAccount(
    store,
    { clock, ids: createIds(clock) },
    { name: "a", plan: "metered" },
  );
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  const record = (user: string) =>
    ledger.record({
      generation: sampleGeneration({ accountId: account.id, createdAt: clock.now(), user }),
      movements: [],
    });
  const file = headsFile(folder.path);
  const signer = () => headSigner(store, place, clock);
  const onFault = (cause: unknown) => expect(cause).toBeUndefined();
  const heads = startHeads({ store, clock, processId: "prc_1", file, signer, onFault });
  for (const user of ["a", "Ü \u{1f600}", 'x"\n']) await record(user);
  await heads.publish();
  await rotateSigningKey(store, place, clock);
  await record("last");
  await heads.close();

  let [sequence, previous] = [0, sha256("prc_1")];
  for (const row of await store.read(`${rows} ORDER BY sequence`, [])) {
    expect(row).toMatchObject({ chain: "prc_1", sequence: ++sequence, previous });
    previous = sha256(`${previous}${String(row["record"])}`);
    expect(row["hash"]).toBe(previous);
  }
  expect(sequence).toBe(4);
  const [end] = await store.read("SELECT sequence, head FROM process WHERE id = 'prc_1'", []);
  expect(end).toMatchObject({ sequence, head: previous });

  const keys = new Map<string, string>();
  let before = "0".repeat(64);
  let last: unknown;
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  for (const line of lines) {
    const told = JSON.parse(line);
    expect(told.previous).toBe(before);
    before = sha256(line);
    if ("public_key" in told) {
      expect(told.key).toBe(sha256(Buffer.from(told.public_key, "base64url")).slice(0, 16));
      const { vouched_by: by } = told;
      expect(by === undefined).toBe(keys.size === 0);
      if (by !== undefined) {
        const old = keys.get(by.key) ?? "";
        const purpose = "lowrouter-signing-key-v1";
        expect(isSigned(old, purpose, told.public_key, by.signature)).toBeTrue();
      }
      keys.set(told.key, told.public_key);
    }
    const body = `${line.slice(0, line.lastIndexOf(',"signature":'))}}`;
    const purpose = "lowrouter-ledger-head-v1";
    expect(manual).toContain(`\`${purpose}\``);
    expect(isSigned(keys.get(told.key) ?? "", purpose, body, told.signature)).toBeTrue();
    last = told;
  }
  expect(keys.size).toBe(2);
  expect(last).toMatchObject({ chain: "prc_1", sequence, hash: previous, end: true });
});

test("the manual names the members of a record in their order", () => {
  const [, list = ""] = /```text\n([^`]*)```/.exec(manual) ?? [];
  expect(list.trim().split(/,\s+/)).toEqual([...recordMembers]);
});
