/**
 * Counts a month again, from the records as they stand in the database and from the lines of a CSV file. It shares nothing
 * with what makes statements, on purpose: the places of a record's members are written out here.
 */
const at = {
  account: 2,
  model: 9,
  provider: 10,
  region: 11,
  created: 16,
  tokens: [19, 20, 21, 22, 23, 24],
  energy: 32,
  carbon: 33,
  methodology: 36,
};

export interface Recount {
  requests: number;
  tokens: number;
  energy: bigint;
  carbon: bigint;
  withoutEstimate: number;
  tokensWithoutEstimate: number;
  carbonBy: Record<"model" | "provider" | "region", Record<string, string>>;
  energyByMethodology: Record<string, string>;
}

/** What records come to. */
export function recount(records: readonly string[], account: string, month: string): Recount {
  let [requests, tokens, withoutEstimate, tokensWithoutEstimate] = [0, 0, 0, 0];
  let [energy, carbon] = [0n, 0n];
  const carbonBy = { model: new Map(), provider: new Map(), region: new Map() } satisfies Record<
    string,
    Map<string, bigint>
  >;
  const versions = new Map<string, bigint>();
  for (const record of records) {
    const row: unknown = JSON.parse(record);
    if (!Array.isArray(row)) throw new Error("a record is a list");
    const isOurs = row[at.account] === account;
    if (!isOurs || new Date(Number(row[at.created])).toISOString().slice(0, 7) !== month) continue;
    const used = at.tokens.reduce((sum, place) => sum + Number(row[place] ?? 0), 0);
    requests++;
    tokens += used;
    const hasEstimate = typeof row[at.energy] === "number";
    const grams = hasEstimate ? BigInt(Math.round(Number(row[at.carbon]) * 1e12)) : 0n;
    const hours = hasEstimate ? BigInt(Math.round(Number(row[at.energy]) * 1e12)) : 0n;
    energy += hours;
    carbon += grams;
    for (const name of ["model", "provider", "region"] as const) {
      const place = String(row[at[name]] ?? "");
      carbonBy[name].set(place, (carbonBy[name].get(place) ?? 0n) + grams);
    }
    const version = String(row[at.methodology] ?? "");
    if (hasEstimate) versions.set(version, (versions.get(version) ?? 0n) + hours);
    else {
      withoutEstimate++;
      tokensWithoutEstimate += used;
    }
  }
  const texts = (sums: Map<string, bigint>) =>
    Object.fromEntries([...sums].map(([name, sum]) => [name, String(sum)]));
  return {
    requests,
    tokens,
    energy,
    carbon,
    withoutEstimate,
    tokensWithoutEstimate,
    carbonBy: {
      model: texts(carbonBy.model),
      provider: texts(carbonBy.provider),
      region: texts(carbonBy.region),
    },
    energyByMethodology: texts(versions),
  };
}

/** Sums of a statement's CSV. */
export function sumCsv(csv: string): Record<string, bigint> {
  const [head = "", ...lines] = csv.trimEnd().split("\r\n");
  const names = head.split(",");
  const sums: Record<string, bigint> = {};
  const add = (name: string, amount: bigint) => void (sums[name] = (sums[name] ?? 0n) + amount);
  for (const line of lines) {
    const cells = new Map(line.split(",").map((cell, place) => [names[place] ?? "", cell]));
    const whole = (name: string) => BigInt(cells.get(name) || "0");
    add("requests", whole("requests"));
    for (const name of names) if (/_p(wh|g)$/.test(name)) add(name, whole(name));
    for (const name of [
      "input_fresh",
      "cache_read",
      "cache_write_5m",
      "cache_write_1h",
      "output_visible",
      "reasoning",
    ])
      add("tokens", whole(name));
    add("requests_without_estimate", cells.get("without_estimate") === "" ? 0n : whole("requests"));
  }
  return sums;
}
