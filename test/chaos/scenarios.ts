import { backupScenarios } from "#test/chaos/backup.ts";
import { clockScenario } from "#test/chaos/clock.ts";
import { diskScenarios } from "#test/chaos/disk.ts";
import { killScenarios } from "#test/chaos/kill.ts";
import { lockedScenarios } from "#test/chaos/locked.ts";
import { migrationScenario } from "#test/chaos/migration.ts";
import { remoteScenarios } from "#test/chaos/remote.ts";
import type { Scenario } from "#test/chaos/scenario.ts";
import { upstreamScenario } from "#test/chaos/upstream.ts";
import { workerScenarios } from "#test/chaos/workers.ts";

/** Everything that is tried. */
export const scenarios: readonly Scenario[] = [
  ...killScenarios,
  ...workerScenarios,
  migrationScenario,
  ...backupScenarios,
  ...lockedScenarios,
  ...diskScenarios,
  clockScenario,
  ...remoteScenarios,
  upstreamScenario,
];
