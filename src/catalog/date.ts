import modelsFile from "#data/models.json" with { type: "json" };

/** The day on which the newest row of the catalogue was read, YYYY-MM-DD. */
export function catalogueDate(): string {
  return modelsFile.models.reduce((latest, { read }) => (read > latest ? read : latest), "");
}
