import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import {
  addProviderKey,
  listProviderKeys,
  openProviderKeys,
  replaceSecret,
} from "#src/account/provider-keys.ts";
import { rotateMasterKey, type RotationStep } from "#src/account/rotate.ts";
import {
  keyIdOf,
  masterKeyOf,
  mintMasterKey,
  seal,
  type Seat,
  unseal,
  VaultError,
} from "#src/account/vault.ts";
import { createIds } from "#src/lib/id.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const key = masterKeyOf(mintMasterKey(), "a test");
const seat: Seat = { id: "pk_1", provider: "openai", accountId: "acc_1" };

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an envelope", () => {
  test("opens to what was sealed, whatever that is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (secret) => {
        const whole = secret.toWellFormed();
        expect(unseal(seal(whole, seat, key), seat, [key])).toBe(whole);
      }),
    );
  });

  test("is another each time, and names its master key", () => {
    const [one, other] = [seal("secret", seat, key), seal("secret", seat, key)];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]+$/);
    expect(keyIdOf(one)).toBe(key.id);
  });

  test("does not open with any of its characters changed, one missing or one more", () => {
    const envelope = seal("sk-secret-of-an-account", seat, key);
    for (let at = 0; at < envelope.length; at++) {
      const other = envelope[at] === "A" ? "B" : "A";
      const changed = envelope.slice(0, at) + other + envelope.slice(at + 1);
      expect(thrown(() => unseal(changed, seat, [key]))).toBeInstanceOf(VaultError);
      const shorter = envelope.slice(0, at) + envelope.slice(at + 1);
      expect(thrown(() => unseal(shorter, seat, [key]))).toBeInstanceOf(VaultError);
    }
    expect(thrown(() => unseal(`${envelope}A`, seat, [key]))).toBeInstanceOf(VaultError);
  });

  test("does not open in another row, for another provider or for another account", () => {
    const envelope = seal("secret", seat, key);
    const others: Seat[] = [
      { ...seat, id: "pk_2" },
      { ...seat, provider: "mistral" },
      { ...seat, accountId: "acc_2" },
      { ...seat, accountId: undefined },
    ];
    for (const other of others)
      expect(thrown(() => unseal(envelope, other, [key]))).toBeInstanceOf(VaultError);
  });

  test("does not open with another master key, nor with one that took its name", () => {
    const envelope = seal("secret", seat, key);
    const other = masterKeyOf(mintMasterKey(), "another test");
    const told = thrown(() => unseal(envelope, seat, [other]));
    expect(told).toBeInstanceOf(VaultError);
    expect(String(told)).toContain("LOWROUTER_MASTER_KEY");
    expect(String(told)).not.toContain(key.bytes.toString("base64"));
    expect(thrown(() => unseal(envelope, seat, [{ ...other, id: key.id }]))).toBeInstanceOf(
      VaultError,
    );
  });
});

test.each([
  ["31 bytes", Buffer.alloc(31).toString("base64")],
  ["33 bytes", Buffer.alloc(33).toString("base64")],
  ["nothing", ""],
  ["words", "correct horse battery staple"],
  ["a key with a mistake in it", `${mintMasterKey().slice(0, 20)}*${mintMasterKey().slice(21)}`],
])("%s is no master key, and is not quoted", (_, text) => {
  const told = thrown(() => masterKeyOf(text, "LOWROUTER_MASTER_KEY"));
  expect(told).toBeInstanceOf(VaultError);
  if (text !== "") expect(String(told)).not.toContain(text);
});

const clock = createFakeClock();
const secrets = ["sk-first-secret-0001", "sk-second-secret-0002", "sk-third-secret-0003"];

interface Vault {
  place: KeyPlace;
  variables: Record<string, string>;
  store: Store;
  folder: string;
  add(secret: string): Promise<unknown>;
  opened(): Promise<string[]>;
  [Symbol.dispose](): void;
}

