import type { Answer } from "#src/workers/messages.ts";

/** What several workers say to Prometheus, as one text: each family once, each sample with the `worker` it is from. */
export function joinExpositions(answers: readonly Answer[]): string {
  const heads = new Map<string, string>();
  const samples = new Map<string, string[]>();
  for (const { worker, text } of answers) {
    let family = "";
    for (const line of text.split("\n")) {
      if (line === "") continue;
      if (!line.startsWith("#")) {
        samples.get(family)?.push(labelled(line, worker));
        continue;
      }
      family = line.split(" ", 3)[2] ?? "";
      if (!samples.has(family)) samples.set(family, []);
      const head = heads.get(family) ?? "";
      if (!head.includes(line)) heads.set(family, `${head}${line}\n`);
    }
  }
  return [...heads]
    .map(([family, head]) => head + (samples.get(family) ?? []).map((line) => `${line}\n`).join(""))
    .join("");
}

function labelled(line: string, worker: number): string {
  const brace = line.indexOf("{");
  const space = line.indexOf(" ");
  if (brace !== -1 && brace < space)
    return `${line.slice(0, brace)}{worker="${worker}",${line.slice(brace + 1)}`;
  return `${line.slice(0, space)}{worker="${worker}"}${line.slice(space)}`;
}
