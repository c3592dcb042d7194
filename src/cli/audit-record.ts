import type { PublicKey } from "#src/account/signing-key.ts";
import type { Audit } from "#src/ledger/audit.ts";
import type { Imbalance } from "#src/ledger/transactions.ts";
import { rfc3339 } from "#src/lib/clock.ts";

/** What `audit verify --json` prints: times as RFC 3339, balances and sums in nano-units, null for what there is not. */
export function auditRecord(audit: Audit, imbalances: readonly Imbalance[], ok: boolean) {
  const { rows, chains, faults, mismatches, headFaults, removed, published } = audit;
  return {
    ok,
    rows,
    chains,
    faults: faults.map(({ fault, chain, sequence, generationId, message }) => ({
      fault,
      chain,
      sequence,
      generation_id: generationId ?? null,
      message,
    })),
    mismatches,
    head_faults: headFaults,
    removed: {
      rows: removed.rows,
      until: removed.until === undefined ? null : rfc3339(removed.until),
    },
    published: {
      lines: published.lines,
      missing: published.missing,
      keys: published.keys.map(({ id, publicKey }) => ({ id, public_key: publicKey })),
      until: published.until ?? null,
      uncovered: published.uncovered,
    },
    imbalances: imbalances.map(({ accountId, balance, sum }) => ({
      account_id: accountId,
      balance,
      sum,
    })),
  };
}

/** A public key as `audit key --json` prints it. */
export function publicKeyRecord({ id, publicKey, createdAt, retiredAt, endorsement }: PublicKey) {
  return {
    id,
    public_key: publicKey,
    created_at: rfc3339(createdAt),
    retired_at: retiredAt === undefined ? null : rfc3339(retiredAt),
    endorsement:
      endorsement === undefined
        ? null
        : { key_id: endorsement.keyId, signature: endorsement.signature },
  };
}