/** A database with a place for master keys. */
async function vault(): Promise<Vault> {
  const temporary = temporaryFolder();
  const folder = temporary.path;
  const store = await openStore({ url: `file:${join(folder, "test.db")}` });
  await migrate(store, clock);
  const variables: Record<string, string> = {};
  const place: KeyPlace = { dataDir: folder, isRemote: false, secret: (name) => variables[name] };
  const ids = createIds(clock);
  return {
    place,
    variables,
    store,
    folder,
    add: (secret) =>
      addProviderKey(
        store,
        { clock, ids, place },
        { provider: "openai", label: "test", secret: { kind: "key", key: secret } },
      ),
    async opened() {
      const all = await openProviderKeys(store, place);
      return all.map(({ secret }) => (secret.kind === "key" ? secret.key : secret.kind));
    },
    [Symbol.dispose]() {
      store.close();
      temporary[Symbol.dispose]();
    },
  };
}

async function filled(): Promise<Vault> {
  const made = await vault();
  for (const secret of secrets) await made.add(secret);
  return made;
}

const fileOf = ({ folder }: Vault) => join(folder, "master.key");

describe("the master key", () => {
  test("is made when it is first needed, for its owner only, and found again", async () => {
    using made = await vault();
    expect(await made.opened()).toEqual([]);
    expect(existsSync(fileOf(made))).toBe(false);
    await made.add("sk-first-secret-0001");
    expect(statSync(fileOf(made)).mode & 0o777).toBe(0o600);
    await made.add("sk-second-secret-0002");
    expect(await made.opened()).toEqual(secrets.slice(0, 2));
  });

  test("of the variable goes before the file, and leaves none", async () => {
    using made = await vault();
    made.variables["LOWROUTER_MASTER_KEY"] = mintMasterKey();
    await made.add("sk-first-secret-0001");
    expect(existsSync(fileOf(made))).toBe(false);
    expect(await made.opened()).toEqual(secrets.slice(0, 1));
  });

  test("is needed from the variable where the database is remote", async () => {
    using made = await vault();
    const remote: KeyPlace = { ...made.place, isRemote: true };
    const adding = addProviderKey(
      made.store,
      { clock, ids: createIds(clock), place: remote },
      { provider: "openai", label: "test", secret: { kind: "key", key: "sk-secret" } },
    );
    expect(adding).rejects.toThrow("LOWROUTER_MASTER_KEY");
    await adding.catch(() => {});
    expect(existsSync(fileOf(made))).toBe(false);
  });

  test("that is lost, wrong or cut is told, and is never made anew over what is sealed", async () => {
    using made = await filled();
    const kept = readFileSync(fileOf(made), "utf8");
    for (const text of [`${mintMasterKey()}\n`, kept.slice(0, 20), ""]) {
      writeFileSync(fileOf(made), text);
      const told = await made.opened().catch((cause: unknown) => cause);
      expect(told).toBeInstanceOf(VaultError);
      expect(String(told)).not.toContain(kept.trim());
      expect(await made.add("sk-more").catch((cause: unknown) => cause)).toBeInstanceOf(VaultError);
    }
    made.variables["LOWROUTER_MASTER_KEY"] = mintMasterKey();
    expect(await made.opened().catch((cause: unknown) => cause)).toBeInstanceOf(VaultError);
    made.variables["LOWROUTER_MASTER_KEY"] = kept;
    expect(await made.opened()).toEqual(secrets);
  });

  test("a row whose envelope was moved from another is told by its id", async () => {
    using made = await filled();
    const [first, second] = await listProviderKeys(made.store);
    await made.store.write([
      {
        sql: "UPDATE provider_key SET envelope = (SELECT envelope FROM provider_key WHERE id = ?) WHERE id = ?",
        args: [first?.id ?? "", second?.id ?? ""],
      },
    ]);
    const told = await made.opened().catch((cause: unknown) => cause);
    expect(told).toBeInstanceOf(VaultError);
    expect(String(told)).toContain(second?.id ?? "no id");
  });
});

