import { expect, test } from "bun:test";
import { verify } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { rotateMasterKey } from "#src/account/rotate.ts";
import {
  isVouchedFor,
  publicKeys,
  rotateSigningKey,
  signingKey,
  verifySignature,
} from "#src/account/signing-key.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";
import { pemOf } from "#test/statement/pem.ts";

const clock = createFakeClock();

/** A database and where its master key lies. */
async function kit() {
  const kept = await temporaryStore();
  const folder = temporaryFolder();
  return {
    store: kept.store,
    place: { dataDir: folder.path, isRemote: false, secret: () => undefined },
    [Symbol.dispose]() {
      kept[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

test("the signing key is made once, is sealed in the database, and openssl's form of it verifies", async () => {
  using made = await kit();
  const { store, place } = made;
  const [first, second] = await Promise.all([
    signingKey(store, place, clock),
    signingKey(store, place, clock),
  ]);
  expect(second.publicKey).toBe(first.publicKey);
  const signature = first.sign("statement", "zoë");
  expect(verifySignature(second.publicKey, "statement", "zoë", signature)).toBeTrue();
  const signed = Buffer.from("lowrouter-statement-v1\nzoë");
  const bytes = Buffer.from(signature, "base64url");
  expect(verify(null, signed, pemOf(first.publicKey), bytes)).toBeTrue();
  const [row] = await store.read("SELECT value FROM setting WHERE key = 'signing_key'", []);
  expect(String(row?.["value"])).toStartWith("v1.");
});

test("a signature fails for any other text, purpose, key or signature", async () => {
  using made = await kit();
  using other = await kit();
  const text = "a line of some length that is signed";
  const key = await signingKey(made.store, made.place, clock);
  const stranger = await signingKey(other.store, other.place, clock);
  const signature = key.sign("statement", text);
  expect(verifySignature(key.publicKey, "ledger-head", text, signature)).toBeFalse();
  expect(verifySignature(stranger.publicKey, "statement", text, signature)).toBeFalse();
  const changed = (whole: string) =>
    fc
      .tuple(fc.nat({ max: whole.length - 1 }), fc.constantFrom("A", "b", "-", "="))
      .map(([at, to]) => whole.slice(0, at) + to + whole.slice(at + 1))
      .filter((result) => result !== whole);
  fc.assert(
    fc.property(changed(text), changed(signature), changed(key.publicKey), (one, two, three) => {
      expect(verifySignature(key.publicKey, "statement", one, signature)).toBeFalse();
      expect(verifySignature(key.publicKey, "statement", text, two)).toBeFalse();
      expect(verifySignature(three, "statement", text, signature)).toBeFalse();
    }),
  );
});

test("a rotation keeps the old public key, and the old key vouches for the new one", async () => {
  using made = await kit();
  const { store, place } = made;
  const old = await signingKey(store, place, clock);
  const signature = old.sign("statement", "x");
  const next = await rotateSigningKey(store, place, clock);
  const now = await signingKey(store, place, clock);
  expect(now.publicKey).toBe(next.publicKey);
  const known = await publicKeys(store);
  expect(known.map(({ id }) => id)).toEqual([old.id, next.id]);
  expect(known[0]?.retiredAt).toBe(clock.now());
  expect(verifySignature(known[0]?.publicKey ?? "", "statement", "x", signature)).toBeTrue();
  expect(known.every((key) => isVouchedFor(key, known))).toBeTrue();
  using other = await kit();
  const stranger = await signingKey(other.store, other.place, clock);
  const endorsement = { keyId: old.id, signature: stranger.sign("signing-key", next.publicKey) };
  expect(isVouchedFor({ ...next, endorsement }, known)).toBeFalse();
  expect(isVouchedFor({ ...next, publicKey: stranger.publicKey }, known)).toBeFalse();
});

test("the signing key outlives a rotation of the master key, and is missed where the master key is lost", async () => {
  using made = await kit();
  const { store, place } = made;
  const before = await signingKey(store, place, clock);
  await rotateMasterKey(store, place);
  expect((await signingKey(store, place, clock)).publicKey).toBe(before.publicKey);
  rmSync(join(place.dataDir, "master.key"));
  let message = "";
  await signingKey(store, place, clock).catch((error: Error) => (message = error.message));
  expect(message).toStartWith("Cannot sign: the signing key is sealed under master key ");
  expect(await publicKeys(store)).toHaveLength(1);
});
