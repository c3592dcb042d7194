import {
  firstMasterKey,
  isGiven,
  type KeyPlace,
  nextMasterKey,
  promoteNext,
  readMasterKeys,
} from "#src/account/master-key.ts";
import { resealingSecret } from "#src/account/people/secret.ts";
import { providerKeyColumns, providerKeyOf } from "#src/account/provider-key-row.ts";
import { openProviderKeys, providerKeysChanged } from "#src/account/provider-keys.ts";
import { resealingSigningKey } from "#src/account/signing-key.ts";
import { keyIdOf, type MasterKey, seal, unseal } from "#src/account/vault.ts";
import { resealingWebhooks } from "#src/account/webhook-envelope.ts";
import { type Statement, type Store, textOf } from "#src/store/store.ts";

const readAll = `SELECT ${providerKeyColumns.join(", ")}, envelope FROM provider_key`;
const reseal = "UPDATE provider_key SET envelope = ? WHERE id = ? AND envelope = ?";
const nameNext = `INSERT INTO setting (key, value) VALUES ('master_key', ?)
ON CONFLICT DO UPDATE SET value = excluded.value`;
/** Several times, where keys are added meanwhile. */
const attempts = 5;

/** What a rotation did. */
export interface Rotation {
  /** Id of the master key that seals now. */
  keyId: string;
  /** Keys that were sealed anew. */
  resealed: number;
}

/** Moments of a rotation at which a test may break it off. */
export type RotationStep = "key made" | "rows resealed" | "key in place";

/**
 * Seals every key under a new master key, in one transaction: that of LOWROUTER_MASTER_KEY where it is set, with the one
 * before in LOWROUTER_MASTER_KEY_PREVIOUS; else a new file. Broken off at any moment, every key still opens, and the
 * next rotation goes on where this one was.
 */
export async function rotateMasterKey(
  store: Store,
  place: KeyPlace,
  reached: (step: RotationStep) => void = () => {},
): Promise<Rotation> {
  // Before any key is made: what does not open now would not open then.
  await openProviderKeys(store, place);
  const isByFile = !isGiven(place);
  if (isByFile) firstMasterKey(place);
  const next = isByFile ? nextMasterKey(place) : firstMasterKey(place);
  reached("key made");
  let resealed = 0;
  for (let left = attempts; ; left--) {
    const { rows, statements } = await resealing(store, place, next);
    try {
      await store.write(statements);
      resealed = rows;
      break;
    } catch (cause) {
      // A key that was added in between is sealed under the old one: it is read, and all is done again.
      if (left <= 1) throw cause;
    }
  }
  reached("rows resealed");
  if (isByFile) promoteNext(place);
  reached("key in place");
  return { keyId: next.id, resealed };
}

/** Statements that seal all rows anew, or fail as a whole where one was added after it was read. */
async function resealing(
  store: Store,
  place: KeyPlace,
  next: MasterKey,
): Promise<{ rows: number; statements: Statement[] }> {
  const { all } = readMasterKeys(place);
  const rows = (await store.read(readAll, [])).map((row) => ({
    key: providerKeyOf(row),
    envelope: textOf(row, "envelope") ?? "",
  }));
  const old = rows.filter(({ envelope }) => keyIdOf(envelope) !== next.id);
  const statements: Statement[] = old.map(({ key, envelope }) => {
    const anew = seal(unseal(envelope, key, all), key, next);
    return { sql: reseal, args: [anew, key.id, envelope] };
  });
  return {
    rows: old.length,
    statements: [
      ...statements,
      { sql: nameNext, args: [next.id] },
      { sql: allUnder, args: [`v1.${next.id}.%`] },
      ...(await resealingSecret(store, all, next)),
      ...(await resealingSigningKey(store, all, next)),
      ...(await resealingWebhooks(store, all, next)),
      ...providerKeysChanged,
    ],
  };
}

/** Fails, and with it its transaction, where a row is sealed under another master key. */
const allUnder = `SELECT json(iif(EXISTS (SELECT 1 FROM provider_key WHERE envelope NOT LIKE ?), 'not all', '1'))`;
