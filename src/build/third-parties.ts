import { licenceTexts } from "#src/build/licences.ts";
import type { Material } from "#src/build/sbom.ts";

/** The line of NOTICE after which the libraries follow. */
export const librariesTitle = "Libraries inside the executable:";

/** The part of NOTICE on libraries: each by name, under its licence. */
export function notedLibraries(libraries: readonly Material[]): string {
  const byLicence = new Map<string, Set<string>>();
  for (const { name, licence } of libraries) {
    const names = byLicence.get(licence) ?? new Set();
    byLicence.set(licence, names.add(name));
  }
  const paragraphs = [...byLicence]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, names]) => wrapped(`${licence}: ${[...names].toSorted().join(", ")}.`));
  return `${librariesTitle}\n\n${paragraphs.join("\n\n")}\n`;
}

/** The licence texts that go with an executable, of each library that is inside. */
export function thirdParties(root: string, libraries: readonly Material[]): string {
  const once = new Map(libraries.map((one) => [`${one.name} ${one.version}`, one]));
  const parts = [...once].map(([title, library]) => {
    const texts = licenceTexts(root, library);
    const own = texts.length > 0 ? texts.join("\n\n") : "The package carries no text of it.";
    return `${title}, ${library.licence}\n\n${own}\n`;
  });
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > 110) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}
