import type { Summary } from "#src/dialect/dialect.ts";
import {
  finishOf,
  writeGrounding,
  writeLogprobs,
  writeParts,
  writeUsage,
} from "#src/dialect/gemini/gemini-client-candidate.ts";
import type { Reply } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";

/** A canonical answer as a GenerateContentResponse. */
export function writeContentReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  const candidates = reply.choices.map(({ index, parts, finish, logprobs }) => {
    const written = writeParts(parts);
    const content = { role: "model", parts: written.parts };
    const said = parts.filter((part) => part.type === "text");
    const text = said.map((part) => part.text).join("");
    return {
      content,
      finishReason: finishOf(finish, written.malformed),
      index,
      ...writeGrounding(
        said.flatMap((part) => part.citations ?? []),
        text,
      ),
      ...writeLogprobs(logprobs),
    };
  });
  const { usage, model: modelVersion, completionId: responseId, block: lowrouter } = summary;
  const told = usage && { usageMetadata: writeUsage(usage) };
  return encode(JSON.stringify({ candidates, ...told, modelVersion, responseId, lowrouter }));
}
