import { publicKeys, rotateSigningKey, signingKey } from "#src/account/signing-key.ts";
import { publicKeyRecord } from "#src/cli/audit-record.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { type Output, printJson, printTable } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { rfc3339, systemClock } from "#src/lib/clock.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";

/** The `audit key` command: the public keys that statements and published heads are signed with, after a rotation where asked. */
export async function auditKeyCommand(
  options: CommonOptions & { rotate?: boolean },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const place = keyPlaceOf(config);
    if (options.rotate) await rotateSigningKey(store, place, systemClock);
    else await signingKey(store, place, systemClock);
    const keys = await publicKeys(store);
    if (options.json) return printJson(output, { data: keys.map(publicKeyRecord) });
    printTable(
      output,
      ["id", "public key", "since", "until", "vouched for by"],
      keys.map(({ id, publicKey, createdAt, retiredAt, endorsement }) => [
        id,
        publicKey,
        rfc3339(createdAt),
        retiredAt === undefined ? "now" : rfc3339(retiredAt),
        endorsement?.keyId ?? "—",
      ]),
    );
    output.err("Note the first one where nobody who can write to this machine can change it\n");
  });
}
