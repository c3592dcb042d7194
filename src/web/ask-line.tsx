import type { Model } from "#src/catalog/model.ts";

const anyModel = { id: "lowrouter/auto", kind: "chat" } as const;

/** A line for a shell that asks a model through this gateway. `key` stands between double quotes: it may be a variable. */
export function askLine(
  origin: string,
  key: string,
  { id, kind }: Pick<Model, "id" | "kind"> = anyModel,
): string {
  const [path, asked] =
    kind === "embedding"
      ? (["embeddings", { input: "Hello" }] as const)
      : kind === "completion"
        ? (["completions", { prompt: "Hello" }] as const)
        : (["chat/completions", { messages: [{ role: "user", content: "Hello" }] }] as const);
  const body = JSON.stringify({ model: id, ...asked });
  return `curl ${origin}/v1/${path} \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '${body.replaceAll("'", "'\\''")}'`;
}

/** Copies the text of an element; there with a script only. */
export function CopyButton({ of, what }: { of: string; what: string }) {
  return (
    <p>
      <button type="button" hidden data-copy-text={of}>
        {what}
      </button>
      <span class="said" role="status" data-copied={of}></span>
    </p>
  );
}
