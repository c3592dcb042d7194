import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type MasterKey, masterKeyOf, mintMasterKey, VaultError } from "#src/account/vault.ts";
import { giveToOwnerOfFolder } from "#src/lib/owner.ts";

/** Where master keys are looked for. */
export interface KeyPlace {
  dataDir: string;
  /** With a database elsewhere a file of this machine would be a key that the other machines lack. */
  isRemote: boolean;
  secret(name: string): string | undefined;
}

/** The master keys at hand: that which seals, and all that open. */
export interface MasterKeys {
  current: MasterKey | undefined;
  all: readonly MasterKey[];
}

const variable = "LOWROUTER_MASTER_KEY";
const previousVariable = `${variable}_PREVIOUS`;

/** The file that holds the master key where no variable does. */
export function masterKeyFile({ dataDir }: Pick<KeyPlace, "dataDir">): string {
  return join(dataDir, "master.key");
}

/** Master keys of the variables, else of the files. Throws VaultError for one that is none. */
export function readMasterKeys(place: KeyPlace): MasterKeys {
  const given = place.secret(variable);
  if (given !== undefined) {
    const current = masterKeyOf(given, variable);
    const before = place.secret(previousVariable);
    const previous = before === undefined ? [] : [masterKeyOf(before, previousVariable)];
    return { current, all: [current, ...previous] };
  }
  if (place.isRemote) return { current: undefined, all: [] };
  const file = masterKeyFile(place);
  // In this order: a rotation that ends in between has put the next one in the place of the other.
  const next = keyIn(`${file}.next`);
  const current = keyIn(file);
  return { current, all: [current, next].flatMap((key) => key ?? []) };
}

/** The first key, made where there is none yet. Throws VaultError where the operator has to give one. */
export function firstMasterKey(place: KeyPlace): MasterKey {
  const { current } = readMasterKeys(place);
  if (current !== undefined) return current;
  if (place.isRemote)
    throw new VaultError(
      `Cannot keep provider keys without a master key: with a remote database, set ${variable} to 32 bytes in base64, as "openssl rand -base64 32" prints them, the same for every gateway on it`,
    );
  const file = masterKeyFile(place);
  createFile(file);
  const made = keyIn(file);
  if (made === undefined) throw new VaultError(`Cannot read ${file}, which was just written`);
  return made;
}

/** The new key of a rotation that goes by files: begun by another, or made. */
export function nextMasterKey(place: KeyPlace): MasterKey {
  const file = `${masterKeyFile(place)}.next`;
  const begun = keyIn(file);
  if (begun !== undefined) return begun;
  createFile(file);
  const made = keyIn(file);
  if (made === undefined) throw new VaultError(`Cannot read ${file}, which was just written`);
  return made;
}

/** Ends a rotation by files: the new key takes the old one's place, at once. */
export function promoteNext(place: KeyPlace): void {
  const file = masterKeyFile(place);
  if (keyIn(`${file}.next`) !== undefined) renameSync(`${file}.next`, file);
}

/** Whether master keys come from the environment. */
export function isGiven({ secret }: KeyPlace): boolean {
  return secret(variable) !== undefined;
}

function keyIn(file: string): MasterKey | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new VaultError(
      `Cannot read the master key ${file}: give its owner the right to, or set ${variable}`,
      { cause },
    );
  }
  return masterKeyOf(text, file);
}

/** Writes a new key for its owner only, whole or not at all. One that another process just made is left. */
function createFile(file: string): void {
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    const handle = openSync(draft, "wx", 0o600);
    try {
      writeSync(handle, `${mintMasterKey()}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    giveToOwnerOfFolder(draft);
    // Unlike a renaming, it fails where the file exists.
    linkSync(draft, file);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST"))
      throw new VaultError(
        `Cannot write the master key ${file}: give a data directory that can be written, or set ${variable}`,
        { cause },
      );
  } finally {
    rmSync(draft, { force: true });
  }
}