describe("a rotation", () => {
  test("seals all anew under a new key, and the old one opens nothing", async () => {
    using made = await filled();
    const old = readFileSync(fileOf(made), "utf8");
    const { keyId, resealed } = await rotateMasterKey(made.store, made.place);
    expect(resealed).toBe(3);
    expect(readMasterKeys(made.place).all.map(({ id }) => id)).toEqual([keyId]);
    expect(await made.opened()).toEqual(secrets);
    made.variables["LOWROUTER_MASTER_KEY"] = old;
    expect(await made.opened().catch((cause: unknown) => cause)).toBeInstanceOf(VaultError);
  });

  test.each<RotationStep>(["key made", "rows resealed", "key in place"])(
    'broken off at "%s" leaves every key open, takes new ones, and ends at the next',
    async (step) => {
      using made = await filled();
      const broken = rotateMasterKey(made.store, made.place, (reached) => {
        if (reached === step) throw new Error("killed");
      });
      expect(await broken.catch(String)).toContain("killed");
      expect(await made.opened()).toEqual(secrets);
      await made.add("sk-fourth-secret-0004");
      expect(await made.opened()).toEqual([...secrets, "sk-fourth-secret-0004"]);
      const { keyId } = await rotateMasterKey(made.store, made.place);
      expect(await made.opened()).toEqual([...secrets, "sk-fourth-secret-0004"]);
      expect(readMasterKeys(made.place).all.map(({ id }) => id)).toEqual([keyId]);
      const rows = await made.store.read("SELECT envelope FROM provider_key", []);
      expect(rows.map((row) => keyIdOf(String(row["envelope"])))).toEqual(Array(4).fill(keyId));
      expect(existsSync(`${fileOf(made)}.next`)).toBe(false);
    },
  );

  test("by variables goes from the previous to the new one", async () => {
    using made = await vault();
    const [old, next] = [mintMasterKey(), mintMasterKey()];
    made.variables["LOWROUTER_MASTER_KEY"] = old;
    for (const secret of secrets) await made.add(secret);
    made.variables["LOWROUTER_MASTER_KEY"] = next;
    expect(await made.opened().catch((cause: unknown) => cause)).toBeInstanceOf(VaultError);
    made.variables["LOWROUTER_MASTER_KEY_PREVIOUS"] = old;
    expect(await made.opened()).toEqual(secrets);
    await rotateMasterKey(made.store, made.place);
    delete made.variables["LOWROUTER_MASTER_KEY_PREVIOUS"];
    expect(await made.opened()).toEqual(secrets);
  });

  test("meets a key that is added at the same time", async () => {
    using made = await filled();
    let added: Promise<unknown> | undefined;
    await rotateMasterKey(made.store, made.place, (step) => {
      if (step === "key made") added = made.add("sk-fourth-secret-0004");
    });
    await added;
    expect(await made.opened()).toEqual([...secrets, "sk-fourth-secret-0004"]);
  });
});

test("a secret that is replaced opens as the new one, and is shown so", async () => {
  using made = await filled();
  const [first] = await listProviderKeys(made.store);
  if (first === undefined) throw new Error("no key");
  const secret = { kind: "key" as const, key: "sk-renewed-secret-9999" };
  await replaceSecret(made.store, { clock, place: made.place }, first, secret);
  expect(await made.opened()).toEqual(["sk-renewed-secret-9999", ...secrets.slice(1)]);
  expect((await listProviderKeys(made.store))[0]?.shown).toBe("sk-...9999");
});

test("a master key that cannot be read is told", async () => {
  using made = await filled();
  chmodSync(fileOf(made), 0o000);
  // The superuser reads everything.
  if (process.getuid?.() === 0) return;
  expect(await made.opened().catch((cause: unknown) => cause)).toBeInstanceOf(VaultError);
});
