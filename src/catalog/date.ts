import modelsFile from "#data/models.json" with { type: "json" };
import type { Check } from "#src/lib/check.ts";

const staleDays = 90;

/** The day on which the newest row of the catalogue was read, YYYY-MM-DD. */
export function catalogueDate(): string {
  return modelsFile.models.reduce((latest, { read }) => (read > latest ? read : latest), "");
}

/** Prices change at the providers, not here: how old ours are is said, and is no fault of the installation. */
export function checkCatalogue(now: number): Check {
  const read = catalogueDate();
  const days = Math.floor((now - Date.parse(read)) / 86_400_000);
  const advice = days > staleDays ? "; a newer release has newer prices" : "";
  return { name: "catalogue", ok: true, found: `of ${read}, ${days} days old${advice}` };
}
