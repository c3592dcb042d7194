import type { Target } from "#test/fuzz/target.ts";
import { answerTargets } from "#test/fuzz/targets/answers.ts";
import { fileTargets } from "#test/fuzz/targets/files.ts";
import { requestTargets } from "#test/fuzz/targets/requests.ts";
import { streamTargets } from "#test/fuzz/targets/streams.ts";
import { textTargets } from "#test/fuzz/targets/texts.ts";
import { webTargets } from "#test/fuzz/targets/web.ts";

/** Every reader of what strangers send. */
export const targets: readonly Target[] = [
  ...requestTargets,
  ...answerTargets,
  ...streamTargets,
  ...textTargets,
  ...fileTargets,
  ...webTargets,
];
