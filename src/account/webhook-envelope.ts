import { firstMasterKey, type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import { getSetting } from "#src/account/settings.ts";
import {
  keyIdOf,
  type MasterKey,
  mintMasterKey,
  seal,
  unseal,
  VaultError,
} from "#src/account/vault.ts";
import { type Statement, type Store, textOf } from "#src/store/store.ts";
import * as v from "valibot";

/** What a webhook's deliveries are signed with: `whsec_` and 32 bytes in base64. */
export interface WebhookSecrets {
  current: string;
  /** The one before, which signs too until this time, Unix milliseconds. */
  previous?: { secret: string; until: number };
}

/** The row that secrets are sealed for. */
export interface WebhookSeat {
  id: string;
  accountId?: string | undefined;
}

const secretsSchema = v.object({
  current: v.string(),
  previous: v.optional(v.object({ secret: v.string(), until: v.number() })),
});
const nameOfKey = "coalesce((SELECT value FROM setting WHERE key = 'master_key'), '')";

/** A new secret of a webhook. */
export function mintWebhookSecret(): string {
  return `whsec_${mintMasterKey()}`;
}

/** An envelope, and the condition under which it may be written: no rotation of the master key ended meanwhile. */
export interface SealedWebhook {
  envelope: string;
  /** Of SQL, with its one argument. */
  condition: string;
  arg: string;
}

/** Seals secrets for their row. Throws VaultError where there is no master key to seal them with. */
export async function sealWebhook(
  store: Store,
  place: KeyPlace,
  secrets: WebhookSecrets,
  seat: WebhookSeat,
): Promise<SealedWebhook> {
  const named = (await getSetting(store, "master_key")) ?? "";
  const { all } = readMasterKeys(place);
  const master = all.find(({ id }) => id === named) ?? firstMasterKey(place);
  return {
    envelope: seal(JSON.stringify(secrets), seatOf(seat), master),
    condition: `${nameOfKey} = ?`,
    arg: named,
  };
}

/** Opens an envelope. Throws VaultError for one of another row or another master key. */
export function openWebhook(envelope: string, seat: WebhookSeat, place: KeyPlace): WebhookSecrets {
  return v.parse(secretsSchema, JSON.parse(opened(envelope, seat, readMasterKeys(place).all)));
}

/** Statements that seal every webhook's secrets under a new master key, for the transaction of a rotation. */
export async function resealingWebhooks(
  store: Store,
  keys: readonly MasterKey[],
  next: MasterKey,
): Promise<Statement[]> {
  const rows = await store.read("SELECT id, account_id, envelope FROM webhook", []);
  const moved = rows.flatMap((row): Statement[] => {
    const seat = { id: textOf(row, "id") ?? "", accountId: textOf(row, "account_id") };
    const envelope = textOf(row, "envelope") ?? "";
    if (keyIdOf(envelope) === next.id) return [];
    const anew = seal(opened(envelope, seat, keys), seatOf(seat), next);
    return [
      {
        sql: "UPDATE webhook SET envelope = ? WHERE id = ? AND envelope = ?",
        args: [anew, seat.id, envelope],
      },
    ];
  });
  return [...moved, { sql: allMoved, args: [`v1.${next.id}.%`] }];
}

/** Fails, and with it its transaction, where a webhook came to be in between. */
const allMoved = `SELECT json(iif(EXISTS (SELECT 1 FROM webhook WHERE envelope NOT LIKE ?), 'not all', '1'))`;

function opened(envelope: string, seat: WebhookSeat, keys: readonly MasterKey[]): string {
  try {
    return unseal(envelope, seatOf(seat), keys);
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    throw new VaultError(
      `Cannot open the secret of the webhook ${seat.id}: it is sealed under master key ${keyIdOf(envelope) ?? "unknown"}, which is not at hand, or its row was changed. Set LOWROUTER_MASTER_KEY to that key, put its file master.key back into the data directory, or make a new secret`,
      { cause },
    );
  }
}

/** No provider has this name, so no envelope of a provider key opens as one of a webhook. */
function seatOf({ id, accountId }: WebhookSeat) {
  return { id, provider: " webhook", accountId };
}
